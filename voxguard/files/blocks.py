"""A signal that comes in blocks, anonymized as it comes; files and pipes are built on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples, fit
from voxguard.audio import StreamResampler
from voxguard.errors import ConfigurationError, UnsupportedAudioError, VoxguardError
from voxguard.streaming import Session

_SAME = 64  # steps of the signal that come out as they went in: a copy, not a chance


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
        return _fitted(_rendered(session, _unambiguous(source, channels)), source)
    there = StreamResampler(sample_rate, working, channels)
    back = StreamResampler(working, sample_rate, channels)
    rendered = _rendered(session, _unambiguous(_resampled(source, there), channels))
    return _fitted(_resampled(rendered, back), source)


class CopyGuard:
    """Refuses output that is its input: a broken method must not let the voice through.

    A block that is, sample for sample, what went in at the same place is withheld, unless there is
    no voice in it: a constant, or a few clicks.
    """

    def __init__(self, channels: int) -> None:
        self._source = np.zeros((channels, 0), np.float32)
        self._same = 0
        self._changed = False

    def took(self, samples: Samples) -> None:
        """Remember what went in."""
        self._source = np.concatenate([self._source, samples], axis=1)

    def check(self, samples: Samples, *, final: bool = False) -> Samples:
        """Give back what came out, if it is not what went in."""
        length = samples.shape[1]
        source, self._source = self._source[:, :length], self._source[:, length:]
        if not np.array_equal(source, samples):
            self._same, self._changed = 0, True
            return samples
        self._same += int(np.count_nonzero(np.diff(samples, axis=1)))
        if self._same >= (1 if final and not self._changed else _SAME):
            raise VoxguardError("the method changed nothing; the recording is withheld")
        return samples


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
    guard = CopyGuard(source.channels)
    guard.took(samples)
    padded = fit(samples, max(samples.shape[1], source.channels + 1))  # else its layout is unclear
    rendered = anonymizer(padded, sample_rate, speaker=speaker, utterance=utterance)
    if rendered.shape != padded.shape:
        raise VoxguardError(f"got samples of shape {rendered.shape} for {padded.shape}")
    yield guard.check(rendered[:, : samples.shape[1]], final=True)


def _unambiguous(blocks: Iterable[Samples], channels: int) -> Iterator[Samples]:
    """Blocks with more frames than channels: a session refuses others as unclear in layout.

    Costs ``channels + 1`` frames of delay, and nothing for a single channel. Only a signal that is
    no longer than that in all is padded; what comes out too much is cut off afterwards.
    """
    if channels == 1:
        yield from blocks
        return
    held = np.zeros((channels, 0), np.float32)
    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        ready = held.shape[1] - channels - 1
        if ready > channels:
            yield held[:, :ready]
            held = held[:, ready:]
    yield fit(held, max(held.shape[1], channels + 1))


def _rendered(session: Session, blocks: Iterable[Samples]) -> Iterator[Samples]:
    guard = CopyGuard(session.channels)
    for block in blocks:
        guard.took(block)
        yield guard.check(session.push(block))
    yield guard.check(session.flush().reshape(session.channels, -1), final=True)


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
