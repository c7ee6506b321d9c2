"""Pipecat: an audio filter that anonymizes what the user says before anything else hears it."""

from __future__ import annotations

from typing import Any

from voxguard.anonymizers.base import Anonymizer
from voxguard.errors import StreamError
from voxguard.integrations._live import LivePcm, live_anonymizer
from voxguard.models.optional import optional

_PURPOSE = "the Pipecat filter"
BaseAudioFilter: Any = optional(
    "pipecat.audio.filters.base_audio_filter", "pipecat", _PURPOSE
).BaseAudioFilter
FilterEnableFrame: Any = optional("pipecat.frames.frames", "pipecat", _PURPOSE).FilterEnableFrame

__all__ = ["VoxguardFilter"]


class VoxguardFilter(BaseAudioFilter):  # type: ignore[misc]
    """For ``TransportParams(audio_in_filter=...)``; runs before voice activity detection.

    Gives what is ready, nothing at first while it listens ahead; whatever breaks, silence. A
    ``FilterEnableFrame(enable=False)`` mutes: there is no way to have the raw voice from it.

    Args:
        anonymizer: Does the work; by default ``voxguard.VoiceConversion(live=True)``.
        channels: The transport's ``audio_in_channels``.
        speaker: Who speaks, to keep one pseudo-voice; by default each start draws a new one.

    Raises:
        ConfigurationError: The anonymizer cannot work on a live signal.
    """

    def __init__(
        self,
        anonymizer: Anonymizer | None = None,
        *,
        channels: int = 1,
        speaker: str | None = None,
    ) -> None:
        self._anonymizer = live_anonymizer(anonymizer)
        self._channels, self._speaker = channels, speaker
        self._pcm: LivePcm | None = None

    @property
    def latency_ms(self) -> float:
        """Of the session; 0 before the start and after a failure."""
        return self._pcm.latency_ms if self._pcm is not None else 0.0

    @property
    def failed(self) -> bool:
        """Whether it broke, and is silent since."""
        return self._pcm is not None and self._pcm.failed

    async def start(self, sample_rate: int) -> None:
        """Open a session.

        Raises:
            StreamError: It cannot be opened at this rate.
        """
        self._pcm = LivePcm(self._anonymizer, sample_rate, self._channels, speaker=self._speaker)
        if self._pcm.failed:
            raise StreamError(f"no live session can be opened at {sample_rate} Hz; see the log")

    async def stop(self) -> None:
        """Close the session; what is still inside is dropped."""
        self._pcm = None

    async def process_frame(self, frame: Any) -> None:
        """Mute or unmute."""
        if isinstance(frame, FilterEnableFrame) and self._pcm is not None:
            self._pcm.muted = not frame.enable

    async def filter(self, audio: bytes) -> bytes:
        """Anonymize 16-bit samples; before the start and after the stop, silence."""
        return self._pcm.push(audio) if self._pcm is not None else bytes(len(audio))
