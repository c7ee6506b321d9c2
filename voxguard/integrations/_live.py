"""A live session on 16-bit PCM as frameworks have it: whatever breaks, silence comes out."""

from __future__ import annotations

import logging
import math

import numpy as np

from voxguard.anonymizers.base import Anonymizer, create
from voxguard.errors import ConfigurationError, StreamError, VoxguardError
from voxguard.streaming import Session

_log = logging.getLogger(__name__)


def live_anonymizer(anonymizer: Anonymizer | None) -> Anonymizer:
    """The given one, if it can work on a live signal; by default live voice conversion.

    Raises:
        ConfigurationError: It cannot.
    """
    if anonymizer is None:
        return create("voice_conversion", live=True)
    if not anonymizer.streamable:
        raise ConfigurationError(
            f"{anonymizer.name} cannot work on a live signal; take "
            "voxguard.VoiceConversion(live=True) or voxguard.McAdams()"
        )
    return anonymizer


class LivePcm:
    """Bytes in, bytes out; after a failure zeros, as many as came, for ever.

    Args:
        anonymizer: Opens the session.
        sample_rate: Hz.
        channels: Interleaved in the bytes.
        speaker: Who speaks, to keep one pseudo-voice.
        steady: Give as many bytes as come, the first ones silence; else what is ready.

    Example:
        >>> import voxguard
        >>> from voxguard.integrations._live import LivePcm
        >>> pcm = LivePcm(voxguard.McAdams(), 16_000, steady=True)
        >>> len(pcm.push(bytes(640)))
        640
    """

    def __init__(
        self,
        anonymizer: Anonymizer,
        sample_rate: int,
        channels: int = 1,
        *,
        speaker: str | None = None,
        steady: bool = False,
    ) -> None:
        self.muted = False
        self.failed = False
        self._channels, self._steady = channels, steady
        self._rest = self._ready = b""
        self._session: Session | None = None
        try:
            self._session = anonymizer.stream(
                sample_rate, channels=channels, speaker=speaker, on_failure="raise"
            )
            if steady:
                latency = math.ceil(self._session.latency_ms * sample_rate / 1000)
                self._ready = bytes(2 * channels * latency)
        except Exception as error:
            self._fail(error)

    @property
    def latency_ms(self) -> float:
        """How long a sample stays inside; 0 after a failure."""
        return self._session.latency_ms if self._session is not None else 0.0

    def push(self, pcm: bytes) -> bytes:
        """Anonymize 16-bit little-endian samples; raises nothing."""
        if not self.failed:
            try:
                return self._push(bytes(len(pcm)) if self.muted else bytes(pcm))
            except Exception as error:
                self._fail(error)
        return bytes(len(pcm))

    def _push(self, pcm: bytes) -> bytes:
        if self._session is None:
            raise StreamError("there is no session")
        taken = self._rest + pcm
        whole = len(taken) - len(taken) % (2 * self._channels)
        self._rest = taken[whole:]
        samples = np.frombuffer(taken[:whole], "<i2").reshape(-1, self._channels).T
        chunk = samples[0] if self._channels == 1 else np.ascontiguousarray(samples)
        ready = np.atleast_2d(self._session.push(chunk)).astype("<i2", copy=False).T.tobytes()
        if not self._steady:
            return ready
        self._ready += ready
        out, self._ready = self._ready[: len(pcm)], self._ready[len(pcm) :]
        return out.ljust(len(pcm), b"\0")

    def _fail(self, error: Exception) -> None:
        """Fall silent, for ever, and say so once; nothing of the audio is told."""
        self.failed, self._session = True, None
        self._rest = self._ready = b""
        reason = str(error) if isinstance(error, VoxguardError) else type(error).__name__
        _log.error("live audio is silent from here on: %s", reason)
