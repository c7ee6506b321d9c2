"""McAdams rendering of a signal, in numpy: the oracle of the compiled kernel, and its fallback.

Each frame is split into a linear-prediction filter and its residual; the angles of the filter's
complex poles are raised to the McAdams coefficient, which moves the formants; the residual excites
the moved filter; frames are overlapped and added.

References:
    J. Patino et al., "Speaker anonymisation using the McAdams coefficient", Interspeech 2021.
    Baseline B2 of the VoicePrivacy Challenges 2022 to 2026, whose ``anonym_v2`` this follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from voxguard.arrays import Samples
from voxguard.dsp.lpc import burg
from voxguard.dsp.roots import polynomial_roots

Array = npt.NDArray[np.float64]

REFERENCE_RATE = 16_000
# B2 adds this to the samples and again to each frame before the analysis.
EPSILON = float(np.finfo(np.float32).eps)
REAL_POLE = 1e-9  # an imaginary part under this is rounding: the pole is real and stays
BLOCK = 2048  # frames worked on at once: enough to amortise numpy's calls, few enough for the cache
SECTION_POLES = 12
FLOOR_DB = -80.0
MAX_BURST = 1.5  # how far above the original's peak a frame may peak


@dataclass(frozen=True)
class Plan:
    """The frames of a rendering, and what is done to them.

    Args:
        sample_rate: Hz.
        frame_ms: Frame length in ms.
        hop_ms: Distance between the starts of frames in ms, at most the frame length.
        order: Number of poles at this rate.
        coefficient: The McAdams coefficient; 1 leaves the poles where they are.
        keep_level: Give each frame the energy of the original one and hold its bursts. Without it
            the level is B2's, which for small coefficients rises by 40 dB.
        prompt: Use of each frame only its last two hops. All frames then hear the same past, but
            an output sample waits for two hops only, not for a whole frame.
    """

    sample_rate: int
    frame_ms: float
    hop_ms: float
    order: int
    coefficient: float
    keep_level: bool = True
    prompt: bool = False

    @cached_property
    def frame(self) -> int:
        """Frame length in samples."""
        return int(self.frame_ms * 0.001 * self.sample_rate)

    @cached_property
    def hop(self) -> int:
        """Hop in samples."""
        return int(self.hop_ms * 0.001 * self.sample_rate)

    @property
    def latency(self) -> int:
        """Samples at the end of a frame that it adds to: the longest wait of an output sample."""
        return 2 * self.hop if self.prompt else self.frame

    @property
    def lead(self) -> int:
        """Zeros before the signal, so that its first sample is in as many frames as any other."""
        return -(-(self.frame - self.hop) // self.hop) * self.hop

    @cached_property
    def analysis(self) -> Array:
        """``(frame,)`` window; its product with :attr:`synthesis` overlap-adds to about 1."""
        if not self.prompt:
            hann = np.hanning(self.frame)
            return np.asarray(np.sqrt(hann * (self.hop / hann.sum())))
        rise = (np.arange(self.frame - self.hop) + 0.5) / (self.frame - self.hop)
        fall = (np.arange(self.hop) + 0.5) / self.hop
        return np.concatenate([np.sin(0.5 * np.pi * rise), np.cos(0.5 * np.pi * fall)])

    @cached_property
    def synthesis(self) -> Array:
        """``(frame,)`` window, zero where the frame adds nothing."""
        if not self.prompt:
            return self.analysis
        hann = np.sin(np.pi * (np.arange(self.latency) + 0.5) / self.latency) ** 2
        silent = np.zeros(self.frame - self.latency)
        return np.concatenate([silent, hann / self.analysis[-self.latency :]])

    @cached_property
    def floor(self) -> Array:
        """``(frame,)`` noise that a frame of RMS 1 is analysed with; none up to 16 kHz, as in B2.

        At higher rates the upper band is often empty, and what Burg's method makes of it arbitrary.
        """
        if self.sample_rate <= REFERENCE_RATE:
            return np.zeros(self.frame)
        signs = np.random.default_rng(0).integers(0, 2, self.frame) * 2.0 - 1.0
        return np.asarray(10.0 ** (FLOOR_DB / 20.0) * signs)

    @property
    def stretch(self) -> float:
        """Angles are warped as they would be at 16 kHz, so that formants move alike at any rate."""
        return self.sample_rate / REFERENCE_RATE

    @property
    def sections(self) -> int:
        """Filters in a row that share the warped poles.

        Many poles, crowded by the warp, would cost the coefficients of one polynomial all digits.
        """
        return -(-self.order // SECTION_POLES)

    @property
    def section_order(self) -> int:
        """Most poles of a section when pairs, and apart from them real poles, are dealt out."""
        return (self.order + 3 * (self.sections - 1)) // self.sections

    def count(self, length: int) -> int:
        """How many whole frames lie in ``length`` samples."""
        return max(0, 1 + (length - self.frame) // self.hop)


def warp(filters: Array, plan: Plan) -> list[Array]:
    """Raise the angle of each complex pole of 1 / A(z) to the McAdams coefficient.

    Args:
        filters: ``(order + 1, count)`` prediction-error filters A(z).
        plan: Coefficient, rate and sections.

    Returns:
        The sections of A'(z), each ``(section_order + 1, count)``. Real poles and all radii stay.
    """
    x, y = polynomial_roots(filters)
    upper, real = y > REAL_POLE, np.abs(y) <= REAL_POLE
    angle = warp_angle(np.arctan2(y, x, where=upper, out=np.ones_like(x)), plan)
    # One factor 1 + b/z + c/z^2 for each conjugate pair (at its upper pole) or real pole.
    c = np.where(upper, x * x + y * y, 0.0)
    b = np.where(upper, -2.0 * np.sqrt(c) * np.cos(angle), np.where(real, -x, 0.0))
    if plan.sections == 1:
        return [_product(b, c, plan.order)]
    dealt = np.where(upper, np.cumsum(upper, axis=0), np.cumsum(real, axis=0)) - 1
    dealt %= plan.sections
    return [
        _product(np.where(dealt == g, b, 0.0), np.where(dealt == g, c, 0.0), plan.section_order)
        for g in range(plan.sections)
    ]


def warp_angle(angle: Array, plan: Plan) -> Array:
    """Pole angles, 0 to pi, to the power of the coefficient as they would be at 16 kHz.

    The band above 8 kHz, which 16 kHz does not have, is stretched evenly over what is left.
    """
    warped = (angle * plan.stretch) ** plan.coefficient / plan.stretch
    if plan.stretch <= 1.0:
        return warped
    top = np.pi**plan.coefficient
    slope = (np.pi * plan.stretch - top) / (np.pi * plan.stretch - np.pi)
    return np.where(angle * plan.stretch <= np.pi, warped, np.pi - (np.pi - angle) * slope)


def _product(b: Array, c: Array, order: int) -> Array:
    """Multiply the factors 1 + b/z + c/z^2, ``(factors, count)``, to ``(order + 1, count)``."""
    product = np.zeros((order + 1, b.shape[1]))
    product[0] = 1.0
    for b_row, c_row in zip(b, c, strict=True):
        before = product.copy()
        product[1:] += b_row * before[:-1]
        product[2:] += c_row * before[:-2]
    return product


def exchange(frames: Array, filters: Array, warped: list[Array]) -> Array:
    """Filter frames by A(z) / A'(z), each from rest.

    Args:
        frames: ``(n, count)``.
        filters: ``(order + 1, count)``, A(z).
        warped: The sections of A'(z).
    """
    n = len(frames)
    signal = frames.copy()
    for k in range(1, len(filters)):
        signal[k:] += filters[k] * frames[: n - k]
    for section in warped:
        order = len(section) - 1
        rendered = np.zeros((order + n, frames.shape[1]))
        feedback = section[:0:-1].copy()
        for i in range(n):
            past = np.einsum("kf,kf->f", feedback, rendered[i : i + order])
            np.subtract(signal[i], past, out=rendered[order + i])
        signal = rendered[order:]
    return signal


def overlap_add(samples: Samples, plan: Plan, out: Array, indices: npt.NDArray[np.intp]) -> None:
    """Render the frames of these indices and add them to ``out``; frame i starts at ``i * hop``.

    Args:
        samples: ``(n,)``.
        plan: The frames and what is done to them.
        out: ``(n,)``, added to.
        indices: ``(count,)``.
    """
    if not len(indices):
        return
    views = sliding_window_view(samples, plan.frame)
    analysis, synthesis = plan.analysis[:, None], plan.synthesis[:, None]
    for first in range(0, len(indices), BLOCK):
        starts = indices[first : first + BLOCK] * plan.hop
        original = np.array(views[starts].T, dtype=np.float64, order="C")
        sounding = original.any(axis=0)
        if not sounding.all():  # silence stays silence
            starts, original = starts[sounding], original.compress(sounding, axis=1)
        if not len(starts):
            continue
        if len(starts) == 1:  # numpy sums one column in another order than the columns of many
            original = original.repeat(2, axis=1)
        frames = (original + EPSILON) * analysis
        rms = np.sqrt(np.mean((original * analysis) ** 2, axis=0))
        filters = burg(frames + EPSILON + rms * plan.floor[:, None], plan.order)
        rendered = exchange(frames, filters, warp(filters, plan))
        if plan.keep_level:
            rendered *= level_gain(original * analysis, rendered, synthesis)
        rendered *= synthesis
        _add(np.ascontiguousarray(rendered.T[: len(starts)]), starts, plan.hop, out)


def _add(frames: Array, starts: npt.NDArray[np.intp], hop: int, out: Array) -> None:
    """Add frames ``(count, n)`` to ``out``, a hop's length of all at once.

    The last parts come first, so that every sample sums its frames in their order in time.
    """
    length = frames.shape[1]
    for offset in reversed(range(0, length, hop)):
        part = frames[:, offset : offset + hop]
        places = sliding_window_view(out[offset:], part.shape[1], writeable=True)
        places[starts] += part


def level_gain(original: Array, rendered: Array, synthesis: Array) -> Array:
    """``(count,)`` gains that give windowed frames ``(n, count)`` the originals' energy.

    A resonance that the warp has sharpened can put that energy into one burst; the gain holds it
    under MAX_BURST times the original's peak.
    """
    tiny = np.finfo(float).tiny
    wanted = np.einsum("nf,nf->f", original, original)
    got = np.einsum("nf,nf->f", rendered, rendered)
    loudest = np.abs(original * synthesis).max(axis=0)
    peak = np.abs(rendered * synthesis).max(axis=0)
    gain: Array = np.minimum(
        np.sqrt(wanted / np.maximum(got, tiny)), MAX_BURST * loudest / np.maximum(peak, tiny)
    )
    return gain
