"""LiveKit: a frame processor that anonymizes what is heard in a room.

``rtc.AudioStream`` passes the original frame on when a processor raises, and does not ask one that
is not ``enabled``. So this one raises nothing, and is always enabled.
"""

from __future__ import annotations

from typing import Any

from voxguard.anonymizers.base import Anonymizer
from voxguard.integrations._live import LivePcm, live_anonymizer
from voxguard.models.optional import optional

rtc: Any = optional("livekit.rtc", "livekit", "the LiveKit frame processor")

__all__ = ["VoxguardProcessor"]


class VoxguardProcessor(rtc.FrameProcessor):  # type: ignore[misc]
    """Frame in, frame of the same shape out, later by the latency; whatever breaks, silence.

    Goes where noise cancellation goes, ``noise_cancellation=`` of ``rtc.AudioStream`` or of
    ``room_io.AudioInputOptions``; one for each stream.

    Args:
        anonymizer: Does the work; by default ``voxguard.VoiceConversion(live=True)``.
        speaker: Who speaks, to keep one pseudo-voice; by default each stream has one of its own.

    Raises:
        ConfigurationError: The anonymizer cannot work on a live signal.
    """

    def __init__(self, anonymizer: Anonymizer | None = None, *, speaker: str | None = None) -> None:
        self._anonymizer = live_anonymizer(anonymizer)
        self._speaker = speaker
        self._pcm: LivePcm | None = None
        self._shape: tuple[int, int] | None = None  # sample rate and channels of the session
        self._muted = False

    @property
    def enabled(self) -> bool:
        """Always: a processor that is not would be passed by, with the raw voice."""
        return True

    @enabled.setter
    def enabled(self, value: bool) -> None:
        """False mutes, True unmutes."""
        self._muted = not value

    @property
    def latency_ms(self) -> float:
        """Of the session; 0 before the first frame and after a failure."""
        return self._pcm.latency_ms if self._pcm is not None else 0.0

    @property
    def failed(self) -> bool:
        """Whether it broke, and is silent since."""
        return self._pcm is not None and self._pcm.failed

    def _process(self, frame: Any) -> Any:
        heard = bytes(frame.data)
        _wipe(frame)  # what is passed on should anything from here on raise
        shape = (frame.sample_rate, frame.num_channels)
        if self._pcm is None or (shape != self._shape and not self._pcm.failed):
            self._shape = shape
            self._pcm = LivePcm(self._anonymizer, *shape, speaker=self._speaker, steady=True)
        self._pcm.muted = self._muted
        made = self._pcm.push(heard)
        return rtc.AudioFrame(made, *shape, frame.samples_per_channel)

    def _on_stream_info_updated(self, **_: Any) -> None:
        """Another stream: a session, and a pseudo-voice, of its own."""
        if not self.failed:
            self._pcm = None

    def _close(self) -> None:
        if not self.failed:
            self._pcm = None


def _wipe(frame: Any) -> None:
    """Make a frame silent, in place."""
    try:
        frame.data.cast("B")[:] = bytes(frame.data.nbytes)
    except TypeError:  # made of read-only bytes: give it others
        frame._data = bytearray(frame.data.nbytes)
