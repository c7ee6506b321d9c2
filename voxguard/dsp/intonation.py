"""A pitch contour brought to a drawn mean and spread, its finest movements drawn anew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.dsp import population

Contour = npt.NDArray[np.float64]

LIMITS_HZ = (50.0, 500.0)

_FORMANTS_PER_PITCH = 0.28
_BETWEEN_HZ = 150.0  # men and women
_FORMANTS = (0.88, 1.14)
_OUTLYING = 0.6  # in ln F0 from the median: wrong by an octave
_STRETCH = 2.0  # at most
_REACH = 0.7  # in ln F0 from the mean
_PRIOR_S = 0.1
_FADE = 0.5  # of what was measured of the last block counts in the next
_SMOOTH_MS = 50.0
_FLUTTER = 0.008  # of ln F0


@dataclass(frozen=True, repr=False)
class Pitch:
    """What was drawn.

    Attributes:
        mean_hz: Geometric mean of F0.
        spread: Standard deviation of ln F0, relative to the population's.
    """

    mean_hz: float
    spread: float


def formants_of_pitch(log_f0: float) -> float:
    """Likely scale of the formants of a speaker, from the mean of ln F0.

    From the mean vowels of men and women: women's formants are 1.16 times men's, their F0 1.7 times
    (G. E. Peterson, H. L. Barney, "Control methods used in a study of the vowels", JASA 24, 1952).

    Returns:
        Relative to a speaker of 150 Hz, 0.88 to 1.14.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.intonation import formants_of_pitch
        >>> round(formants_of_pitch(np.log(220.0)) / formants_of_pitch(np.log(130.0)), 2)
        1.16
    """
    scale = np.exp(_FORMANTS_PER_PITCH * (log_f0 - np.log(_BETWEEN_HZ)))
    return float(np.clip(scale, *_FORMANTS))


class Intonation:
    """Gives voiced frames their new F0; its statistics fade from block to block.

    Args:
        pitch: What was drawn.
        frame_ms: Distance between frames.
        rng: Draws what is finer than 50 ms.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.intonation import Intonation, Pitch
        >>> rise = np.exp(np.linspace(np.log(200.0), np.log(300.0), 400))
        >>> moved = Intonation(Pitch(130.0, 1.0), 5.0, np.random.default_rng(0))(rise)
        >>> round(float(np.exp(np.log(moved).mean()) / 10))
        13
    """

    def __init__(self, pitch: Pitch, frame_ms: float, rng: np.random.Generator) -> None:
        self.pitch = pitch
        self._rng = rng
        self._prior = _PRIOR_S * 1000.0 / frame_ms
        self._window = np.hanning(2 * round(_SMOOTH_MS / frame_ms / 2) + 3)[1:-1]
        self._weight = self._sum = self._squares = 0.0

    def __call__(self, f0_hz: Contour) -> Contour:
        """Move a contour, ``(frames,)`` Hz with 0 where unvoiced, after taking it into account."""
        voiced = f0_hz > 0
        if not voiced.any():
            return np.zeros_like(f0_hz)
        log_f0 = np.log(f0_hz[voiced])
        median = np.median(log_f0)
        self._update(np.clip(log_f0, median - _OUTLYING, median + _OUTLYING))
        stretch = min(self.pitch.spread * population.LOG_F0_SPREAD / self.spread, _STRETCH)
        runs = np.cumsum(np.diff(voiced, prepend=False))[voiced]
        moved = stretch * (self._calm(log_f0, runs) - self.mean)
        moved = np.clip(moved, -_REACH, _REACH) + self._flutter(len(log_f0))
        result = np.zeros_like(f0_hz)
        result[voiced] = np.clip(self.pitch.mean_hz * np.exp(moved), *LIMITS_HZ)
        return result

    def _update(self, log_f0: Contour) -> None:
        self._weight = _FADE * self._weight + len(log_f0)
        self._sum = _FADE * self._sum + float(log_f0.sum())
        self._squares = _FADE * self._squares + float(np.square(log_f0).sum())

    @property
    def mean(self) -> float:
        """Of ln F0 so far; nan before there was any."""
        return self._sum / self._weight if self._weight else float("nan")

    @property
    def spread(self) -> float:
        """Standard deviation of ln F0; the population's where there was hardly any."""
        scatter = max(self._squares - self._weight * self.mean**2, 0.0)
        scatter += self._prior * population.LOG_F0_SPREAD**2
        return float(np.sqrt(scatter / (self._weight + self._prior)))

    @property
    def formant_scale(self) -> float:
        """What F0 tells of the speaker's formants, relative to the population's; 1 if nothing."""
        return formants_of_pitch(self.mean) if self._weight else 1.0

    def _calm(self, log_f0: Contour, runs: npt.NDArray[np.int64]) -> Contour:
        """Each voiced stretch without its finest movements."""
        calm = [
            self._smooth(run) / self._smooth(np.ones(len(run)))
            for run in np.split(log_f0, np.flatnonzero(np.diff(runs)) + 1)
        ]
        return np.concatenate(calm)

    def _flutter(self, length: int) -> Contour:
        """Fine movements that are not the speaker's."""
        movements = self._smooth(self._rng.standard_normal(length))
        movements *= _FLUTTER / np.sqrt(np.square(self._window).sum())
        return movements

    def _smooth(self, values: Contour) -> Contour:
        half = len(self._window) // 2
        return np.asarray(np.convolve(values, self._window)[half : half + len(values)])
