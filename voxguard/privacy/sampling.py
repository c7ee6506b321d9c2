"""Secret coins of a training: which speakers take part in a step, and what they say.

Every draw is a function of a secret key, the step and what it is for. So a checkpoint needs no more
than the key and the step to repeat a step to the bit, and a speaker's own draws do not depend on
who else is there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["new_key", "poisson_cohort", "run_name", "stream", "torch_seed", "utterance_sample"]

_KEY_BYTES = 32


def new_key(seed: int | None) -> bytes:
    """The key of a training.

    Args:
        seed: None: from the operating system. A number: for research, since whoever knows it can
            take the noise off again.

    Example:
        >>> from voxguard.privacy.sampling import new_key
        >>> new_key(1) == new_key(1), new_key(None) == new_key(None)
        (True, False)
    """
    if seed is None:
        return secrets.token_bytes(_KEY_BYTES)
    return hashlib.sha256(f"voxguard speaker-level DP, seed {seed}".encode()).digest()


def stream(key: bytes, *purpose: int | str) -> np.random.Generator:
    """Random numbers for one purpose, unrelated to those for any other.

    Philox with a key of 128 bits: torch's CPU generator keeps only 32 bits of a seed, few enough
    to try all of them. It is no cryptographic generator.

    Args:
        key: From :func:`new_key`.
        purpose: Such as a step, a word and a speaker's name.

    Example:
        >>> from voxguard.privacy.sampling import new_key, stream
        >>> key = new_key(1)
        >>> bool(stream(key, 7, "noise").random() == stream(key, 7, "noise").random())
        True
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(key, purpose)[:16])))


def torch_seed(key: bytes, *purpose: int | str) -> int:
    """A seed for a generator of torch, in 63 bits."""
    return int.from_bytes(_digest(key, purpose)[16:24]) >> 1


def run_name(key: bytes, *parts: bytes) -> str:
    """What tells one run from another and gives neither the key nor the parts away.

    Example:
        >>> from voxguard.privacy.sampling import new_key, run_name
        >>> len(run_name(new_key(None), b"settings"))
        32
    """
    digest = hmac.new(key, digestmod="sha256")
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def poisson_cohort(
    speakers: Sequence[str], sampling_rate: float, rng: np.random.Generator
) -> list[str]:
    """Each speaker with the same chance, independently; at times nobody.

    Args:
        speakers: Names.
        sampling_rate: Chance of each, above 0 to 1.
        rng: From :func:`stream`.

    Example:
        >>> from voxguard.privacy.sampling import new_key, poisson_cohort, stream
        >>> poisson_cohort(["a", "b", "c"], 1.0, stream(new_key(1), 0, "cohort"))
        ['a', 'b', 'c']
    """
    chosen = np.flatnonzero(rng.random(len(speakers)) < sampling_rate)
    return [speakers[int(index)] for index in chosen]


def utterance_sample(said: Sequence[Any], count: int, rng: np.random.Generator) -> list[Any]:
    """So many utterances of a speaker, none a second time before all were there.

    Args:
        said: The speaker's utterances, at least one.
        count: How many are taken; where there are fewer they are repeated.
        rng: From :func:`stream`.

    Example:
        >>> from voxguard.privacy.sampling import new_key, stream, utterance_sample
        >>> sorted(utterance_sample(["a", "b"], 4, stream(new_key(1), 0, "utterances", "anna")))
        ['a', 'a', 'b', 'b']
    """
    order: list[int] = []
    while len(order) < count:
        order.extend(rng.permutation(len(said)).tolist())
    return [said[index] for index in order[:count]]


def _digest(key: bytes, purpose: tuple[int | str, ...]) -> bytes:
    # repr tells 1 from "1" and ("a", "b") from ("ab",).
    return hashlib.sha256(key + repr(purpose).encode()).digest()
