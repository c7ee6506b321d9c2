"""The live audio of one connection: raw bytes in, raw bytes of a pseudo-voice out."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio.g711 import Law, decode_g711, encode_g711
from voxguard.audio.pcm import decode_pcm, encode_pcm
from voxguard.errors import UnsupportedAudioError
from voxguard.gateway.workers import LiveSession, Workers

_LAWS: dict[str, Law] = {
    "audio/pcmu": "ULAW",
    "audio/pcma": "ALAW",
    "g711_ulaw": "ULAW",
    "g711_alaw": "ALAW",
}
_PCM = ("audio/pcm", "pcm16")
_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_G711_RATE = 8_000


@dataclass(frozen=True)
class Wire:
    """How live audio travels: 16-bit PCM at a rate, or G.711 at 8 kHz; one channel.

    Example:
        >>> from voxguard.gateway.voice import Wire
        >>> Wire.named({"type": "audio/pcmu"}, 24_000)
        Wire(rate=8000, law='ULAW')
    """

    rate: int
    law: Law | None = None

    @classmethod
    def named(cls, name: Any, rate: int) -> Wire:
        """By the name that a session has for it, an object or (before 2025-08) a text.

        Args:
            name: Of the format.
            rate: Of PCM, in Hz, where the name does not say.

        Raises:
            UnsupportedAudioError: Another format.
        """
        kind = name.get("type", _PCM[0]) if isinstance(name, dict) else name
        if kind in _PCM:
            stated = name.get("rate") if isinstance(name, dict) else None
            if stated is not None and stated not in _RATES:
                raise UnsupportedAudioError(
                    f"got live audio at {stated!r} Hz; accepted are {', '.join(map(str, _RATES))}"
                )
            return cls(stated or rate)
        if isinstance(kind, str) and kind in _LAWS:
            return cls(_G711_RATE, _LAWS[kind])
        raise UnsupportedAudioError(
            f"got the live audio format {kind!r}; accepted are {', '.join([*_PCM, *_LAWS])}"
        )

    @property
    def width(self) -> int:
        """Bytes a sample."""
        return 2 if self.law is None else 1

    def decode(self, data: bytes) -> Samples:
        """Whole samples, ``(1, n)``."""
        return decode_pcm(data, "PCM_16", 1) if self.law is None else decode_g711(data, self.law)

    def encode(self, samples: Samples) -> bytes:
        """Samples ``(1, n)`` as bytes."""
        return encode_pcm(samples, "PCM_16") if self.law is None else encode_g711(samples, self.law)


class LiveVoice:
    """Anonymizes the live audio of one connection, in one pseudo-voice.

    What comes out lags behind by ``latency_ms``. Where a turn ends, :meth:`drain` gives the rest:
    silence is pushed behind it, whose rendering is left out later.

    Args:
        workers: Do the work.
        speaker: Names the pseudo-voice.
        wire: How the audio travels, at first.
        timeout_s: For one chunk.
    """

    def __init__(self, workers: Workers, speaker: str, wire: Wire, timeout_s: float) -> None:
        self._workers, self._speaker, self._timeout_s = workers, speaker, timeout_s
        self.wire = wire
        self._session: LiveSession | None = None
        self._rest = b""  # of a sample of which the other byte has not come yet
        self._inside: deque[tuple[int, bool]] = (
            deque()
        )  # samples in order, and whether to give them

    @property
    def latency_ms(self) -> float:
        """Of the session that is open."""
        return 0.0 if self._session is None else self._session.latency_ms

    async def open(self) -> LiveSession:
        """The session; opened where there is none."""
        if self._session is None:
            self._session = await self._workers.open(
                self.wire.rate, self._speaker, timeout_s=self._timeout_s
            )
        return self._session

    async def push(self, data: bytes) -> bytes:
        """Anonymize bytes as they came; gives what is ready."""
        data = self._rest + data
        whole = len(data) - len(data) % self.wire.width
        self._rest = data[whole:]
        return await self._push(self.wire.decode(data[:whole]), give=True)

    async def drain(self) -> bytes:
        """The rest of what was pushed: a turn has ended."""
        self._rest = b""
        if not any(give for _, give in self._inside):
            return b""
        silence = math.ceil(self.latency_ms * self.wire.rate / 1000.0)
        return await self._push(np.zeros((1, silence), np.float32), give=False)

    def drop(self) -> None:
        """Forget what was pushed and has not come out."""
        self._rest = b""
        self._inside = deque((length, False) for length, _ in self._inside)

    async def change(self, wire: Wire) -> None:
        """Go on in another format; what has not been drained is lost."""
        if wire != self.wire:
            await self.close()
            self.wire = wire

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        self._rest, self._inside = b"", deque()
        if session is not None:
            await session.close()

    async def _push(self, samples: Samples, *, give: bool) -> bytes:
        if not samples.size:
            return b""
        session = await self.open()
        self._inside.append((samples.shape[1], give))
        return self.wire.encode(self._given(await session.call("push", samples)))

    def _given(self, ready: Samples) -> Samples:
        """Those of the samples that came out that are to be given."""
        kept, at = [], 0
        while at < ready.shape[1]:
            length, give = self._inside.popleft()
            part = ready[:, at : at + length]
            if give:
                kept.append(part)
            at += part.shape[1]
            if part.shape[1] < length:
                self._inside.appendleft((length - part.shape[1], give))
        return np.concatenate([np.zeros((1, 0), np.float32), *kept], axis=1)
