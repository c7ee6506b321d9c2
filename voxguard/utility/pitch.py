"""How much of the melody survives, from the recordings themselves."""

from __future__ import annotations

from voxguard.arrays import Samples
from voxguard.attacks.features import f0_track
from voxguard.attacks.recording import SAMPLE_RATE
from voxguard.metrics import pitch_correlation
from voxguard.utility.checks import one_channel

HOW = "F0 by DIO and StoneMask every 10 ms, Pearson correlation of log F0 where both are voiced"


def pitch_correlations(
    original: Samples, anonymized: Samples, sample_rate: int = SAMPLE_RATE
) -> float | None:
    """Correlation of the melodies of one utterance, before and after.

    The two are taken to be aligned, as an anonymizer of voxguard leaves them; where one is longer,
    its end is not compared.

    Args:
        original: ``(n,)`` float.
        anonymized: ``(m,)`` float, at the same rate.
        sample_rate: Hz.

    Returns:
        -1 to 1; None where it is undefined: hardly anything voiced in both, or a flat melody. See
        :func:`voxguard.metrics.pitch_correlation`.

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
        MissingExtraError: pyworld is not installed.

    Example:
        >>> import voxguard
        >>> from voxguard.utility.pitch import pitch_correlations
        >>> voice = voxguard.synthetic_voice(seconds=2.0)
        >>> round(pitch_correlations(voice, -0.5 * voice), 2)
        1.0
    """
    tracks = [f0_track(one_channel(part), sample_rate) for part in (original, anonymized)]
    frames = min(map(len, tracks))
    return pitch_correlation(tracks[0][:frames], tracks[1][:frames])
