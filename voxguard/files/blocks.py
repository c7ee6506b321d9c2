"""A signal that comes in blocks, anonymized as it comes; files and pipes are built on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples, fit
from voxguard.audio import StreamResampler
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.streaming import Session


def render_blocks(
    blocks: Iterable[Samples],
    sample_rate: int,
    channels: int,
    anonymizer: Anonymizer,
    *,
    speaker: str | None = None,
    utterance: str | None = None,
    max_latency_ms: float | None = None,
) -> Iterator[Samples]:
    """Anonymize blocks in one pseudo-voice, in bounded memory if the method is streamable.

    Args:
        blocks: ``(channels, n)`` float32 of any lengths. Not asked for before the result is.
        sample_rate: Hz.
        channels: Of every block.
        anonymizer: Does the work.
        speaker: Who speaks.
        utterance: Names the utterance.
        max_latency_ms: Upper bound on the algorithmic latency, for live signals.

    Returns:
        Blocks of other lengths that hold, together, exactly as many frames in the same places.

    Raises:
        ConfigurationError: At once: the method cannot work at this rate or latency.
        VoxguardError: While iterating; everything given up to then is anonymized.
    """
    source = _Counted(blocks, channels)
    if not anonymizer.streamable:
        if max_latency_ms is not None:
            raise ConfigurationError(
                f"{anonymizer.name} needs the whole recording, so no latency can be promised"
            )
        return _at_once(source, sample_rate, anonymizer, speaker, utterance)
    working = sample_rate  # a session converts rates quickly; where nobody waits, better is done
    if max_latency_ms is None:
        working = anonymizer.working_rate(sample_rate)
    session = anonymizer.stream(
        working,
        channels=channels,
        max_latency_ms=max_latency_ms,
        speaker=speaker,
        utterance=utterance,
        on_failure="raise",
    )
    if working == sample_rate:
        return _fitted(_rendered(session, source), source)
    there = StreamResampler(sample_rate, working, channels)
    back = StreamResampler(working, sample_rate, channels)
    rendered = _rendered(session, _resampled(source, there))
    return _fitted(_resampled(rendered, back), source)


class _Counted:
    """Blocks, and how many frames have come so far."""

    def __init__(self, blocks: Iterable[Samples], channels: int) -> None:
        self.frames = 0
        self.channels = channels
        self._blocks = blocks

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            self.frames += block.shape[1]
            yield block
        if not self.frames:
            raise UnsupportedAudioError("there is no audio in it: it holds 0 frames")


def _at_once(
    source: _Counted,
    sample_rate: int,
    anonymizer: Anonymizer,
    speaker: str | None,
    utterance: str | None,
) -> Iterator[Samples]:
    samples = np.concatenate(list(source), axis=1)
    padded = fit(samples, max(samples.shape[1], source.channels + 1))  # else its layout is unclear
    rendered = anonymizer(padded, sample_rate, speaker=speaker, utterance=utterance)
    yield rendered[:, : samples.shape[1]]


def _rendered(session: Session, blocks: Iterable[Samples]) -> Iterator[Samples]:
    for block in blocks:
        yield session.push(block).reshape(session.channels, -1)
    yield session.flush().reshape(session.channels, -1)


def _resampled(blocks: Iterable[Samples], resampler: StreamResampler) -> Iterator[Samples]:
    for block in blocks:
        yield resampler.push(block)
    yield resampler.flush()


def _fitted(blocks: Iterable[Samples], source: _Counted) -> Iterator[Samples]:
    """As many frames as the source had: resampling there and back may give a few more or less."""
    given = 0
    spare = np.zeros((source.channels, 0), np.float32)
    for block in blocks:
        ready = np.concatenate([spare, block], axis=1) if spare.size else block
        room = source.frames - given
        ready, spare = ready[:, :room], ready[:, room:]
        given += ready.shape[1]
        if ready.size:
            yield ready
    if given < source.frames:
        yield fit(spare, source.frames - given)
