"""Fixtures for every test: voices that the tests make themselves, and real speech if there is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from voxguard.arrays import Samples
from voxguard.dsp.voice import synthetic_voice

# Recipes are not part of the package: they are found from the root of the repository.
sys.path.insert(0, str(Path(__file__).parents[1]))

RATE = 16_000
OUTCOMES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[OUTCOMES] = []


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the test output."""
    return request.config.stash[OUTCOMES]


def pytest_runtest_setup() -> None:
    """Hypothesis looks at the file of every module, which SpeechBrain's lazy ones cannot stand."""
    for module in list(sys.modules.values()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            vars(module).setdefault("__file__", None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := terminalreporter.config.stash[OUTCOMES]:
        terminalreporter.section("what became of the odd files")
        for line in lines:
            terminalreporter.write_line(line)


@lru_cache(maxsize=64)
def _voice(seconds: float, sample_rate: int, speaker: int, seed: int) -> Samples:
    samples = synthetic_voice(seconds=seconds, sample_rate=sample_rate, speaker=speaker, seed=seed)
    samples.flags.writeable = False  # shared between tests
    return samples


@pytest.fixture(scope="session")
def make_voice() -> Callable[..., Samples]:
    """``make_voice(sample_rate=..., seconds=..., speaker=..., seed=...)``, kept, read-only."""

    def make(
        sample_rate: int = RATE, seconds: float = 1.0, speaker: int = 0, seed: int = 0
    ) -> Samples:
        return _voice(seconds, sample_rate, speaker, seed)

    return make


@pytest.fixture(scope="session")
def voice(make_voice: Callable[..., Samples]) -> Samples:
    """One second of a voice at 16 kHz, ``(n,)``."""
    return make_voice()


@pytest.fixture(scope="session")
def voice_8k(make_voice: Callable[..., Samples]) -> Samples:
    """One second of the same voice at 8 kHz."""
    return make_voice(8_000)


@pytest.fixture(scope="session")
def voice_44k(make_voice: Callable[..., Samples]) -> Samples:
    """One second of the same voice at 44.1 kHz."""
    return make_voice(44_100)


@pytest.fixture(scope="session")
def voice_48k(make_voice: Callable[..., Samples]) -> Samples:
    """One second of the same voice at 48 kHz."""
    return make_voice(48_000)


@pytest.fixture(scope="session")
def stereo(make_voice: Callable[..., Samples]) -> Samples:
    """Two speakers at 16 kHz, one a channel, ``(2, n)``."""
    both = np.stack([make_voice(speaker=1), make_voice(speaker=2, seed=1)])
    both.flags.writeable = False
    return both


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real speech (see the design, section 8); skips the test where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("VOXGUARD_DATA") or beside)
    if not (folder / "speech").is_dir():
        pytest.skip(f"no real speech at {folder}: set VOXGUARD_DATA to the folder that holds it")
    return folder
