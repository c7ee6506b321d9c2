"""A pool of x-vectors, and pseudo-speakers who are the mean of several in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.dvector import unit
from voxguard.models.hub import load_once
from voxguard.models.optional import optional

Vectors = npt.NDArray[np.float64]

LEAST_MIXED = 3


class XVectorPool:
    """X-vectors of many speakers.

    Args:
        vectors: ``(n, dimensions)``, finite, none of them zero; scaled to unit length.
        speakers: ``(n,)``: who each one is of, as numbers. By default each is of someone else.

    Raises:
        ConfigurationError: Another shape, or numbers that are not finite.

    References:
        D. Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018.
        B. M. L. Srivastava et al., "Design choices for x-vector based speaker anonymization",
        Interspeech 2020.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.xvectors import XVectorPool
        >>> rng = np.random.default_rng(0)
        >>> pool = XVectorPool(rng.standard_normal((40, 512)))
        >>> vector = pool.mixture(rng, 5)
        >>> vector.shape, bool((pool.vectors @ vector).max() < 0.6)
        ((512,), True)
    """

    def __init__(self, vectors: npt.ArrayLike, speakers: npt.ArrayLike | None = None) -> None:
        given = np.asarray(vectors, np.float64)
        if given.ndim != 2 or not np.isfinite(given).all() or not given.any(axis=1).all():
            raise ConfigurationError(
                f"x-vectors are (n, dimensions), finite and not zero; got {given.shape}"
            )
        self.vectors: Vectors = unit(given)
        self.speakers = np.arange(len(given)) if speakers is None else np.asarray(speakers)
        if self.speakers.shape != given.shape[:1]:
            raise ConfigurationError(
                f"speakers are one for each of {len(given)} x-vectors; got {self.speakers.shape}"
            )

    @classmethod
    def load(cls, path: Path | str) -> XVectorPool:
        """Read a pool.

        Args:
            path: ``.npy`` with the vectors, or ``.safetensors`` with ``vectors`` and, if there are
                several of a speaker, ``speakers``.

        Raises:
            ConfigurationError: Not such a file.
        """
        try:
            if Path(path).suffix == ".npy":
                return cls(np.load(path, allow_pickle=False))
            arrays: dict[str, Any] = optional(
                "safetensors.numpy", "hub", "a pool of x-vectors"
            ).load_file(path)
            return cls(arrays["vectors"], arrays.get("speakers"))
        except ConfigurationError:
            raise
        except Exception as error:  # numpy, safetensors and the system have no common base
            raise ConfigurationError(
                f"{path} is no pool of x-vectors ({type(error).__name__}); it takes a .npy of "
                "(n, dimensions), or a .safetensors with 'vectors' and perhaps 'speakers'"
            ) from error

    def mixture(self, rng: np.random.Generator, mix: int) -> Vectors:
        """Draw a pseudo-speaker: the mean of vectors of different speakers.

        Averaging draws all voices to the centre. So the mean's distance from the mean of the pool
        is scaled up, by the root of how many are averaged, to the spread that single voices have.

        Args:
            rng: Decides.
            mix: How many are averaged, at least 3.

        Returns:
            ``(dimensions,)`` of unit length.

        Raises:
            ConfigurationError: The pool has fewer than twice as many speakers.
        """
        everyone = np.unique(self.speakers)
        if mix < LEAST_MIXED or everyone.size < 2 * mix:
            raise ConfigurationError(
                f"a pseudo-speaker is the mean of at least {LEAST_MIXED} speakers, from a pool of "
                f"at least twice as many; got mix={mix} and x-vectors of {everyone.size} speakers"
            )
        chosen = [
            rng.choice(np.flatnonzero(self.speakers == speaker))
            for speaker in rng.choice(everyone, mix, replace=False)
        ]
        centre = self.vectors.mean(axis=0)
        return unit(centre + np.sqrt(mix) * (self.vectors[chosen].mean(axis=0) - centre))


@load_once
def load_pool(path: str) -> XVectorPool:
    """Read a pool, or give the one that has been read."""
    return XVectorPool.load(path)
