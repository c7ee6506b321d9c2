"""A recording of any length, rendered in long blocks that are joined where it is quiet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voxguard.arrays import Samples

BLOCK_S = 20.0
OVERLAP_S = 2.0
FADE_S = 0.02
RUMBLE_HZ = 65.0
REACH_S = 0.04

Renderer = Callable[[Samples], Samples]


def render_in_blocks(samples: Samples, sample_rate: int, render: Renderer) -> Samples:
    """Render one channel block by block, in memory that its length does not change.

    Neighbouring blocks overlap by 2 s and are cross-faded where 20 ms of the original are
    quietest.

    Args:
        samples: ``(n,)``.
        sample_rate: Hz.
        render: From a block of any length to one of the same length; called in order.

    Returns:
        ``(n,)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.blocks import render_in_blocks
        >>> flipped = render_in_blocks(np.ones(100_000, np.float32), 1_000, lambda block: -block)
        >>> bool((flipped == -1.0).all())
        True
    """
    block, overlap = round(BLOCK_S * sample_rate), round(OVERLAP_S * sample_rate)
    fade = max(1, round(FADE_S * sample_rate))
    rise = (np.arange(1, fade + 1) / (fade + 1)).astype(np.float32)
    out = np.empty_like(samples)
    start = joint = 0  # of the block; where it takes over
    while True:
        last = start + block + overlap >= len(samples)
        end = len(samples) if last else start + block
        made = render(samples[start:end])
        if start:
            was = out[joint : joint + fade]
            was += rise * (made[joint - start : joint - start + fade] - was)
            out[joint + fade : end] = made[joint - start + fade :]
        else:
            out[:end] = made
        if last:
            return out
        start = end - overlap
        joint = start + _quietest(samples[start:end], fade)


def without_rumble(samples: Samples, sample_rate: int) -> Samples:
    """Take out what lies below the voice: hum of the mains, wind, a constant.

    Args:
        samples: ``(n,)``.
        sample_rate: Hz.

    Returns:
        ``(n,)``: 40 ms around a sample decide on it.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.blocks import without_rumble
        >>> seconds = np.arange(16_000) / 16_000
        >>> hum, tone = (np.sin(6.2832 * hz * seconds).astype(np.float32) for hz in (25, 120))
        >>> clean = without_rumble(hum + tone, 16_000)
        >>> bool(np.abs(clean - tone)[800:-800].max() < 0.03)
        True
    """
    reach = round(REACH_S * sample_rate)
    at = np.arange(-reach, reach + 1)
    low = np.sinc(2.0 * RUMBLE_HZ / sample_rate * at) * np.hanning(2 * reach + 1)
    size = 1 << (len(samples) + 2 * reach).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(low / low.sum(), size)
    rumble = np.fft.irfft(spectrum, size)[reach : reach + len(samples)]
    return np.asarray(samples - rumble, np.float32)


def _quietest(samples: Samples, width: int) -> int:
    """Where a stretch of `width` samples with the least energy begins."""
    energy = np.cumsum(np.pad(np.square(samples, dtype=np.float64), (1, 0)))
    return int(np.argmin(energy[width:] - energy[:-width]))
