"""Made-up corpora, and workers that know the tests' own method."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import PLUGIN, recording


@pytest.fixture(autouse=True)
def _workers_know_the_plugin(monkeypatch):
    paths = [str(PLUGIN), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.syspath_prepend(str(PLUGIN))


@pytest.fixture(scope="session")
def contents():
    """Ten recordings."""
    return [recording(number) for number in range(10)]
