"""A narrow-band telephone line: 300 to 3400 Hz, 8 kHz, eight bits by G.711's mu-law."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.utility.checks import one_channel
from voxguard.utility.stress.signals import converted

LINE_RATE = 8_000
PASS_HZ = (300.0, 3400.0)
STOP_HZ = (200.0, 3700.0)

_BIAS = 33  # in 14-bit steps, as in ITU-T G.711
_CLIP = 8158


def telephone(samples: Samples, sample_rate: int) -> Samples:
    """Send speech over the line and back to its own rate.

    Args:
        samples: ``(n,)`` float, full scale 1.0; what is above is clipped, as the line does it.
        sample_rate: Hz.

    Returns:
        ``(n,)`` float32, aligned with the input.

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
    """
    speech = one_channel(samples)
    narrow = _band_pass(converted(speech, sample_rate, LINE_RATE))
    heard = converted(expand(compress(narrow)), LINE_RATE, sample_rate)
    return np.pad(heard, (0, max(len(speech) - len(heard), 0)))[: len(speech)]


def compress(samples: Samples) -> npt.NDArray[np.uint8]:
    """Code samples by mu-law (ITU-T G.711), one byte each.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.stress.telephone import compress, expand
        >>> compress(np.array([0.0, 1.0, -1.0]))
        array([255, 128,   0], dtype=uint8)
        >>> expand(compress(np.array([0.1])))
        array([0.0994873], dtype=float32)
    """
    linear = np.rint(np.clip(np.asarray(samples, np.float64), -1.0, 1.0) * 8192.0).astype(np.int64)
    magnitude = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = np.frexp(magnitude)[1] - 6  # 33..63 is segment 0
    step = (magnitude >> (segment + 1)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    coded: npt.NDArray[np.uint8] = (~(sign | (segment << 4) | step) & 0xFF).astype(np.uint8)
    return coded


def expand(coded: npt.NDArray[np.uint8]) -> Samples:
    """Decode mu-law bytes: ``(n,)`` float32, full scale 1.0."""
    bits = ~coded.astype(np.int64) & 0xFF
    segment, step = (bits >> 4) & 0x07, bits & 0x0F
    magnitude = ((2 * step + 33) << segment) - _BIAS
    decoded: Samples = (np.where(bits & 0x80, -magnitude, magnitude) / 8192.0).astype(np.float32)
    return decoded


def _band_pass(samples: Samples) -> Samples:
    """Zero phase; raised-cosine skirts between the stop and the pass frequencies."""
    size = len(samples) + LINE_RATE // 10  # the skirts ring: not around the end
    hertz: Any = np.fft.rfftfreq(size, 1.0 / LINE_RATE)
    (low, high), (bottom, top) = PASS_HZ, STOP_HZ
    inside = np.minimum((hertz - bottom) / (low - bottom), (top - hertz) / (top - high))
    gain = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0.0, 1.0))
    passed = np.fft.irfft(np.fft.rfft(samples, size) * gain, size)[: len(samples)]
    return passed.astype(np.float32)
