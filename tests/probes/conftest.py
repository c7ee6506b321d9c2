"""No test of a probe waits for a model to come back."""

import pytest

from voxguard.audiollm import ask


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setitem(ask.__kwdefaults__, "pause_s", 0.0)
