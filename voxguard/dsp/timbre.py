"""What is lasting about spectral envelopes, taken out and replaced by what was drawn.

The mean of an envelope over the speech, and its means over a few kinds of sound (much as of vowels,
nasals, hisses), are mostly the speaker's, the room's and the microphone's. They are replaced by a
population's. What moves, which is what is said, stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.dsp import population
from voxguard.dsp.bands import DB, FLOOR, Bands
from voxguard.dsp.sounds import Sounds

Floats = npt.NDArray[np.float32]

KNOTS, BENDS = 10, 6
LIMIT_DB = 20.0  # what is empty (above a telephone's band, say) is not filled with its noise
ACTIVE_DB = 30.0  # a frame has speech if it is within so much of the loud ones

_PRIOR_S = (
    0.1  # of speech, for which the population stands in; it decides where there is hardly any
)
_SILENT = float(np.log(10.0 * FLOOR))
_FADE = 0.5  # of what was measured before a block counts in it


@dataclass(frozen=True, repr=False)
class Timbre:
    """What was drawn.

    Attributes:
        offset_db: ``(KNOTS,)`` difference from the population's mean, at even steps in mel from 0
            to 8 kHz.
        formant_scale: Frequencies of formants, relative to the population's.
        bends: ``(BENDS,)`` further shifts of frequency; see :func:`~voxguard.dsp.bands.warp`.
    """

    offset_db: tuple[float, ...]
    formant_scale: float
    bends: tuple[float, ...]


class RunningMean:
    """Means of some kinds of frame that fade from block to block.

    Args:
        typical: ``(kinds, bands)``, what they are where there was hardly any such frame.
        frame_ms: Distance between frames.
    """

    def __init__(self, typical: Floats, frame_ms: float) -> None:
        self._prior = np.float32(_PRIOR_S * 1000.0 / frame_ms)
        self._typical = typical
        self._sum = np.zeros_like(typical)
        self._weight = np.zeros((len(typical), 1), np.float32)

    def update(self, frames: Floats, shares: Floats) -> Floats:
        """Take in ``(frames, bands)`` with ``(frames, kinds)``; give ``(kinds, bands)``."""
        self._sum = _FADE * self._sum + shares.T @ frames
        self._weight = _FADE * self._weight + shares.sum(axis=0)[:, None]
        own = self._sum + self._prior * self._typical
        return np.asarray(own / (self._weight + self._prior), np.float32)


class Replacement:
    """Replaces the lasting part of envelopes, block by block.

    Args:
        bands: Of the envelopes.
        timbre: What was drawn.
        frame_ms: Distance between frames.
    """

    def __init__(self, bands: Bands, timbre: Timbre, frame_ms: float) -> None:
        self._bands = bands
        self._sounds = Sounds(bands, frame_ms)
        self._typical = bands.from_points(np.asarray(population.MEAN_DB) / DB)
        self._mean = RunningMean(self._typical[None], frame_ms)
        self._means = RunningMean(self._sounds.means, frame_ms)
        self._moves = bands.moves(timbre.formant_scale, timbre.bends)
        self._offset = bands.drawn(timbre.offset_db) / np.float32(DB)

    def __call__(self, levels: Floats, power: Floats, formant_scale: float = 1.0) -> Floats:
        """Replace, after taking the block into the means.

        Args:
            levels: ``(frames, bands)`` natural log of power, relative to the frame's.
            power: ``(frames,)`` natural log of the frame's power.
            formant_scale: The speaker's own, relative to the population's, if it is known.

        Returns:
            ``(frames, bands)`` natural log of power, relative to something.
        """
        levels = levels @ self._bands.moves(1.0 / formant_scale)
        speech = active(power)
        everything = np.ones((len(levels), 1), np.float32)
        change = self._typical - self._mean.update(levels[speech], everything[speech])
        centred = levels + change
        shares = self._sounds.shares(centred)
        means = self._means.update(centred[speech], shares[speech])
        limit = LIMIT_DB / DB
        centred = levels + np.clip(change, -limit, limit)
        centred += shares @ np.clip(self._sounds.means - means, -limit, limit)
        return np.asarray(centred @ self._moves + self._offset, np.float32)


def active(power: Floats) -> npt.NDArray[np.bool_]:
    """Which frames have speech, ``(frames,)``, from natural logs of their power.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.timbre import active
        >>> active(np.array([-20.0, 0.0, -1.0, -30.0])).tolist()
        [False, True, True, False]
    """
    loud = np.percentile(power, 95.0) - ACTIVE_DB / DB
    return np.asarray(power > max(float(loud), _SILENT))
