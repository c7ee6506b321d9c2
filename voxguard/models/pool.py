"""The speaker pool: voices that nobody has, from which pseudo-speakers are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.audio.publish import PartFile, output_error
from voxguard.errors import ConfigurationError
from voxguard.models.dvector import DIMENSIONS, unit
from voxguard.models.shipped import Weights, parse, save, shipped

Sex = Literal["F", "M"]

SEXES: tuple[Sex, Sex] = ("F", "M")
DVECTOR = "dvector"
FILE = "pool.safetensors"
FORMAT, FORMAT_VERSION = "speaker pool", 1

_NEEDED = {"vectors", "log_f0_mean", "log_f0_std", "is_female"}
_MAKE_ONE = "make one with  voxguard pool build DATA --out POOL.safetensors"


class Target(NamedTuple):
    """A voice to speak in.

    Attributes:
        vector: ``(256,)`` float32 of unit length, in the space of
            :class:`~voxguard.models.dvector.DVectorModel`.
        log_f0_mean: Natural logarithm of Hz.
        log_f0_std: Of the natural logarithm of F0 over voiced frames.
    """

    vector: npt.NDArray[np.float32]
    log_f0_mean: float
    log_f0_std: float


@dataclass(frozen=True, repr=False, eq=False)
class SpeakerPool:
    """Voices with what a synthesis needs of them, and no names.

    Attributes:
        vectors: ``(n, 256)`` float32 d-vectors of unit length.
        log_f0_mean: ``(n,)`` float32, natural logarithm of Hz.
        log_f0_std: ``(n,)`` float32, of the natural logarithm of F0 over voiced frames.
        sex: ``(n,)`` of ``"F"`` and ``"M"``.
        encoder: Which encoder's space voices are compared in.
        encoder_vectors: ``(n, d)`` float32 of unit length in that space; None: the d-vectors.
        about: What the file says about how it was made.

    Raises:
        ConfigurationError: Shapes or values do not fit together.

    Example:
        >>> from voxguard.models.pool import SpeakerPool
        >>> pool = SpeakerPool.shipped()
        >>> target = pool.target(7)
        >>> target.vector.shape, len(pool)
        ((256,), 200)
    """

    vectors: npt.NDArray[np.float32]
    log_f0_mean: npt.NDArray[np.float32]
    log_f0_std: npt.NDArray[np.float32]
    sex: npt.NDArray[np.str_]
    encoder: str = DVECTOR
    encoder_vectors: npt.NDArray[np.float32] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ConfigurationError(f"this is no speaker pool: {problem}")

    def _problem(self) -> str:
        count = len(self.sex)
        if self.sex.ndim != 1:
            return f"sex of shape {self.sex.shape}"
        if count == 0 or self.vectors.shape != (count, DIMENSIONS):
            return f"vectors of shape {self.vectors.shape} for {count} voices of {DIMENSIONS}"
        for name in ("log_f0_mean", "log_f0_std"):
            if getattr(self, name).shape != (count,):
                return f"{name} of shape {getattr(self, name).shape} for {count} voices"
        if not np.isin(self.sex, SEXES).all():
            return f"sex takes {' and '.join(SEXES)}, got {sorted(set(self.sex.tolist()))}"
        if (self.encoder == DVECTOR) != (self.encoder_vectors is None):
            return f"vectors of {self.encoder!r} are missing, or of the d-vector there twice"
        for block in (self.vectors, self.space):
            if block.ndim != 2 or len(block) != count:
                return f"vectors of shape {block.shape} for {count} voices"
            if not np.allclose(np.linalg.norm(block, axis=1), 1.0, atol=1e-3):  # NaN neither
                return "its vectors are not of unit length"
        inside = (self.log_f0_mean > 3.0) & (self.log_f0_mean < 7.0) & (self.log_f0_std > 0.0)
        if not (inside & (self.log_f0_std < 2.0)).all():
            return "log F0 is not that of voices in Hz"
        return ""

    def __len__(self) -> int:
        return len(self.sex)

    def __repr__(self) -> str:
        women = int((self.sex == "F").sum())
        return f"<SpeakerPool: {women} F, {len(self) - women} M, encoder={self.encoder!r}>"

    @property
    def space(self) -> npt.NDArray[np.float32]:
        """``(n, d)``: the vectors in which voices are compared."""
        return self.vectors if self.encoder_vectors is None else self.encoder_vectors

    def target(self, index: int) -> Target:
        """One voice, as something to speak in."""
        means, deviations = self.log_f0_mean, self.log_f0_std
        return Target(self.vectors[index], float(means[index]), float(deviations[index]))

    def of_sex(self, sex: Sex) -> npt.NDArray[np.intp]:
        """Positions in the pool of the voices of a sex.

        Raises:
            ConfigurationError: It has none.
        """
        found = np.flatnonzero(self.sex == sex)
        if not found.size:
            raise ConfigurationError(f"the speaker pool has no voice of sex {sex!r}")
        return found

    def sex_of(self, vector: npt.ArrayLike) -> Sex:
        """The sex whose mean voice is nearer.

        Args:
            vector: ``(d,)`` in the space of the pool's encoder.

        Raises:
            ConfigurationError: The pool has one sex only.
        """
        axis, middle = self._sexes
        return "F" if float(np.asarray(vector, np.float64) @ axis) > middle else "M"

    @cached_property
    def _sexes(self) -> tuple[npt.NDArray[np.float64], float]:
        women, men = (self.space[self.of_sex(sex)].mean(axis=0, dtype=np.float64) for sex in SEXES)
        axis = women - men
        return axis, float(axis @ (women + men)) / 2.0

    @classmethod
    def shipped(cls) -> SpeakerPool:
        """The pool that comes with voxguard; ``weights/pool.md`` says what it was made from."""
        return cls._read(shipped(FILE), FILE)

    @classmethod
    def load(cls, path: str | Path) -> SpeakerPool:
        """Read a pool from a safetensors file.

        Raises:
            ConfigurationError: It cannot be read or is no pool.
            MissingExtraError: safetensors is not installed.
        """
        file = Path(path)
        try:
            content = file.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"{path} cannot be read: {reason}; {_MAKE_ONE}") from None
        return cls._read(parse(content, file.name), file.name)

    @classmethod
    def _read(cls, weights: Weights, name: str) -> SpeakerPool:
        about = dict(weights.metadata)
        if (about.pop("format", ""), about.pop("version", 0)) != (FORMAT, FORMAT_VERSION):
            raise ConfigurationError(
                f"{name} is not a speaker pool of version {FORMAT_VERSION}; {_MAKE_ONE}"
            )
        arrays = dict(weights.arrays)
        if set(arrays) - {"encoder_vectors"} != _NEEDED:
            raise ConfigurationError(f"{name} holds {', '.join(sorted(arrays))}; {_MAKE_ONE}")
        sex = np.where(arrays.pop("is_female") != 0, *SEXES)
        floats = {what: np.asarray(array, np.float32) for what, array in arrays.items()}
        return cls(sex=sex, encoder=about.pop("encoder", DVECTOR), about=about, **floats)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the pool as a safetensors file, whole or not at all.

        Raises:
            OutputError: The file exists, or could not be written.
            MissingExtraError: safetensors is not installed.
        """
        arrays = {"vectors": self.vectors, "is_female": (self.sex == "F").astype(np.uint8)}
        arrays |= {"log_f0_mean": self.log_f0_mean, "log_f0_std": self.log_f0_std}
        if self.encoder_vectors is not None:
            arrays["encoder_vectors"] = self.encoder_vectors
        identity = {"format": FORMAT, "version": FORMAT_VERSION, "encoder": self.encoder}
        part = PartFile(Path(path))
        try:
            with output_error(part.destination):
                save(part.part, arrays, {**self.about, **identity})
            part.publish(overwrite=overwrite)
        finally:
            part.discard()


def unit_rows(vectors: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Rows at unit length, float32."""
    return unit(np.asarray(vectors, np.float64)).astype(np.float32)


def nearest_other(vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Cosine of each speaker with the one who is most alike.

    Args:
        vectors: ``(n, d)`` of unit length, n at least 2.

    Returns:
        ``(n,)``.

    Example:
        >>> from voxguard.models.pool import nearest_other
        >>> nearest_other([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        array([0.6, 0.8, 0.8])
    """
    rows = np.asarray(vectors, np.float64)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1.0)
    nearest: npt.NDArray[np.float64] = cosines.max(axis=1)
    return nearest
