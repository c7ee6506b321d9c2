"""What is wrong with an item is told of the item; what is wrong with a shard, of the shard."""

import csv
import io
import json
import tarfile

import numpy as np
import pytest
import soundfile
from made import TRANSCRIPT, check, holds_nothing_raw, make, member, recording, told, written

from voxguard.corpus import Maker, Settings, anonymize_corpus
from voxguard.errors import ConfigurationError

METHOD = Maker("test-deadly")


def run(source, target, kind, target_kind=None, **options):
    settings = Settings(str(source), str(target), kind, target_kind or kind, **options)
    return anonymize_corpus(settings, METHOD)


def not_a_number():
    file = io.BytesIO()
    samples = np.full(5000, np.nan, np.float32)
    soundfile.write(file, samples, 16_000, format="WAV", subtype="FLOAT")
    return file.getvalue()


def no_samples():
    file = io.BytesIO()
    soundfile.write(file, np.zeros(0), 16_000, format="WAV")
    return file.getvalue()


def odd():
    """Content of recordings that cannot be anonymized, with a word of the reason."""
    whole = recording(7)
    return {
        "cut": (whole[: len(whole) // 2], "cut short"),
        "empty": (b"", ""),
        "nan": (not_a_number(), ""),
        "none": (no_samples(), ""),
        "long": (recording(3, seconds=3.0), "longer than"),
        "text": (b"hello " * 1000, ""),
    }


@pytest.mark.parametrize("kind", ["folder", "webdataset", "parquet"])
@pytest.mark.parametrize("target", ["folder", "webdataset", "parquet"])
def test_odd_recordings_fail_alone_and_with_a_reason(tmp_path, contents, kind, target):
    if "parquet" in (kind, target):
        pytest.importorskip("pyarrow")
    cases = odd()
    everything = [*contents[:2], *(content for content, _ in cases.values()), *contents[2:]]
    source = make(kind, tmp_path / "raw", everything, per_shard=100)
    report = run(source, tmp_path / "safe", kind, target, max_seconds=1.0)
    assert (report.done, report.failed, report.complete) == (10, len(cases), True)
    lines = told(tmp_path / "safe")
    failed = [name for name, line in lines.items() if line["status"] == "failed"]
    check(target, tmp_path / "safe", contents, failed)
    holds_nothing_raw(tmp_path / "safe", [content for content, _ in cases.values()])
    reasons = [line["reason"] for line in lines.values() if line["status"] == "failed"]
    assert all(reasons)
    for word in ("cut short", "longer than"):
        assert sum(word in reason for reason in reasons) == 1, reasons
    assert str(tmp_path) not in json.dumps(reasons)


@pytest.mark.parametrize("name", ["../../out.wav", "/out/b.wav", "a//b.wav", "a/../../b.wav"])
@pytest.mark.parametrize("target", ["folder", "webdataset"])
def test_names_that_lead_out(tmp_path, contents, name, target):
    (tmp_path / "raw").mkdir()
    with tarfile.open(tmp_path / "raw" / "a.tar", "w") as tar:
        member(tar, name, contents[0])
        member(tar, "good.wav", contents[1])
    before = set(tmp_path.rglob("*")) | {tmp_path / "safe"}
    report = run(tmp_path / "raw", tmp_path / "safe", "webdataset", target)
    assert (report.done, report.failed) == (1, 1)
    assert "leads out" in report.failures[0][1]
    new = set(tmp_path.rglob("*")) - before
    assert all((tmp_path / "safe") in path.parents for path in new)


def test_odd_members_of_a_tar(tmp_path, contents):
    (tmp_path / "raw").mkdir()
    with tarfile.open(tmp_path / "raw" / "a.tar", "w") as tar:
        member(tar, "a.wav", contents[0])
        member(tar, "a.wav", contents[1])  # the same name again
        member(tar, "b.mic1.wav", contents[2])  # two recordings of one sample
        member(tar, "b.mic2.wav", contents[3])
        member(tar, "b.npy", b"raw voice in another form")
        link = tarfile.TarInfo("c.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        member(tar, "d.json", b"{not json")
        member(tar, "d.wav", contents[4])
    report = run(tmp_path / "raw", tmp_path / "safe", "webdataset")
    assert (report.done, report.failed) == (3, 3)
    reasons = " ".join(reason for _, reason in report.failures)
    assert "twice" in reasons
    assert "link" in reasons
    assert "JSON" in reasons
    names = sorted(written("webdataset", tmp_path / "safe"))
    assert names == ["a.tar/a.wav", "a.tar/b_mic1.wav", "a.tar/b_mic2.wav"]


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.9])
def test_a_tar_cut_short_gives_what_is_whole(tmp_path, contents, part, suffix):
    (tmp_path / "raw").mkdir()
    path = tmp_path / "raw" / f"a{suffix}"
    with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as tar:
        for number, content in enumerate(contents):
            member(tar, f"{number}.wav", content)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    report = run(tmp_path / "raw", tmp_path / "safe", "webdataset", "folder")
    assert report.failed == 1
    assert f"after {report.done} recordings" in report.failures[0][1]
    assert 0 < report.done < 10
    assert report.complete  # trying again would not help
    assert len(written("folder", tmp_path / "safe")) == report.done


def test_a_tar_cut_between_two_members_is_noticed(tmp_path, contents):
    (tmp_path / "raw").mkdir()
    path = tmp_path / "raw" / "a.tar"
    with tarfile.open(path, "w") as tar:
        for number, content in enumerate(contents):
            member(tar, f"{number}.wav", content)
    with tarfile.open(path) as tar:
        offset = tar.getmembers()[5].offset
    path.write_bytes(path.read_bytes()[:offset])
    report = run(tmp_path / "raw", tmp_path / "safe", "webdataset")
    assert (report.done, report.failed) == (4, 1)  # the fifth could have lost its transcript


def test_tars_that_were_joined_are_read_to_the_end(tmp_path, contents):
    make("webdataset", tmp_path / "two", contents)
    (tmp_path / "raw").mkdir()
    joined = b"".join(path.read_bytes() for path in sorted((tmp_path / "two").iterdir()))
    (tmp_path / "raw" / "a.tar").write_bytes(joined)
    assert run(tmp_path / "raw", tmp_path / "safe", "webdataset").done == 10


def test_damaged_parquet(tmp_path, contents):
    pytest.importorskip("pyarrow")
    source = make("parquet", tmp_path / "raw", contents)
    damaged = source / "001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    report = run(source, tmp_path / "safe", "parquet")
    assert (report.done, report.failed, report.complete) == (6, 1, True)


def test_parquet_without_the_column(tmp_path, contents):
    pytest.importorskip("pyarrow")
    source = make("parquet", tmp_path / "raw", contents)
    with pytest.raises(ConfigurationError, match="no column 'sound'; it has audio, speaker"):
        run(source, tmp_path / "safe", "parquet", audio_column="sound")
    with pytest.raises(ConfigurationError, match="holds string"):
        run(source, tmp_path / "safe", "parquet", audio_column="text")
    assert not (tmp_path / "safe").exists()


def test_raw_audio_is_never_kept(tmp_path, contents):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    source = tmp_path / "raw"
    source.mkdir()
    columns = {
        "audio": [contents[0]],
        "copy": [contents[0]],
        "samples": [[0.1, 0.2]],
        "text": ["warm"],
    }
    parquet.write_table(arrow.table(columns), source / "a.parquet")
    for name in ("audio", "copy", "samples"):
        with pytest.raises(ConfigurationError, match=r"audio|could be a voice"):
            run(source, tmp_path / "safe", "parquet", keep=(name,))
    assert run(source, tmp_path / "safe", "parquet", keep=("text",)).done == 1


def test_side_data_that_could_be_a_voice_fail_the_item(tmp_path, contents):
    import base64

    (tmp_path / "raw").mkdir()
    with tarfile.open(tmp_path / "raw" / "a.tar", "w") as tar:
        for name, text in (
            ("a", base64.b64encode(contents[0]).decode()),
            ("b", [0.1, 0.2]),
            ("c", TRANSCRIPT),
        ):
            member(tar, f"{name}.json", json.dumps({"text": text, "name": "anna"}).encode())
            member(tar, f"{name}.wav", contents[0])
    report = run(tmp_path / "raw", tmp_path / "safe", "webdataset", keep=("text",))
    assert (report.done, report.failed) == (1, 2)


def test_odd_rows_of_a_manifest(tmp_path, contents):
    source = make("manifest", tmp_path / "raw", contents)
    with source.open("a", newline="") as file:
        csv.writer(file).writerows(
            [
                ["s0/000.wav", "s0", "again"],
                ["../raw/s0/000.wav", "s0", ""],
                ["s0/none.wav", "s0", ""],
                ["", "s0", ""],
                ["s1", "s1", "a folder"],
            ]
        )
    report = run(source, tmp_path / "safe", "manifest", keep=("text",))
    assert (report.done, report.failed, report.complete) == (10, 5, True)
    assert len(written("manifest", tmp_path / "safe")) == 10


def test_a_speaker_who_is_not_named(tmp_path, contents):
    source = make("manifest", tmp_path / "raw", contents[:2])
    source.write_text(source.read_text().replace(",s0,", ",,"))
    settings = Settings(
        str(source), str(tmp_path / "safe"), "manifest", "folder", speaker_column="speaker"
    )
    report = anonymize_corpus(settings, Maker("test-deadly", seed=1))
    assert (report.done, report.failed) == (1, 1)
    assert "not named" in report.failures[0][1]


def test_speakers_need_a_key(tmp_path, contents):
    source = make("manifest", tmp_path / "raw", contents[:2])
    with pytest.raises(ConfigurationError, match="key"):
        run(source, tmp_path / "safe", "manifest", speaker_column="speaker")
    assert not (tmp_path / "safe").exists()


def test_what_does_not_go_together_is_refused_before_anything_is_written(tmp_path, contents):
    folder = make("folder", tmp_path / "raw", contents[:2])
    target = tmp_path / "safe"
    for source, kind, options in (
        (tmp_path / "nowhere", "folder", {}),
        (tmp_path / "nowhere.csv", "manifest", {}),
        (tmp_path / "nowhere.tar", "webdataset", {}),
        (folder, "webdataset", {}),
        (folder, "folder", {"keep": ("text",)}),
        (folder, "folder", {"max_seconds": 0.0}),
    ):
        with pytest.raises(ConfigurationError):
            run(source, target, kind, **options)
        assert not target.exists()
    for inside in (folder, folder / "safe"):
        with pytest.raises(ConfigurationError, match="one within"):
            run(folder, inside, "folder")
    target.mkdir()
    (target / "raw.wav").write_bytes(contents[0])
    with pytest.raises(ConfigurationError, match="could be raw"):
        run(folder, target, "folder")


def test_links_to_nowhere_and_to_themselves(tmp_path, contents):
    source = make("folder", tmp_path / "raw", contents)
    (source / "gone.wav").symlink_to("nothing")
    (source / "s0" / "loop").symlink_to(source)
    report = run(source, tmp_path / "safe", "folder")
    assert (report.done, report.failed) == (10, 1)
