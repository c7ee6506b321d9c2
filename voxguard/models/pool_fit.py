"""Makes a speaker pool that holds nobody's voiceprint from the voices of real speakers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.dvector import unit
from voxguard.models.pool import DVECTOR, SEXES, Sex, SpeakerPool, nearest_other, unit_rows
from voxguard.models.real_voices import RealVoices
from voxguard.models.voice_distribution import COMPONENTS, VoiceDistribution

Floats = npt.NDArray[np.float64]

LEAST_SPEAKERS = 20  # of a sex
METHOD = f"rectified Gaussian of {COMPONENTS} principal components a sex"

# Percentiles, of the mean and the spread of F0: what is outside is often the tracker's mistake.
_USUAL = (5.0, 95.0), (10.0, 90.0)
_LEAST_LOG_STD = 0.03
_SAME_PERSON = 0.92  # cosine of d-vectors
_UNLIKE = 10.0  # percentile of how like their nearest speakers are
_ROUNDS, _LEAST_DRAWN = 500, 200  # how often to draw, and how many voices at once


def nobodys(synthetic: npt.ArrayLike, real: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which synthetic voices are nobody's.

    A voice is nobody's if for each real speaker there is another real speaker who is more like
    them than the voice is, and if it is no more like its nearest real speaker than nine of ten real
    speakers are like theirs.

    Args:
        synthetic: ``(m, d)`` of unit length.
        real: ``(n, d)`` of unit length, a row a speaker.

    Returns:
        ``(m,)``.

    Example:
        >>> from voxguard.models.pool_fit import nobodys
        >>> real = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]
        >>> nobodys([[0.8, 0.6], [-0.8, 0.6], [-1.0, 0.0]], real)
        array([False,  True,  True])
    """
    alike = nearest_other(real)
    bounds = np.minimum(alike, np.percentile(alike, _UNLIKE))
    cosines = np.asarray(synthetic, np.float64) @ np.asarray(real, np.float64).T
    kept: npt.NDArray[np.bool_] = np.logical_and.reduce(cosines <= bounds, axis=1)
    return kept


def fit_pool(real: RealVoices, voices: int, rng: np.random.Generator) -> SpeakerPool:
    """Draw a pool from models fitted to real speakers, one a sex.

    Vectors and F0 statistics are drawn together, so that a voice's pitch goes with its timbre. In
    every space, a voice is kept if it is nobody's (see :func:`nobodys`) and is no more like one
    that was kept before than half of the real speakers are like their nearest.

    Args:
        real: Real speakers, at least 20 of each sex that there is.
        voices: How many, half of each sex (all, if there is one only).
        rng: Decides which.

    Returns:
        The pool; ``about`` has the figures that show how far it is from the speakers.

    Raises:
        ConfigurationError: Too few speakers or voices, or so many voices that they cannot be told
            apart.
    """
    present: list[Sex] = [sex for sex in SEXES if (real.sex == sex).any()]
    for sex in present:
        count = int((real.sex == sex).sum())
        if count < LEAST_SPEAKERS:
            raise ConfigurationError(
                f"got {count} speakers of sex {sex}; a pool that is nobody's voice takes at least "
                f"{LEAST_SPEAKERS} of each sex that it is to have"
            )
    if not present or voices < 2 * len(present):
        raise ConfigurationError(f"a pool takes speakers, and 2 voices a sex; got {voices} voices")
    if (alike := float(np.median(nearest_other(real.vectors)))) > _SAME_PERSON:
        raise ConfigurationError(
            f"half of the speakers are like another one with a cosine of {alike:.2f}, which is how "
            "like themselves people are; a pool takes as many different people"
        )
    shares = [voices // len(present) + (i < voices % len(present)) for i in range(len(present))]
    drawn = [_draw(real, sex, share, rng) for sex, share in zip(present, shares, strict=True)]
    *spaces, f0 = (np.concatenate(blocks) for blocks in zip(*drawn, strict=True))
    vectors = [unit_rows(space) for space in spaces]
    log_mean, log_std = f0.T.astype(np.float32)
    sexes = np.repeat(np.array(present), shares)
    own = vectors[1] if len(vectors) > 1 else None
    about = _about(real, vectors, sexes)
    return SpeakerPool(vectors[0], log_mean, np.exp(log_std), sexes, real.encoder, own, about)


def _draw(real: RealVoices, sex: Sex, count: int, rng: np.random.Generator) -> list[Floats]:
    """Vectors in each space and, last, ``(count, 2)`` statistics of log F0."""
    here = real.sex == sex
    pitch = np.stack(
        [real.log_f0_mean[here], np.log(np.maximum(real.log_f0_std[here], _LEAST_LOG_STD))], axis=1
    )
    usual = [np.percentile(*column) for column in zip(pitch.T, _USUAL, strict=True)]
    low, high = np.transpose(usual)
    columns = [*(space[here] for space in real.spaces), np.clip(pitch, low, high)]
    edges = np.cumsum([block.shape[1] for block in columns])[:-1]
    model = VoiceDistribution.fit(np.concatenate(columns, axis=1))
    limits = [float(np.median(nearest_other(space))) for space in real.spaces]
    kept: list[list[Floats]] = []
    for _ in range(_ROUNDS):
        *blocks, f0 = np.split(model.sample(rng, max(count, _LEAST_DRAWN)), edges, axis=1)
        spaces = [unit(block) for block in blocks]
        good = [nobodys(vectors, space) for vectors, space in zip(spaces, real.spaces, strict=True)]
        for i in np.flatnonzero(np.all(good, axis=0)):
            voice = [vectors[i] for vectors in spaces]
            if all(_differ(voice, other, limits) for other in kept):
                kept.append([*voice, np.clip(f0[i], low, high)])
            if len(kept) == count:
                return [np.stack(parts) for parts in zip(*kept, strict=True)]
    raise ConfigurationError(
        f"only {len(kept)} of {count} voices of sex {sex} could be drawn that are unlike each "
        "other and unlike the speakers; ask for fewer, or give more speakers"
    )


def _differ(voice: list[Floats], other: list[Floats], limits: list[float]) -> bool:
    return all(a @ b <= limit for a, b, limit in zip(voice, other, limits, strict=False))


def _about(
    real: RealVoices, spaces: list[npt.NDArray[np.float32]], sex: npt.NDArray[np.str_]
) -> dict[str, Any]:
    about: dict[str, Any] = {"method": METHOD, "speakers": len(real.sex), "cosines": {}}
    for name, drawn, speakers in zip((DVECTOR, real.encoder), spaces, real.spaces, strict=False):
        to_real = (drawn.astype(np.float64) @ speakers.T).max(axis=1)
        for what, cosines in {
            "speaker to nearest speaker": nearest_other(speakers),
            "voice to nearest speaker": to_real,
            "voice to nearest voice": nearest_other(drawn),
            "two speakers of a sex": _pairs(speakers, real.sex),
            "two voices of a sex": _pairs(drawn, sex),
        }.items():
            figures = {"median": np.median(cosines), "largest": cosines.max()}
            about["cosines"][f"{name}: {what}"] = {
                k: round(float(v), 3) for k, v in figures.items()
            }
    return about


def _pairs(vectors: npt.ArrayLike, sex: npt.NDArray[np.str_]) -> Floats:
    rows = np.asarray(vectors, np.float64)
    first, second = np.nonzero(np.triu(sex[:, None] == sex, k=1))
    cosines: Floats = (rows @ rows.T)[first, second]
    return cosines
