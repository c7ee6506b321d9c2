"""Fixtures for every test: voices that the tests make themselves, and real speech if there is."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several: before numpy counts the cores
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")

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


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its lines over."""
    if (handed := getattr(session.config, "workeroutput", None)) is not None:
        handed["outcomes"] = session.config.stash[OUTCOMES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's lines."""
    node.config.stash[OUTCOMES] += getattr(node, "workeroutput", {}).get("outcomes", [])


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


@pytest.fixture
def make_media(make_voice: Callable[..., Samples]) -> Callable[..., bytes]:
    """``make_media(muxer, codec, rate)``: the content of an MP4 or WebM file with two seconds."""
    import av

    def made(
        muxer: str,
        codec: str,
        rate: int = RATE,
        channels: int = 1,
        tracks: int = 1,
        pictures: bool = False,
        **options: str,
    ) -> bytes:
        content, layout = io.BytesIO(), ("mono", "stereo")[channels - 1]
        voice = np.tile(make_voice(seconds=2.0, sample_rate=rate), (channels, 1))
        with av.open(content, "w", format=muxer, options=options) as container:
            streams = [container.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)]
            for stream in streams:
                stream.codec_context.open()
            if pictures:
                film = container.add_stream("mpeg4", rate=25)
                film.width = film.height = 64
                film.pix_fmt = "yuv420p"
                picture = av.VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
                for packet in [*film.encode(picture), *film.encode(None)]:
                    container.mux(packet)
            for stream in streams:
                encoder = stream.codec_context
                fits = av.AudioResampler(
                    format=encoder.format.name, frame_size=encoder.frame_size or None
                )
                frame = av.AudioFrame.from_ndarray(voice, format="fltp", layout=layout)
                frame.rate, frame.pts = rate, 0
                for piece in [*fits.resample(frame), *fits.resample(None), None]:
                    for packet in stream.encode(piece):
                        container.mux(packet)
        return content.getvalue()

    return made
