"""The trainer as it is passes its audit; with a bug planted in it, it does not.

Claims of epsilon about 1, since an audit with some thousands of canaries cannot contradict 8. The
bugs are planted in the real trainer: its noise, its clipping, its sampling.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from voxguard.privacy import Mechanism, SpeakerDP, clipping, epsilon, noise, speaker_level  # noqa: E402
from voxguard.privacy.audit import audit_speaker_dp  # noqa: E402

DELTA = 1e-5
OUTPUTS = 40
FULL = {"noise_multiplier": 5.28, "sampling_rate": 1.0, "steps": 2}
SAMPLED = {"noise_multiplier": 1.6, "sampling_rate": 0.1, "steps": 8}

add_gaussian, clip, poisson_cohort = (
    noise.add_gaussian,
    clipping.clip,
    speaker_level.poisson_cohort,
)


def quieter(factor):
    def planted(total, deviation, key, step):
        add_gaussian(total, deviation / factor, key, step)

    return planted


def looser(factor):
    def planted(rows, clipping_norm, **options):
        return clip(rows, factor * clipping_norm, **options)

    return planted


def everybody(speakers, sampling_rate, rng):
    """Canaries are there in each step; as many coins as ever are tossed."""
    drawn = set(poisson_cohort(speakers, sampling_rate, rng))
    return [name for name in speakers if name in drawn or name.startswith("canary")]


def on_one_half(total, deviation, key, step):
    add_gaussian(total[: len(total) // 2], deviation, key, step)


def audit(claim, seed, *, canaries=4000, **options):
    options = {"engine": "vectorised", **options}
    model = torch.nn.Linear(canaries // OUTPUTS, OUTPUTS)
    return audit_speaker_dp(model, **claim, delta=DELTA, canaries=canaries, seed=seed, **options)


def claimed(claim):
    return epsilon(Mechanism(**claim), DELTA)


@pytest.mark.parametrize("claim", [FULL, SAMPLED], ids=["full", "sampled"])
def test_the_claims_are_about_one(claim):
    assert 0.9 < claimed(claim) < 1.1


@pytest.mark.parametrize("seed", range(4))
def test_the_trainer_keeps_its_claim(seed):
    assert not audit(FULL, seed).contradicts(claimed(FULL))


@pytest.mark.parametrize("seed", range(2))
def test_the_trainer_keeps_its_claim_with_sampling(seed):
    assert not audit(SAMPLED, seed, canaries=2000).contradicts(claimed(SAMPLED))


@pytest.mark.parametrize("seed", range(2))
def test_noise_four_times_too_small_is_caught(monkeypatch, seed):
    monkeypatch.setattr(noise, "add_gaussian", quieter(4))
    assert audit(FULL, seed).lower > 3.0


@pytest.mark.parametrize("seed", range(2))
def test_clipping_off_by_two_is_caught(monkeypatch, seed):
    monkeypatch.setattr(clipping, "clip", looser(2))
    assert audit(FULL, seed).contradicts(claimed(FULL))


def test_noise_four_times_too_small_is_caught_by_the_pair_alone(monkeypatch):
    monkeypatch.setattr(noise, "add_gaussian", quieter(4))
    for method in ("one-run", "clopper-pearson"):
        bound = audit(FULL, 0, method=method, against="pair")
        assert bound.contradicts(claimed(FULL))
        assert bound.assumes == ""


def test_a_sampling_leak_is_caught(monkeypatch):
    monkeypatch.setattr(speaker_level, "poisson_cohort", everybody)
    assert audit(SAMPLED, 0, canaries=1000, method="one-run", against="pair").lower > 2.0
    assert audit(SAMPLED, 0, canaries=400).contradicts(claimed(SAMPLED))


def test_clipping_off_by_two_is_caught_with_sampling(monkeypatch):
    monkeypatch.setattr(clipping, "clip", looser(2))
    assert audit(SAMPLED, 0).contradicts(claimed(SAMPLED))


def test_half_a_model_without_noise_is_caught(monkeypatch):
    monkeypatch.setattr(noise, "add_gaussian", on_one_half)
    assert audit(FULL, 0, canaries=1000).contradicts(claimed(FULL))


class CountedTwice(SpeakerDP):
    """Adds what each speaker contributes a second time."""

    def contribution(self, speaker):
        return [2 * part for part in super().contribution(speaker)]


class Unchanged(SpeakerDP):
    def contribution(self, speaker):
        return super().contribution(speaker)


def test_a_subclass_can_be_on_trial_with_either_engine():
    claim = {**FULL, "steps": 1, "noise_multiplier": 1.0}  # a claim of 4.4
    limits = {}
    for trainer in (Unchanged, CountedTwice):
        bound = audit(claim, 0, canaries=1000, engine="microbatch", trainer=trainer)
        limits[trainer] = bound.lower
    assert limits[Unchanged] < claimed(claim) < limits[CountedTwice]
