"""How good speech sounds, as a listener would rate it, without a reference: DNSMOS."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from voxguard.arrays import Samples
from voxguard.models.optional import optional
from voxguard.utility.checks import one_channel

SAMPLE_RATE = 16_000
_PURPOSE = "DNSMOS"


@dataclass(frozen=True)
class Quality:
    """Ratings from 1 (bad) to 5 (excellent).

    Attributes:
        overall: Of everything.
        signal: Of the speech, whatever the background.
        background: Of the background.
        p808: Overall, by the model of the tests after ITU-T P.808.
    """

    overall: float
    signal: float
    background: float
    p808: float


def dnsmos(samples: Samples) -> Quality:
    """Rate speech.

    C. K. A. Reddy et al., "DNSMOS P.835: A non-intrusive perceptual objective speech quality metric
    to evaluate noise suppressors", ICASSP 2022. It was trained on noise suppression; of the voices
    that anonymization makes it has heard none. The models come with the package: nothing is
    downloaded, and they run offline.

    Speech shorter than 9 s is repeated; of longer speech every second gives a rating, and the mean
    is taken. What is louder than full scale is turned down.

    Args:
        samples: ``(n,)`` float at 16 kHz, n > 0.

    Raises:
        MissingExtraError: speechmos or onnxruntime is not installed.
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
    """
    single = one_channel(samples)
    optional("onnxruntime", "quality", _PURPOSE)  # which speechmos does not require by itself
    rated = optional("speechmos.dnsmos", "quality", _PURPOSE).run(
        single / max(float(np.abs(single).max()), 1.0), SAMPLE_RATE
    )
    names = ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")
    return Quality(*(float(rated[name]) for name in names))


def how() -> str:
    """Package and version, as a report names them.

    Raises:
        MissingExtraError: speechmos is not installed.
    """
    optional("speechmos", "quality", _PURPOSE)
    return f"speechmos {version('speechmos')} DNSMOS P.835"
