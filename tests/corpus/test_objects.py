"""Addresses that fsspec knows: memory:// in this process, file:// as an object store for many."""

import os
import signal
import time
from pathlib import Path

import pytest
from made import call, check, make, told, written

from voxguard.corpus import Maker, Settings, anonymize_corpus
from voxguard.corpus.record import CorpusRecord
from voxguard.corpus.storage import open_storage
from voxguard.corpus.unit import Workplace
from voxguard.errors import ConfigurationError

fsspec = pytest.importorskip("fsspec")


@pytest.mark.parametrize("kind", ["folder", "manifest", "webdataset", "parquet"])
def test_from_and_to_addresses(tmp_path, contents, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    source = make(kind, tmp_path / "raw", contents)
    settings = Settings(f"file://{source}", f"file://{tmp_path}/safe", kind, kind)
    report = anonymize_corpus(settings, Maker("test-deadly"))
    assert (report.done, report.failed, report.complete) == (10, 0, True)
    check(kind, tmp_path / "safe", contents)


@pytest.mark.parametrize("kind", ["folder", "webdataset"])
def test_a_store_without_files(tmp_path, contents, kind):
    make(kind, tmp_path / "raw", contents)
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.put(str(tmp_path / "raw"), f"/{kind}-raw", recursive=True)
    settings = Settings(f"memory://{kind}-raw", f"memory://{kind}-safe", kind, kind)
    maker = Maker("test-deadly")
    CorpusRecord(open_storage(settings.target), settings, maker()).begin(join=False)
    place = Workplace(settings, maker)
    outcomes = [place.do(unit) for unit in place.source.units()]
    assert sum(outcome.done for outcome in outcomes) == 10
    again = [place.do(unit) for unit in place.source.units()]
    assert {outcome.state for outcome in again} == {"there"}
    memory.get(f"/{kind}-safe", str(tmp_path / "safe"), recursive=True)
    assert len(told(tmp_path / "safe")) == len(written(kind, tmp_path / "safe")) == 10
    memory.store.clear()


def test_killed_and_gone_on_with(tmp_path, contents):
    from test_exactly_once import start

    source = make("webdataset", tmp_path / "raw", [*contents], per_shard=1)
    target = f"file://{tmp_path}/safe"
    order = (source, target, "--from", "webdataset", "--method", "test-deadly", "-o", "pause_ms=80")
    process = start(*order)
    end = time.monotonic() + 60
    while not list((tmp_path / "safe").glob("manifest/part-*")):
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = call(*order, "--resume")
    assert done.returncode == 0, done.stderr
    check("webdataset", tmp_path / "safe", contents)


def test_an_address_that_nothing_knows(tmp_path, contents):
    source = make("folder", tmp_path / "raw", contents[:1])
    for address in ("nothing://x", f"file://{source}/safe"):
        with pytest.raises(ConfigurationError):
            anonymize_corpus(
                Settings(f"file://{source}", address, "folder", "folder"), Maker("test-deadly")
            )
    assert not Path("nothing:").exists()
