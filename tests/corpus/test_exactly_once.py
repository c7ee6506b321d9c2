"""Workers, drivers and everything at once are killed; the next run makes it whole."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from made import COMMAND, ENVIRONMENT, call, check, make, recording, told, written

from voxguard.corpus import Maker, Settings, anonymize_corpus
from voxguard.corpus.sources import base
from voxguard.errors import ConfigurationError

METHOD = ("--method", "test-deadly", "-o", "pause_ms=25")


@pytest.fixture(scope="module")
def many():
    return [recording(number) for number in range(60)]


def start(*arguments):
    return subprocess.Popen(
        [*COMMAND, "anonymize", *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def children(process):
    """The worker processes of a driver."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(p) for p in listed if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def wait_for(condition):
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return value


def arguments(source, target, kind, target_kind):
    return (source, target, "--from", kind, "--to", target_kind, *METHOD, "--jobs", 2)


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


@needs_proc
@pytest.mark.parametrize("target_kind", ["folder", "manifest", "webdataset", "parquet"])
def test_everything_is_killed_again_and_again(tmp_path, many, target_kind):
    if target_kind == "parquet":
        pytest.importorskip("pyarrow")
    source = make("webdataset", tmp_path / "raw", many, per_shard=6)
    target = tmp_path / "safe"
    order = arguments(source, target, "webdataset", target_kind)
    chance = random.Random(7)  # noqa: S311
    for attempt in range(3):
        process = start(*order, *(["--resume"] if attempt else []))
        wait_for(lambda: (target / "voxguard-corpus.json").exists())
        time.sleep(0.3 + 0.4 * chance.random())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for name in written(target_kind, target) if target_kind != "parquet" else ():
            assert name
    before = {part.name: part.read_bytes() for part in (target / "manifest").glob("part-*.jsonl")}
    done = call(*order, "--resume", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["units_there"] == len(before)
    assert report["units_there"] + report["units_done"] == 10
    check(target_kind, target, many)
    for name, content in before.items():  # what was complete was left alone
        assert (target / "manifest" / name).read_bytes() == content


@needs_proc
def test_a_worker_is_killed_and_the_run_goes_on(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many, per_shard=6)
    target = tmp_path / "safe"
    slow = (source, target, "--from", "webdataset", "--jobs", 2, *METHOD[:2], "-o", "pause_ms=120")
    process = start(*slow)
    for _ in range(3):
        wait_for(lambda: any((target / "manifest").glob(".voxguard-*.claim")))
        os.kill(wait_for(lambda: children(process))[0], signal.SIGKILL)
        time.sleep(0.1)
    assert len(told(target)) < 60  # the last was killed in the middle, too
    assert process.wait(timeout=120) == 0
    check("webdataset", target, many)


@needs_proc
def test_workers_do_not_outlive_their_driver(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many, per_shard=6)
    target = tmp_path / "safe"
    process = start(*arguments(source, target, "webdataset", "folder"))
    workers = wait_for(lambda: children(process))
    wait_for(lambda: any((target / "manifest").glob(".voxguard-*.claim")))
    process.kill()
    process.wait()
    wait_for(lambda: not any(_runs(pid) for pid in workers))
    assert call(*arguments(source, target, "webdataset", "folder"), "--resume").returncode == 0
    check("folder", target, many)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_half(tmp_path, many, how):
    source = make("webdataset", tmp_path / "raw", many, per_shard=6)
    target = tmp_path / "safe"
    process = start(*arguments(source, target, "webdataset", "webdataset"))
    wait_for(lambda: any((target / "manifest").glob(".voxguard-*.claim")))
    time.sleep(0.2)
    process.send_signal(how)
    assert process.wait(timeout=60) == 130
    assert not [path for path in target.rglob("*") if path.name.startswith(".voxguard")]
    assert call(*arguments(source, target, "webdataset", "webdataset"), "--resume").returncode == 0
    check("webdataset", target, many)


def test_two_runs_of_the_same_do_not_do_it_twice(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:30], per_shard=6)
    target = tmp_path / "safe"
    order = (*arguments(source, target, "webdataset", "webdataset"), "--shard", "0/1", "--json")
    running = [
        subprocess.Popen(
            [*COMMAND, "anonymize", *map(str, order)], env=ENVIRONMENT, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    reports = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    assert sum(report["done"] for report in reports) == 30
    assert all(report["complete"] for report in reports)
    check("webdataset", target, many[:30])


def test_a_recording_that_kills_its_worker_is_blamed_and_left_out(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:12], per_shard=6)
    settings = Settings(str(source), str(tmp_path / "safe"), "webdataset", "webdataset")
    report = anonymize_corpus(settings, Maker("test-deadly", {"kills": 4003}))
    assert (report.done, report.failed, report.complete) == (11, 1, True)
    assert report.failures == [("000.tar/003.wav", "the process that worked on it died 3 times")]
    check("webdataset", tmp_path / "safe", [*many[:3], *many[4:12]], ["000.tar/003.wav"])


def test_a_disk_that_is_full_leaves_units_for_the_next_run(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:12], per_shard=6)
    target = tmp_path / "safe"
    order = [
        *COMMAND,
        "anonymize",
        *map(str, arguments(source, target, "webdataset", "webdataset")),
    ]
    limited = ["bash", "-c", 'ulimit -f 40; trap "" XFSZ; exec "$@"', "bash", *order]
    done = subprocess.run(limited, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "000.tar is not done: 000.tar could not be written: File too large" in done.stderr
    assert not told(target)
    assert not written("webdataset", target)
    assert call(*order[len(COMMAND) + 1 :], "--resume").returncode == 0
    check("webdataset", target, many[:12])


def test_resume_is_asked_for_and_keeps_to_one_method_and_one_source(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:12], per_shard=6)
    settings = Settings(str(source), str(tmp_path / "safe"), "webdataset", "webdataset")
    maker = Maker("test-deadly")
    anonymize_corpus(settings, maker)
    with pytest.raises(ConfigurationError, match="resume"):
        anonymize_corpus(settings, maker)
    with pytest.raises(ConfigurationError, match="options"):
        anonymize_corpus(settings, Maker("test-deadly", {"pause_ms": 1}), resume=True)
    again = anonymize_corpus(settings, maker, resume=True)
    assert (again.done, again.units_there, again.complete) == (0, 2, True)
    shutil.copy(source / "000.tar", source / "002.tar")  # more of the same is welcome
    assert anonymize_corpus(settings, maker, resume=True).done == 6
    with (source / "001.tar").open("ab") as file:
        file.write(bytes(10240))
    with pytest.raises(ConfigurationError, match="source was changed"):
        anonymize_corpus(settings, maker, resume=True)


def test_failed_ones_are_tried_again_when_asked(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:12], per_shard=6)
    settings = Settings(str(source), str(tmp_path / "safe"), "webdataset", "folder")
    maker = Maker("test-deadly", {"kills": 4003})
    assert anonymize_corpus(settings, maker).failed == 1
    assert anonymize_corpus(settings, maker, resume=True).units_done == 0
    again = anonymize_corpus(settings, maker, resume=True, retry_failed=True)
    assert (again.units_there, again.units_done, again.failed) == (1, 1, 1)
    check("folder", tmp_path / "safe", [*many[:3], *many[4:12]], ["000.tar/003.wav"])


def test_a_shard_that_cannot_be_read_now_is_left_for_later(tmp_path, many):
    source = make("webdataset", tmp_path / "raw", many[:12], per_shard=6)
    settings = Settings(str(source), str(tmp_path / "safe"), "webdataset", "webdataset")
    if os.geteuid() == 0:  # may read everything: let it vanish between listing and reading
        units = list(base.ShardSource.units(_source(settings)))
        (source / "001.tar").unlink()
        from voxguard.corpus.record import CorpusRecord
        from voxguard.corpus.storage import open_storage
        from voxguard.corpus.unit import Workplace

        maker = Maker("test-deadly")
        CorpusRecord(open_storage(settings.target), settings, maker()).begin(join=False)
        place = Workplace(settings, maker)
        outcomes = [place.do(unit) for unit in units]
        assert [outcome.state for outcome in outcomes] == ["done", "unfinished"]
        assert outcomes[1].reason == "FileNotFoundError: No such file or directory"
        assert len(told(tmp_path / "safe")) == 6
        return
    (source / "001.tar").chmod(0)
    report = anonymize_corpus(settings, Maker("test-deadly"))
    assert [unit for unit, _ in report.unfinished] == ["001.tar"]
    assert not report.complete


def _source(settings):
    from voxguard.corpus.sources import open_source

    return open_source(settings)
