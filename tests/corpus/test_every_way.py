"""Every kind of source to every kind of target."""

import csv
import json
import tarfile

import pytest
from made import TRANSCRIPT, check, make, told, written

from voxguard.corpus import Maker, Settings, anonymize_corpus
from voxguard.corpus.settings import KINDS

METHOD = Maker("test-deadly")


def settings(source, target, source_kind, target_kind, **options):
    return Settings(str(source), str(target), source_kind, target_kind, unit_items=4, **options)


@pytest.mark.parametrize("target_kind", KINDS)
@pytest.mark.parametrize("source_kind", KINDS)
def test_each_recording_once(tmp_path, contents, source_kind, target_kind):
    if "parquet" in (source_kind, target_kind):
        pytest.importorskip("pyarrow")
    source = make(source_kind, tmp_path / "raw", contents)
    keep = () if source_kind == "folder" else ("text",)
    report = anonymize_corpus(
        settings(source, tmp_path / "safe", source_kind, target_kind, keep=keep), METHOD
    )
    assert (report.done, report.failed, report.complete) == (10, 0, True)
    assert report.units_done == 3
    check(target_kind, tmp_path / "safe", contents)
    everything = b"".join(p.read_bytes() for p in (tmp_path / "safe").rglob("*") if p.is_file())
    assert b"anna" not in everything  # of the path in Parquet files
    assert b'speaker": "s' not in everything
    if target_kind == "webdataset" and keep:
        with tarfile.open(next((tmp_path / "safe").glob("*.tar"))) as tar:
            text = next(info for info in tar if info.name.endswith(".text"))
            assert tar.extractfile(text).read().decode() == TRANSCRIPT
            assert (text.uid, text.mtime, text.uname) == (0, 0, "")
    if target_kind == "manifest":
        with (tmp_path / "safe" / "manifest.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["path"] for row in rows} == set(written("manifest", tmp_path / "safe"))
        assert len(rows) == 10
        assert all(list(row) == ["path", *keep] for row in rows)
    if target_kind == "parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(next((tmp_path / "safe").glob("*.parquet")))
        assert table.column_names == ["audio", *keep]
        assert b"Audio" in table.schema.metadata[b"huggingface"]


def test_types_of_kept_columns_survive(tmp_path, contents):
    pq = pytest.importorskip("pyarrow.parquet")
    source = make("parquet", tmp_path / "raw", contents)
    job = settings(source, tmp_path / "safe", "parquet", "parquet", keep=("number",))
    assert anonymize_corpus(job, METHOD).done == 10
    column = pq.read_table(tmp_path / "safe" / "000.parquet")["number"]
    assert column.to_pylist() == [0, 1, 2, 3]


def test_a_manifest_can_be_anonymized_again(tmp_path, contents):
    source = make("manifest", tmp_path / "raw", contents)
    anonymize_corpus(settings(source, tmp_path / "a", "manifest", "manifest"), METHOD)
    again = settings(tmp_path / "a" / "manifest.csv", tmp_path / "b", "manifest", "folder")
    assert anonymize_corpus(again, METHOD).done == 10


@pytest.mark.parametrize("kind", ["folder", "manifest", "webdataset", "parquet"])
def test_a_key_gives_speakers_one_voice_over_workers_units_and_runs(tmp_path, contents, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "key").write_text("ab" * 32)
    source = make(kind, tmp_path / "raw", contents)
    speakers = {"speaker_from": "folder"} if kind == "folder" else {"speaker_column": "speaker"}
    maker = Maker("test-deadly", key_file=tmp_path / "key")
    results = []
    for jobs in (1, 2):
        target = tmp_path / str(jobs)
        anonymize_corpus(settings(source, target, kind, kind, **speakers), maker, jobs=jobs)
        results.append(written(kind, target))
    assert results[0] == results[1]
    # Whatever the kind, the voice is the speaker's: the level that the draw gave them.
    lines = told(tmp_path / "1")
    levels = {0: set(), 1: set()}
    from voxguard.audio import read

    for line in lines.values():
        samples = read(results[0][line["output"]])[0]
        number = samples.shape[1] - 4000
        was = read(contents[number])[0]
        levels[number % 2].add(round(float(abs(samples).mean() / abs(was).mean()), 2))
    assert len(levels[0]) == len(levels[1]) == 1
    assert levels[0] != levels[1]


def test_by_default_no_two_draws_are_the_same(tmp_path, contents):
    source = make("folder", tmp_path / "raw", contents[:2])
    for name in "ab":
        anonymize_corpus(settings(source, tmp_path / name, "folder", "folder"), METHOD)
    one, two = (written("folder", tmp_path / name) for name in "ab")
    assert all(one[name] != two[name] for name in one)


def test_two_shards_at_once(tmp_path, contents):
    from made import COMMAND, ENVIRONMENT, subprocess

    source = make("webdataset", tmp_path / "raw", [*contents] * 3, per_shard=3)
    method = ("--method", "test-deadly", "-o", "pause_ms=20", "--from", "webdataset")
    running = [
        subprocess.Popen(
            [*COMMAND, "anonymize", str(source), str(tmp_path / "safe"), *method, "--json",
             "--shard", f"{i}/2"],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for i in range(2)
    ]  # fmt: skip
    reports = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
        reports.append(json.loads(out))
    assert [report["done"] for report in reports] == [15, 15]
    assert any(report["complete"] for report in reports)
    lines = told(tmp_path / "safe")
    assert len(lines) == len(written("webdataset", tmp_path / "safe")) == 30
