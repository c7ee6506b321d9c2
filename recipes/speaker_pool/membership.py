"""Can it be told from a pool whose voices it was fitted to?

    python recipes/speaker_pool/membership.py MANIFEST --select split=pool

The speakers are halved, a pool is fitted to one half, and each speaker's likeness to the voice of
the pool that is most like them is taken as the sign of having been in that half. What is printed is
how often a speaker who was in it shows more of that sign than one who was not: 50 % is chance.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from voxguard.audio import read, resample
from voxguard.evaluation.manifest import read_manifest
from voxguard.models.pool_fit import fit_pool
from voxguard.models.real_voices import RealVoices, Survey


def survey(manifest: str, select: str) -> RealVoices:
    """Measure one recording after the other."""
    column, _, value = select.partition("=")
    measured = Survey()
    for utterance in read_manifest(manifest).select({column: value}).utterances:
        samples, rate = read(utterance.path)
        mono = resample(samples, rate, 16_000).mean(axis=0)
        measured.add(utterance.speaker, mono, utterance.labels["sex"])
    return measured.voices()


def advantage(real: RealVoices, voices: int, rng: np.random.Generator) -> float:
    """How often a member looks more like one, for one halving."""
    member = np.zeros(len(real.sex), bool)
    for sex in "FM":
        rows = rng.permutation(np.flatnonzero(real.sex == sex))
        member[rows[: len(rows) // 2]] = True
    names = ("vectors", "log_f0_mean", "log_f0_std", "sex")
    half = replace(real, **{name: getattr(real, name)[member] for name in names})
    pool = fit_pool(half, voices, rng)
    nearest = (real.vectors @ pool.vectors.T).max(axis=1)
    return float((nearest[member, None] > nearest[~member]).mean())


def main() -> None:
    """Measure, halve, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("--select", default="split=pool", metavar="COLUMN=VALUE")
    parser.add_argument("--voices", type=int, default=200)
    parser.add_argument("--halvings", type=int, default=20)
    given = parser.parse_args()
    real = survey(given.manifest, given.select)
    rng = np.random.default_rng(0)
    found = [advantage(real, given.voices, rng) for _ in range(given.halvings)]
    print(f"{np.mean(found):.1%} +- {np.std(found):.1%} over {given.halvings} halvings")


if __name__ == "__main__":
    main()
