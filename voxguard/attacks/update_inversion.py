"""What a first layer's update gives back of the data that it was computed on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError

Floats = npt.NDArray[np.float64]


def invert_first_layer(weight: npt.ArrayLike, bias: npt.ArrayLike) -> Floats:
    r"""Compute a client's mean input from the update of a first layer with bias.

    The gradient of a unit's weights is a sum of inputs, each times the error that reaches the unit,
    and that of its bias is the sum of those errors. So their quotient is a mean of the inputs,
    exact for one example, and weighted by the errors for several. The units are brought together by
    least squares,

    .. math:: \hat x = \arg\min_x \sum_u \lVert \Delta W_u - \Delta b_u\, x \rVert^2
                     = \frac{\sum_u \Delta b_u \Delta W_u}{\sum_u \Delta b_u^2}

    Of pooled spectra, that is the speaker's long-term spectrum. A steady step size, any number of
    steps and any clipping of the update as a whole cancel; noise does not.

    Args:
        weight: ``(units, inputs)`` new weights minus old.
        bias: ``(units,)`` new biases minus old.

    Returns:
        ``(inputs,)`` float64 in the units of the inputs. Zeros where the bias did not move.

    Raises:
        ConfigurationError: Shapes that do not match, or NaN or infinity.

    References:
        L. T. Phong et al., "Privacy-preserving deep learning via additively homomorphic
        encryption", IEEE TIFS 2018, section III.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.update_inversion import invert_first_layer
        >>> heard, errors = np.array([3.0, -1.0, 2.0]), np.array([0.4, -0.4])
        >>> invert_first_layer(-0.1 * np.outer(errors, heard), -0.1 * errors)
        array([ 3., -1.,  2.])
    """
    weights, biases = np.asarray(weight, np.float64), np.asarray(bias, np.float64)
    if weights.ndim != 2 or biases.shape != weights.shape[:1]:
        raise ConfigurationError(
            f"takes weights (units, inputs) and biases (units,), got {weights.shape} and "
            f"{biases.shape}"
        )
    if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
        raise ConfigurationError("an update with NaN or infinity cannot be inverted; leave it out")
    moved = float(biases @ biases)
    return np.asarray(biases @ weights / moved if moved > 0.0 else np.zeros(weights.shape[1]))
