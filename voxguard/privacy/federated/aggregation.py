"""Clip, sum, noise: what decides the sensitivity of a federated round, on numpy arrays alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError

Arrays = dict[str, npt.NDArray[Any]]


def learned(arrays: Mapping[str, npt.NDArray[Any]], frozen: Collection[str] = ()) -> list[str]:
    """Names of what is trained: the floating-point arrays that are not frozen.

    Everything else (integer buffers such as a count of batches, and what ``frozen`` names) is
    outside of norm, noise and update, and stays what it is at the server.

    Args:
        arrays: The model's arrays by name.
        frozen: Names that are not trained.

    Raises:
        ConfigurationError: A frozen name that is not there, or nothing is left.

    Example:
        >>> learned({"w": np.zeros(2), "seen": np.array(3), "mean": np.zeros(2)}, {"mean"})
        ['w']
    """
    if unknown := sorted(set(frozen) - set(arrays)):
        raise ConfigurationError(f"frozen names {unknown}; the model has {sorted(arrays)}")
    names = [
        name
        for name, array in arrays.items()
        if np.issubdtype(array.dtype, np.floating) and name not in frozen
    ]
    if not names:
        raise ConfigurationError("the model has no floating-point array that is not frozen")
    return names


def update_between(
    before: Mapping[str, npt.NDArray[Any]],
    after: Mapping[str, npt.NDArray[Any]],
    names: Iterable[str],
) -> Arrays:
    """What a client changed, in float64.

    Args:
        before: The arrays that it was sent.
        after: The arrays that it gave back.
        names: Which of them are trained.

    Raises:
        ConfigurationError: An array is missing, has another shape, or is not finite. What a client
            sends is not to be trusted: the caller loses this client, not the round.

    Example:
        >>> update_between({"w": np.float32([1, 2])}, {"w": np.float32([1, 4])}, ["w"])
        {'w': array([0., 2.])}
    """
    update: Arrays = {}
    for name in names:
        if name not in after:
            raise ConfigurationError(f"the reply has no array {name!r}")
        old, new = before[name], after[name]
        if old.shape != new.shape or not np.issubdtype(new.dtype, np.floating):
            raise ConfigurationError(
                f"the reply's {name!r} is {new.dtype} of shape {new.shape}, "
                f"sent was {old.dtype} of shape {old.shape}"
            )
        # asarray: numpy makes a number of no dimension something that is no array
        update[name] = np.asarray(new.astype(np.float64) - old.astype(np.float64))
    if not math.isfinite(norm_of(update)):
        raise ConfigurationError("the reply holds NaN, infinity, or values beyond any use")
    return update


def norm_of(update: Mapping[str, npt.NDArray[Any]]) -> float:
    """Euclidean norm over all arrays together.

    Example:
        >>> norm_of({"a": np.array([3.0]), "b": np.array([[4.0]])})
        5.0
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sum(float(np.square(array, dtype=np.float64).sum()) for array in update.values())
    return math.sqrt(squares) if squares >= 0 else math.nan


def clip(update: Mapping[str, npt.NDArray[Any]], clipping_norm: float) -> tuple[Arrays, bool]:
    """The update, made no longer than the clipping norm; an update of nothing stays nothing.

    Args:
        update: Float64 arrays by name.
        clipping_norm: Greatest norm over all arrays together.

    Returns:
        The clipped update, and whether it was left as it was.

    Example:
        >>> clip({"w": np.array([3.0, 4.0])}, 1.0)
        ({'w': array([0.6, 0.8])}, False)
        >>> clip({"w": np.zeros(2)}, 1.0)
        ({'w': array([0., 0.])}, True)
    """
    norm = norm_of(update)
    if norm <= clipping_norm:
        return dict(update), True
    scale = clipping_norm / norm
    return {name: np.asarray(array * scale) for name, array in update.items()}, False


def total_of(
    updates: Iterable[Mapping[str, npt.NDArray[Any]]],
    like: Mapping[str, npt.NDArray[Any]],
    names: Iterable[str],
) -> Arrays:
    """The sum of clipped updates, each of weight one; zeros where there are none.

    Args:
        updates: Clipped updates.
        like: Arrays of the right shapes.
        names: Which of them are trained.
    """
    total: Arrays = {name: np.zeros(like[name].shape, np.float64) for name in names}
    for update in updates:
        for name, array in total.items():
            array += update[name]
    return total


def noisy_mean(
    total: Mapping[str, npt.NDArray[Any]],
    *,
    deviation: float,
    denominator: float,
    generator: np.random.Generator,
) -> Arrays:
    r"""Gaussian noise on the sum, then the division by a number that no client has a say in.

    .. math:: \frac{1}{qN}\Bigl(\sum_i \Delta_i + \mathcal{N}(0, \mathrm{deviation}^2)\Bigr)

    A mean over whoever replied would be another mechanism: with one client more or less *every*
    weight in it changes, and with few replies the noise is the smaller the fewer there are.

    Args:
        total: The sum of the clipped updates.
        deviation: Standard deviation of the noise on each coordinate of the sum.
        denominator: Expected cohort, sampling rate times population. Fixed before training.
        generator: Of the noise.

    References:
        H. B. McMahan et al., "Learning differentially private recurrent language models", ICLR
        2018 (the estimator with a fixed denominator).

    Example:
        >>> noisy_mean({"w": np.array([4.0])}, deviation=0.0, denominator=8.0,
        ...            generator=np.random.default_rng(0))
        {'w': array([0.5])}
    """
    return {
        name: np.asarray((array + deviation * generator.standard_normal(array.shape)) / denominator)
        for name, array in total.items()
    }
