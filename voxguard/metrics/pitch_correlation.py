"""How much of the melody of speech is kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError


def pitch_correlation(
    original_hz: npt.ArrayLike, anonymized_hz: npt.ArrayLike, *, min_frames: int = 20
) -> float | None:
    r"""Pearson correlation of the log-F0 where both are voiced: higher keeps more intonation.

    .. math:: \rho^{F_0} = \operatorname{corr}(\ln f_t, \ln g_t),\quad t: f_t > 0, g_t > 0

    On a logarithmic scale a voice that is raised by a constant interval keeps 1. What is kept may
    also identify the speaker: this is utility, not privacy.

    Args:
        original_hz: ``(n,)`` F0 of the recording in Hz, 0 where unvoiced.
        anonymized_hz: ``(n,)`` the same of its anonymized version, at the same hop and aligned.
        min_frames: Fewest frames in which both are voiced.

    Returns:
        -1 to 1, or None where it is undefined: too few frames voiced in both, or one of the two
        melodies is flat.

    Raises:
        ConfigurationError: Not two aligned arrays of finite numbers, 0 or more.

    References:
        N. Tomashenko et al., "The VoicePrivacy 2022 Challenge evaluation plan", arXiv 2203.12468.

    Example:
        >>> import numpy as np
        >>> from voxguard.metrics import pitch_correlation
        >>> f0_hz = 120 + 20 * np.sin(np.arange(100) / 7)
        >>> round(pitch_correlation(f0_hz, 1.5 * f0_hz), 6)
        1.0
        >>> pitch_correlation(f0_hz, np.zeros(100)) is None
        True
    """
    f, g = (np.asarray(f0, dtype=np.float64) for f0 in (original_hz, anonymized_hz))
    if f.ndim != 1 or f.shape != g.shape:
        raise ConfigurationError(
            f"needs two F0 arrays of the same hop and length, got shapes {f.shape} and {g.shape}; "
            "align and trim them first"
        )
    if not (np.isfinite(f).all() and np.isfinite(g).all() and (f >= 0).all() and (g >= 0).all()):
        raise ConfigurationError("F0 is in Hz, with 0 for unvoiced; got NaN, infinity or less")
    voiced = (f > 0) & (g > 0)
    if np.count_nonzero(voiced) < max(2, min_frames):
        return None
    centred = [np.log(f0[voiced]) - np.log(f0[voiced]).mean() for f0 in (f, g)]
    lengths = [float(np.sqrt(c @ c)) for c in centred]
    if min(lengths) < 1e-9:  # flat but for rounding
        return None
    return float(np.clip(centred[0] @ centred[1] / (lengths[0] * lengths[1]), -1.0, 1.0))
