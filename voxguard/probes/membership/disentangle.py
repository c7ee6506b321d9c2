"""Phase 3: the same words with another sound. Is it the voice that is remembered, or the text?

A model that has learnt *this voice says these words* is sure of them only when it hears the voice;
one that has learnt the words is as sure of them over silence. So the audio is replaced: by silence,
by noise, by the same voice through a vocoder (which shows what processing alone does), and by other
voices: anonymizers.

References:
    Dong, Lin, Lee, membership inference against audio LLMs, Interspeech 2026, arXiv:2603.28378.
"""

from __future__ import annotations

import warnings
import zlib
from typing import Any

import numpy as np

from voxguard.arrays import Samples, fit
from voxguard.audio import resample
from voxguard.dsp.world import dio
from voxguard.models.optional import optional

_FRAME_MS = 5.0
_LEAST_RATE = 16_000
_SHORTEST_S = 0.1


class Noise:
    """White noise of a clip's length and level, the same whenever it is asked for.

    Args:
        seed: Of the noise.

    Example:
        >>> import voxguard
        >>> from voxguard.probes.membership.disentangle import Noise
        >>> voice = voxguard.synthetic_voice(seconds=1.0)
        >>> Noise()(voice, 16_000).shape
        (16000,)
    """

    name = "noise"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        """``(n,)`` to ``(n,)``."""
        # Each clip has noise of its own, whichever clips were asked for before it.
        rng = np.random.default_rng([self.seed, zlib.crc32(samples.tobytes())])
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
        noise: Samples = (level * rng.standard_normal(len(samples))).astype(np.float32)
        return noise


class Resynthesis:
    """The same voice, taken apart and put together again by WORLD with nothing changed.

    M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system
    for real-time applications", IEICE Trans. Inf. & Syst. E99-D, 2016. Clips below 16 kHz go
    through it at 16 kHz.

    Raises:
        MissingExtraError: pyworld is not installed (``world``).

    Example:
        >>> import voxguard
        >>> from voxguard.probes.membership.disentangle import Resynthesis
        >>> voice = voxguard.synthetic_voice(seconds=1.0)
        >>> Resynthesis()(voice, 16_000).shape
        (16000,)
    """

    name = "resynthesis"

    def __init__(self) -> None:
        with warnings.catch_warnings():  # the original package imports pkg_resources, which warns
            warnings.simplefilter("ignore")
            self._world: Any = optional("pyworld", "world", "resynthesis")

    def __call__(self, samples: Samples, sample_rate: int) -> Samples:
        """``(n,)`` to ``(n,)``."""
        rate = max(sample_rate, _LEAST_RATE)
        own = resample(samples[None], sample_rate, rate)
        signal = fit(own, max(own.shape[1], int(_SHORTEST_S * rate)))[0].astype(np.float64)
        f0, times = dio(self._world, signal, rate, _FRAME_MS)
        envelope = self._world.cheaptrick(signal, f0, times, rate)
        breath = self._world.d4c(signal, f0, times, rate)
        made = self._world.synthesize(f0, envelope, breath, rate, _FRAME_MS)
        back = resample(made[None].astype(np.float32), rate, sample_rate)
        resynthesised: Samples = fit(back, len(samples))[0]
        return resynthesised
