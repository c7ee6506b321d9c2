"""G.711, the telephone's 8 bits a sample, to and from bytes without a header."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import soundfile

from voxguard.arrays import Samples

__all__ = ["Law", "decode_g711", "encode_g711"]

Law = Literal["ULAW", "ALAW"]


def decode_g711(data: bytes, law: Law) -> Samples:
    """Expand one channel.

    Args:
        data: a byte a sample; every byte is one.
        law: ``"ULAW"`` (North America, Japan) or ``"ALAW"``.

    Returns:
        float32 ``(1, n)``, full scale at 1.

    Example:
        >>> from voxguard.audio.g711 import decode_g711
        >>> 32768 * decode_g711(bytes([0xFF, 0x80]), "ULAW")
        array([[    0., 32124.]], dtype=float32)
    """
    if not data:
        return np.zeros((1, 0), np.float32)
    samples, _ = soundfile.read(
        io.BytesIO(data),
        format="RAW",
        subtype=law,
        samplerate=8_000,
        channels=1,
        dtype="float32",
        always_2d=True,
    )
    return np.ascontiguousarray(samples.T)


def encode_g711(samples: Samples, law: Law) -> bytes:
    """Compress one channel; what goes over full scale is clipped.

    Args:
        samples: float ``(1, n)``, finite.
        law: ``"ULAW"`` or ``"ALAW"``.

    Returns:
        A byte a sample.
    """
    if samples.shape[1] == 0:
        return b""
    linear = np.clip(np.rint(samples[0].astype(np.float64) * 32768.0), -32768, 32767)
    stream = io.BytesIO()
    soundfile.write(stream, linear.astype(np.int16), 8_000, format="RAW", subtype=law)
    return stream.getvalue()
