"""Made-up corpora, workers that know the tests' own method, and a store that speaks S3."""

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import ENVIRONMENT, PLUGIN, recording
from store import Store

from voxguard.anonymizers.base import registry

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _workers_know_the_plugin(monkeypatch):
    paths = [str(PLUGIN), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.setattr(registry, "_searched", False)  # other tests may have searched before
    monkeypatch.setattr(registry, "_references", dict(registry._references))
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))


@pytest.fixture(scope="session")
def contents():
    """Ten recordings."""
    return [recording(number) for number in range(10)]


@pytest.fixture(scope="session")
def server():
    for package in ("moto", "s3fs", "werkzeug"):
        pytest.importorskip(package, reason=f'{package}: pip install "moto[server]" s3fs')
    made = Store()
    yield made
    made.stop()


@pytest.fixture
def store(server, monkeypatch):
    """A store, as everything that runs in the test finds it: by the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setitem(ENVIRONMENT, name, value)
    server.seen.clear()
    return server


@pytest.fixture
def buckets(store):
    """Names of two new buckets: of a source, and of a target."""
    number = next(_numbers)
    names = f"raw-{number}", f"safe-{number}"
    for name in names:
        store.make(name)
    return names
