"""A live session: chunks in, anonymized chunks out, silence if anything breaks."""

from __future__ import annotations

import math
import warnings
from types import TracebackType
from typing import Any, Literal, Protocol, Self, get_args

import numpy as np

from voxguard.arrays import MAX_CHANNELS, Form, Samples, check_finite, fit
from voxguard.audio.live_rates import LiveResampler
from voxguard.copyguard import CopyGuard
from voxguard.errors import (
    ConfigurationError,
    PrivacyWarning,
    StreamError,
    UnsupportedAudioError,
    VoxguardError,
)

OnFailure = Literal["silence", "raise"]


class StreamRenderer(Protocol):
    """What a streamable anonymizer gives a session: a renderer with one voice and a memory.

    The samples that come out, joined, are those that went in, rendered, in the same places: after
    ``flush`` exactly as many. How the input is cut into chunks makes no difference.
    """

    @property
    def latency_samples(self) -> int:
        """How many samples after an input sample its output is certain to be out."""
        ...

    def push(self, samples: Samples) -> Samples:
        """Take ``(channels, n)``, give what is ready, ``(channels, m)`` with any m from 0."""
        ...

    def flush(self) -> Samples:
        """Give the rest; nothing is pushed after this."""
        ...


class RateConverted:
    """A renderer that works at a rate of its own, for a live signal of another rate.

    Args:
        renderer: Does the work.
        working_rate: Its rate in Hz.
        sample_rate: Of the signal, in Hz.
        channels: Channels of the signal.
    """

    def __init__(
        self, renderer: StreamRenderer, working_rate: int, sample_rate: int, channels: int
    ) -> None:
        self._renderer = renderer
        self._there = LiveResampler(sample_rate, working_rate, channels)
        self._back = LiveResampler(working_rate, sample_rate, channels)
        self._guard = CopyGuard(channels)  # at the rate at which a copy is one to the sample
        self._ratio = sample_rate / working_rate
        self._received = self._given = 0

    @staticmethod
    def added_latency_ms(working_rate: int, sample_rate: int) -> float:
        """What converting there and back adds to a renderer's own latency."""
        there = LiveResampler(sample_rate, working_rate, 1).reach + 1
        back = LiveResampler(working_rate, sample_rate, 1).reach + 2
        return 1000.0 * (there / sample_rate + back / working_rate)

    @property
    def latency_samples(self) -> int:
        """At the signal's rate: the renderer's, and both filters'."""
        inner = self._renderer.latency_samples + self._back.reach + 2
        return math.ceil(self._there.reach + 1 + inner * self._ratio)

    def push(self, samples: Samples) -> Samples:
        """Take ``(channels, n)`` at the signal's rate, give what is ready."""
        self._received += samples.shape[1]
        return self._give(self._back.push(self._render(self._there.push(samples))))

    def flush(self) -> Samples:
        """Give the rest."""
        last = self._render(self._there.flush())
        rest = np.asarray(self._renderer.flush(), np.float32)
        self._guard.gave(rest, final=True)
        out = [self._back.push(last), self._back.push(rest), self._back.flush()]
        return fit(np.concatenate(out, axis=1), self._received - self._given)

    def _render(self, samples: Samples) -> Samples:
        self._guard.took(samples)
        rendered = np.asarray(self._renderer.push(samples), np.float32)
        self._guard.gave(rendered)
        return rendered

    def _give(self, ready: Samples) -> Samples:
        """No more than was received: at the end the rates' rounding may have one too many."""
        ready = ready[:, : self._received - self._given]
        self._given += ready.shape[1]
        return ready


class Session:
    """Anonymizes a live signal chunk by chunk; made by ``anonymizer.stream(sample_rate)``.

    Fails closed: if rendering breaks or the signal holds NaN, the session is silent from there on,
    says so with a :class:`~voxguard.errors.PrivacyWarning` at once and a
    :class:`~voxguard.errors.StreamError` from ``flush``, and keeps the reason in ``failure``.
    With ``on_failure="raise"`` the error is raised from ``push`` too. A chunk of the wrong type or
    layout is the caller's to correct: it raises, and the session goes on undisturbed.

    Args:
        renderer: Does the work.
        sample_rate: Hz.
        channels: Channels that every chunk has.
        on_failure: ``"silence"`` or ``"raise"``.

    Example:
        >>> import numpy as np, voxguard
        >>> microphone = np.split(voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000), 50)
        >>> with voxguard.McAdams().stream(16_000) as session:
        ...     out = [session.push(chunk) for chunk in microphone]
        ...     out.append(session.flush())
        >>> len(np.concatenate(out)), session.latency_ms
        (16000, 20.0)
    """

    def __init__(
        self,
        renderer: StreamRenderer,
        sample_rate: int,
        channels: int = 1,
        *,
        on_failure: OnFailure = "silence",
    ) -> None:
        if isinstance(channels, bool) or channels not in range(1, MAX_CHANNELS + 1):
            raise ConfigurationError(f"channels= takes 1 to {MAX_CHANNELS}, got {channels!r}")
        if on_failure not in get_args(OnFailure):
            raise ConfigurationError(
                f"on_failure= takes {' or '.join(get_args(OnFailure))}, got {on_failure!r}"
            )
        self.sample_rate = sample_rate
        self.channels = channels
        self.failure: Exception | None = None
        self._renderer = renderer
        self._on_failure = on_failure
        self._form = Form(np.dtype(np.float32), flat=channels == 1)
        self._guard = CopyGuard(channels)
        self._pending = 0
        self._closed = False

    @property
    def latency_ms(self) -> float:
        """Algorithmic latency in ms: the longest that a sample waits for later samples."""
        return 1000.0 * self._renderer.latency_samples / self.sample_rate

    def push(self, chunk: Any) -> Any:
        """Anonymize one chunk of any length.

        Args:
            chunk: ``(n,)`` or ``(channels, n)``, numpy or torch; the type is kept.

        Returns:
            The samples that are ready, ``(m,)`` or ``(channels, m)``: at first fewer than went in,
            by up to ``latency_ms``.

        Raises:
            UnsupportedAudioError: Wrong type, layout or number of channels.
            StreamError: The session is closed.
        """
        if self._closed:
            raise StreamError("the session was flushed; open a new one with anonymizer.stream()")
        try:
            samples, form = Form.take(chunk, allow_empty=True, channels=self.channels)
        except UnsupportedAudioError:
            raise
        except VoxguardError as error:
            return self._form.give(self._fall_silent(error, chunk.shape[-1]))
        if samples.shape[0] != self.channels:
            raise UnsupportedAudioError(
                f"got a chunk of {samples.shape[0]} channels in a session of {self.channels}"
            )
        self._form = form
        if self.failure is not None:
            return form.give(np.zeros_like(samples))
        self._pending += samples.shape[1]
        try:
            self._guard.took(samples)
            ready = self._checked(self._renderer.push(samples))
        except Exception as error:
            return form.give(self._fall_silent(error, samples.shape[1]))
        except BaseException:  # interrupted half-way: renderer and session are out of step
            self.failure = StreamError("it was interrupted")
            raise
        self._pending -= ready.shape[1]
        return form.give(ready)

    def flush(self) -> Any:
        """Give the rest of the signal and close the session.

        Raises:
            StreamError: The session broke; what it gave since is silence.
        """
        self._closed = True
        rest = np.zeros((self.channels, 0), np.float32)
        if self.failure is None and self._pending:
            try:
                rest = self._checked(self._renderer.flush(), final=True)
            except Exception as error:
                self._fall_silent(error, 0)
        self._pending = 0
        if self.failure is not None:
            raise StreamError(
                f"the stream broke and has been silent since: {_reason(self.failure)}"
            ) from (self.failure if isinstance(self.failure, VoxguardError) else None)
        return self._form.give(rest)

    def _checked(self, ready: Samples, *, final: bool = False) -> Samples:
        if not isinstance(ready, np.ndarray) or ready.dtype.kind != "f":
            raise StreamError("the renderer gave something else than floating-point samples")
        lengths = [self._pending] if final else range(self._pending + 1)
        if ready.ndim != 2 or ready.shape[0] != self.channels or ready.shape[1] not in lengths:
            raise StreamError(f"the renderer gave samples of shape {ready.shape}")
        ready = ready.astype(np.float32, copy=False)
        check_finite(ready)
        self._guard.gave(ready, final=final)
        return ready

    def _fall_silent(self, error: Exception, length: int) -> Samples:
        silence = np.zeros((self.channels, length), np.float32)
        if self.failure is not None:  # said already
            return silence
        self.failure = error
        if self._on_failure == "raise":
            raise error
        warnings.warn(f"stream broke, now silent: {_reason(error)}", PrivacyWarning, stacklevel=3)
        return silence

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, VoxguardError) else type(error).__name__
