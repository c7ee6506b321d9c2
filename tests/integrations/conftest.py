"""Raw recordings, and a method that breaks."""

from __future__ import annotations

import pytest
from recordings import Raw

import voxguard


@pytest.fixture(scope="session")
def raw():
    return Raw()


@pytest.fixture(scope="session")
def raw_mp3():
    return Raw(suffix="mp3")


@pytest.fixture
def broken():
    """An anonymizer that fails in the middle of its work."""

    class Broken(voxguard.McAdams):
        def render(self, samples, sample_rate, voice):
            raise RuntimeError("it broke, and shows nothing")

        def open_stream(self, sample_rate, channels, voice, max_latency_ms):
            raise RuntimeError("it broke, and shows nothing")

    return Broken()
