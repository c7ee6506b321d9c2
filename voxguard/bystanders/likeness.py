"""How alike each moment of a recording is to one voice."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.models.dvector import BANDS, DIMENSIONS, DVectorModel, unit
from voxguard.models.mel import mel_power
from voxguard.models.optional import optional
from voxguard.models.pool import SpeakerPool

Floats = npt.NDArray[np.float64]

RATE = 16_000
HOP = 1_600  # samples: 0.1 s

_MEL_HOP = 160
_WINDOW = 100  # mel frames: 1 s
_LEVEL = 10.0**-2.5  # power to which every window is brought, since the encoder minds the level
_BATCH = 256
_LEAST_S = 3.0
_LEAST_OWN = 0.5
_QUIET = 0.01  # of the median power: windows of an enrolment that hold pauses


class Voiceprint:
    """The d-vector of one person, and what is like it.

    Likeness is a cosine in standard deviations above the cosines to 200 voices that nobody has
    (T-norm): an encoder that finds all voices alike in some noise does not make anyone the user.

    Args:
        enrolment: Recordings of the person alone, ``(n,)`` at 16 kHz.
        closes: Likeness that most of the enrolment has to have itself.
        encoder: From windows to vectors.

    Raises:
        ConfigurationError: Less than 3 s of speech, or more than one voice.

    References:
        R. Auckenthaler et al., "Score normalization for text-independent speaker verification
        systems", Digital Signal Processing 10, 2000.

    Example:
        >>> import voxguard
        >>> from voxguard.bystanders.likeness import Voiceprint
        >>> user = voxguard.synthetic_voice(seconds=5.0, speaker=1)
        >>> voiceprint = Voiceprint([user])
        >>> other = voxguard.synthetic_voice(seconds=1.0, speaker=4)
        >>> bool(voiceprint.likeness(user).min() > voiceprint.likeness(other).max())
        True
    """

    def __init__(
        self,
        enrolment: Iterable[Samples],
        *,
        closes: float = 0.0,
        encoder: DVectorModel | None = None,
    ) -> None:
        self._encoder = encoder or DVectorModel()
        self._cohort = SpeakerPool.shipped().vectors.astype(np.float64)
        own = self._enrolled(enrolment)
        self._vector = unit(own.mean(axis=0))
        if not float(np.mean(self._normalized(own) >= closes)) >= _LEAST_OWN:
            raise ConfigurationError(
                "most of the enrolment would not pass as the enrolled voice: is there one person "
                "in it, and little noise? Record it again"
            )

    def likeness(self, samples: Samples) -> Floats:
        """Likeness of each 0.1 s, by the second around it.

        Args:
            samples: ``(n,)`` at 16 kHz.

        Returns:
            ``(frames,)``, NaN where there is no sound at all.
        """
        frames = np.arange(-(-samples.size // HOP))
        centres = frames * (HOP // _MEL_HOP) + HOP // _MEL_HOP // 2
        return self._normalized(self._windows(samples, centres - _WINDOW // 2)[0])

    def _normalized(self, vectors: Floats) -> Floats:
        others = vectors @ self._cohort.T
        spread = others.std(axis=1)
        above: Floats = vectors @ self._vector - others.mean(axis=1)
        return above / np.where(spread > 0.0, spread, np.nan)

    def _enrolled(self, enrolment: Iterable[Samples]) -> Floats:
        """Vectors of the windows that hold speech, half overlapping."""
        vectors, seconds = [np.empty((0, DIMENSIONS))], 0.0
        for samples in enrolment:
            step = _WINDOW // 2
            starts = np.arange(max(1, samples.size // _MEL_HOP // step - 1)) * step
            found, power = self._windows(samples, starts)
            spoken = power > _QUIET * float(np.median(power))
            vectors.append(found[spoken])
            seconds += float(spoken.mean()) * samples.size / RATE
        if seconds < _LEAST_S:
            raise ConfigurationError(
                f"the enrolment has {seconds:.1f} s of speech; give at least {_LEAST_S:g} s of the "
                "user alone"
            )
        return np.concatenate(vectors)

    def _windows(self, samples: Samples, starts: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Vectors ``(n, 256)`` and power ``(n,)`` of windows that start at these mel frames.

        Those beyond the ends of the recording are moved within. One of zeros has a vector of NaN.
        """
        torch = optional("torch", "eval", "the enrolled speaker's filter")
        padded = np.pad(samples, (0, max(0, _WINDOW * _MEL_HOP - samples.size)))
        mel = mel_power(padded, bands=BANDS)
        at = np.clip(starts, 0, len(mel) - _WINDOW)
        energy = np.concatenate([[0.0], np.cumsum(np.square(padded, dtype=np.float64))])
        ends = np.minimum((at + _WINDOW) * _MEL_HOP, padded.size)
        power = (energy[ends] - energy[at * _MEL_HOP]) / (_WINDOW * _MEL_HOP)
        gain = _LEVEL / np.where(power > 0.0, power, np.nan)
        views = np.lib.stride_tricks.sliding_window_view(mel, _WINDOW, axis=0)
        vectors = np.empty((len(at), DIMENSIONS))
        for first in range(0, len(at), _BATCH):
            part = slice(first, first + _BATCH)
            windows = views[at[part]].transpose(0, 2, 1) * gain[part, None, None]
            with torch.inference_mode():
                batch = torch.from_numpy(windows.astype(np.float32)).to(self._encoder.device)
                vectors[part] = self._encoder(batch).double().cpu().numpy()
        return vectors, power
