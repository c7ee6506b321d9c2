"""Made-up corpora, and workers that know the tests' own method."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import PLUGIN, recording

from voxguard.anonymizers.base import registry


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
