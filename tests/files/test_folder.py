"""anonymize_folder: whole or nothing, each file once, and never the voice that went in."""

import json
import os
import threading
from pathlib import Path

import pytest
import soundfile
from raw_files import RECORD, Fault, Scramble, all_files, assert_no_copy, write

import voxguard
from voxguard.errors import (
    ConfigurationError,
)
from voxguard.files import anonymize_folder
from voxguard.files.record import describe


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "raw"
    write(folder / "anna" / "1.wav", seed=1)
    write(folder / "anna" / "deep" / "er" / "2.flac", seed=2)
    write(folder / "bért 名" / "a b\n'c\".WAV", seed=3, format="WAV")
    write(folder / "top.ogg", seed=4)
    (folder / "notes.txt").write_text("hello")
    (folder / "anna" / ".hidden").write_text("")
    return folder


def test_structure_is_kept(corpus, tmp_path):
    safe = tmp_path / "x" / "safe"
    report = anonymize_folder(corpus, safe, Scramble(), jobs=3)
    audio = [name for name in all_files(corpus) if not name.endswith((".txt", ".hidden"))]
    assert all_files(safe) == sorted([*audio, RECORD])
    assert (report.done, report.skipped, report.failed, report.ignored) == (4, 0, (), 2)
    assert report.seconds == pytest.approx(4.0)
    for name in audio:
        assert_no_copy(corpus / name, safe / name)


def test_what_is_read_and_not_written_becomes_wav(tmp_path, make_media):
    raw, safe = tmp_path / "raw", tmp_path / "safe"
    write(raw / "a.wav")
    write(raw / "a.sph", format="NIST")
    (raw / "a.m4a").write_bytes(make_media("ipod", "aac"))
    (raw / "b.webm").write_bytes(make_media("webm", "libopus", 48_000))
    report = anonymize_folder(raw, safe, Scramble())
    assert (report.done, report.failed) == (4, ())
    made = ["a.m4a.wav", "a.sph.wav", "a.wav", "b.webm.wav"]
    assert all_files(safe) == [*made, RECORD]
    (safe / "a.m4a.wav").unlink()
    report = anonymize_folder(raw, safe, Scramble(), resume=True)
    assert (report.done, report.skipped, report.failed) == (1, 3, ())
    assert all_files(safe) == [*made, RECORD]


@pytest.mark.parametrize("more", [{}, {"overwrite": True}, {"resume": True}])
def test_two_results_of_one_name(tmp_path, make_media, more):
    raw, safe = tmp_path / "raw", tmp_path / "safe"
    write(raw / "a.m4a.wav")
    (raw / "a.m4a").write_bytes(make_media("ipod", "aac"))
    report = anonymize_folder(raw, safe, Scramble(), **more)
    assert report.done == 1
    [failure] = report.failed
    assert failure.path == "a.m4a"
    assert "rename one of them" in failure.reason
    assert soundfile.info(safe / "a.m4a.wav").frames == 16_000


def test_names_that_are_no_text(tmp_path):
    name = os.fsdecode(b"\xff\xfe.wav")
    source = write(tmp_path / "raw" / "in.wav")
    try:
        source.rename(source.with_name(name))
    except OSError:
        pytest.skip("this file system takes text only")
    report = anonymize_folder(tmp_path / "raw", tmp_path / "safe", Scramble(seed=1))
    assert (tmp_path / "safe" / name).exists() == bool(report.done)
    assert report.done + len(report.failed) == 1
    (tmp_path / "raw" / name).write_bytes(b"not audio")
    report = anonymize_folder(tmp_path / "raw", tmp_path / "safe", Scramble(), overwrite=True)
    report.failed[0].path.encode()


def test_failures_are_told_and_the_rest_goes_on(corpus, tmp_path):
    (corpus / "video.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    (corpus / "empty.wav").write_bytes(b"")
    (corpus / "broken.flac").write_bytes(b"fLaC" + bytes(50))
    (corpus / "gone.wav").symlink_to(corpus / "nowhere.wav")
    cut = corpus / "anna" / "cut.wav"
    cut.write_bytes((corpus / "anna" / "1.wav").read_bytes()[:999])
    os.mkfifo(corpus / "pipe.wav")  # must not block
    report = anonymize_folder(corpus, tmp_path / "safe", Scramble(), jobs=2)
    assert report.done == 4
    assert [failure.path for failure in report.failed] == [
        "anna/cut.wav", "broken.flac", "empty.wav", "gone.wav", "video.mp4",
    ]  # fmt: skip
    assert all(failure.reason for failure in report.failed)
    assert "moov" in report.failed[-1].reason
    assert len(all_files(tmp_path / "safe")) == 5
    record = json.loads((tmp_path / "safe" / RECORD).read_text())
    assert record["failed"] == report.as_dict()["failed"]
    assert not record["complete"]


@pytest.mark.parametrize("kind", ["raise", "nan", "copy", "shape"])
def test_a_broken_method_writes_nothing(corpus, tmp_path, kind):
    report = anonymize_folder(corpus, tmp_path / "safe", Fault(kind=kind), jobs=2)
    assert len(report.failed) == 4
    assert all_files(tmp_path / "safe") == [RECORD]


def test_without_resume_or_overwrite_what_is_there_fails(corpus, tmp_path):
    anonymize_folder(corpus, tmp_path / "safe", Scramble())
    before = (tmp_path / "safe" / "anna" / "1.wav").read_bytes()
    report = anonymize_folder(corpus, tmp_path / "safe", Scramble())
    assert len(report.failed) == 4
    assert (tmp_path / "safe" / "anna" / "1.wav").read_bytes() == before
    report = anonymize_folder(corpus, tmp_path / "safe", Scramble(), overwrite=True)
    assert report.done == 4
    assert (tmp_path / "safe" / "anna" / "1.wav").read_bytes() != before


def test_resume_does_what_is_missing(corpus, tmp_path):
    safe = tmp_path / "safe"
    anonymize_folder(corpus, safe, Scramble())
    (safe / "top.ogg").unlink()
    (safe / "anna" / ".voxguard-0123456789abcdef.part").write_bytes(b"left by a killed run")
    kept = (safe / "anna" / "1.wav").stat().st_mtime_ns
    report = anonymize_folder(corpus, safe, Scramble(), resume=True)
    assert (report.done, report.skipped, report.failed) == (1, 3, ())
    assert (safe / "anna" / "1.wav").stat().st_mtime_ns == kept
    assert not [name for name in all_files(safe) if ".part" in name]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Scramble(delay=10), "options"),
        (Scramble(seed=1), "randomness"),
        (Scramble(scope="session"), "randomness"),
        (Fault(), "method"),
    ],
)
def test_a_folder_does_not_mix_methods(corpus, tmp_path, other, what):
    safe = tmp_path / "safe"
    anonymize_folder(corpus, safe, Scramble())
    (safe / "top.ogg").unlink()
    before = all_files(safe)
    for resume in (True, False):
        with pytest.raises(ConfigurationError, match=f"made with {what}"):
            anonymize_folder(corpus, safe, other, resume=resume)
    assert all_files(safe) == before


@pytest.mark.parametrize("later", [{"network": "bb"}, {}])
def test_a_folder_does_not_mix_weights(corpus, tmp_path, monkeypatch, later):
    monkeypatch.setattr(Scramble, "weights", {"network": "aa"})
    anonymize_folder(corpus, tmp_path / "safe", Scramble())
    assert json.loads((tmp_path / "safe" / RECORD).read_text())["weights"] == {"network": "aa"}
    anonymize_folder(corpus, tmp_path / "safe", Scramble(), resume=True)
    monkeypatch.setattr(Scramble, "weights", later)
    with pytest.raises(ConfigurationError, match="made with weights"):
        anonymize_folder(corpus, tmp_path / "safe", Scramble(), resume=True)


def test_a_chain_names_the_weights_of_its_parts():
    chain = voxguard.Compose([voxguard.McAdams(), voxguard.VoiceConversion()])
    [(name, digest)] = chain.weights.items()
    assert name == "1/converter"
    assert describe(chain)["weights"] == {name: digest}
    assert "weights" not in describe(voxguard.McAdams())


def test_options_that_are_paths_are_told_apart():
    told = []
    for folder in ("a", "b"):
        anonymizer = Scramble()
        anonymizer.pause_ms = Path(folder)
        told.append(describe(anonymizer)["options"]["pause_ms"])
    assert told == ["a", "b"]


def test_resume_refuses_files_of_unknown_origin(corpus, tmp_path):
    write(tmp_path / "safe" / "top.ogg")  # could be the raw voice
    with pytest.raises(ConfigurationError, match="could be raw"):
        anonymize_folder(corpus, tmp_path / "safe", Scramble(), resume=True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema_version": 99}'])
def test_a_record_that_cannot_be_read(corpus, tmp_path, content):
    anonymize_folder(corpus, tmp_path / "safe", Scramble())
    (tmp_path / "safe" / RECORD).write_text(content)
    with pytest.raises(ConfigurationError, match="cannot be read as the record"):
        anonymize_folder(corpus, tmp_path / "safe", Scramble(), resume=True)
    report = anonymize_folder(corpus, tmp_path / "safe", Scramble(), overwrite=True)
    assert report.done == 4


def test_an_overwriting_run_that_broke_cannot_be_resumed(corpus, tmp_path):
    safe = tmp_path / "safe"
    anonymize_folder(corpus, safe, Scramble(delay=1))
    good = (corpus / "top.ogg").read_bytes()
    (corpus / "top.ogg").write_bytes(b"broken")
    assert anonymize_folder(corpus, safe, Scramble(), overwrite=True).failed
    (corpus / "top.ogg").write_bytes(good)
    with pytest.raises(ConfigurationError, match="overwriting"):  # top.ogg is of the first run
        anonymize_folder(corpus, safe, Scramble(), resume=True)
    assert not anonymize_folder(corpus, safe, Scramble(), overwrite=True).failed
    assert anonymize_folder(corpus, safe, Scramble(), resume=True).skipped == 4


def test_target_and_source_apart(corpus, tmp_path):
    for source, target in [
        (corpus, corpus), (corpus, corpus / "safe"), (corpus / "anna", corpus),
    ]:  # fmt: skip
        with pytest.raises(ConfigurationError, match="within the other"):
            anonymize_folder(source, target, Scramble())
    (corpus / "link").symlink_to(tmp_path / "safe")
    (tmp_path / "safe").mkdir()
    with pytest.raises(ConfigurationError, match="within the other"):
        anonymize_folder(corpus, tmp_path / "safe", Scramble())
    assert all_files(tmp_path / "safe") == []


def test_links_in_circles(corpus, tmp_path):
    (corpus / "anna" / "loop").symlink_to(corpus)
    (corpus / "anna" / "self").symlink_to(corpus / "anna" / "self")
    outside = write(tmp_path / "elsewhere" / "x.wav").parent
    (corpus / "out").symlink_to(outside)
    report = anonymize_folder(corpus, tmp_path / "safe", Scramble())
    assert (report.done, report.failed) == (5, ())
    assert (tmp_path / "safe" / "out" / "x.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"jobs": -1}, "jobs="),
        ({"resume": True, "overwrite": True}, "choose one"),
        ({"speaker_from": "name"}, "speaker_from="),
    ],
)
def test_arguments_that_do_not_go_together(corpus, tmp_path, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        anonymize_folder(corpus, tmp_path / "safe", Scramble(), **arguments)
    assert not (tmp_path / "safe").exists()


def test_a_corpus_scope_needs_speakers(corpus, tmp_path):
    with pytest.raises(ConfigurationError, match="speaker"):
        anonymize_folder(corpus, tmp_path / "safe", Scramble(scope="corpus"))
    assert not (tmp_path / "safe").exists()
    report = anonymize_folder(
        corpus, tmp_path / "safe", Scramble(scope="corpus"), speaker_from="folder"
    )
    assert report.done == 4


def test_the_folder_names_the_speaker(tmp_path):
    key = bytes(range(32))
    for path in ("anna/1", "anna/2", "bert/1"):
        write(tmp_path / "raw" / f"{path}.wav", subtype="FLOAT")  # the same audio
    safe = tmp_path / "safe"
    anonymize_folder(tmp_path / "raw", safe, Scramble(key=key), speaker_from="folder")
    one, two, other = ((safe / f"{p}.wav").read_bytes() for p in ("anna/1", "anna/2", "bert/1"))
    assert one == two != other


def test_the_order_of_the_work_does_not_matter(corpus, tmp_path):
    for jobs in (1, 4):
        anonymize_folder(corpus, tmp_path / str(jobs), Scramble(seed=5), jobs=jobs)
    for name in ("anna/1.wav", "anna/deep/er/2.flac"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


def test_the_record_marks_a_seed_and_hides_a_key(corpus, tmp_path):
    anonymize_folder(corpus, tmp_path / "seeded", Scramble(seed=5))
    record = json.loads((tmp_path / "seeded" / RECORD).read_text())
    assert record["randomness"]["seed"] == 5
    assert record["randomness"]["weakens_privacy"]
    assert record["schema_version"] == 1
    assert (record["done"], record["complete"]) == (4, True)
    key = bytes(range(32))
    anonymize_folder(corpus, tmp_path / "keyed", Scramble(key=key))
    text = (tmp_path / "keyed" / RECORD).read_text()
    assert json.loads(text)["randomness"] == {"origin": "key", "scope": "automatic"}
    assert key.hex() not in text


def test_progress_counts_up(corpus, tmp_path):
    told = []
    anonymize_folder(
        corpus, tmp_path / "safe", Scramble(), jobs=2, progress=lambda *now: told.append(now)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_interruption_stops_all_threads_and_leaves_no_partial_file(tmp_path):
    for number in range(8):
        write(tmp_path / "raw" / f"{number}.wav", 1_000_000)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        anonymize_folder(
            tmp_path / "raw", tmp_path / "safe", Scramble(pause_ms=20), jobs=3, progress=interrupt
        )
    left = [name for name in all_files(tmp_path / "safe") if name != RECORD]
    assert len(left) < 8
    assert all(soundfile.info(tmp_path / "safe" / name).frames == 1_000_000 for name in left)
    report = anonymize_folder(tmp_path / "raw", tmp_path / "safe", Scramble(pause_ms=20),
                              resume=True)  # fmt: skip
    assert report.done + report.skipped == 8


def test_two_runs_at_once_share_the_work(tmp_path):
    for number in range(12):
        write(tmp_path / "raw" / f"{number}.wav", 20_000)
    reports = []

    def run():
        reports.append(
            anonymize_folder(
                tmp_path / "raw", tmp_path / "safe", Scramble(pause_ms=5), resume=True, jobs=2
            )
        )

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.done for report in reports) == 12
    assert all(report.done + report.skipped == 12 for report in reports)
    assert len(all_files(tmp_path / "safe")) == 13
