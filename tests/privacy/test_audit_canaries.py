"""Canaries go through the real trainer, and are found as well as theory has it."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from voxguard.errors import ConfigurationError  # noqa: E402
from voxguard.privacy import Mechanism, SpeakerDP, epsilon, noise_multiplier_for, one_run  # noqa: E402
from voxguard.privacy.audit import audit_speaker_dp  # noqa: E402
from voxguard.privacy.canaries import GradientCanaries, InputCanaries  # noqa: E402

CLASSES = 4


def loss_of(model, batch):
    inputs, labels = batch
    return torch.nn.functional.cross_entropy(model(inputs), labels)


def collate(items):
    return torch.stack([x for x, _ in items]), torch.stack([y for _, y in items])


def voices(count, width, seed, name="s"):
    rng = torch.Generator().manual_seed(seed)
    return {
        f"{name}{i}": [
            (torch.randn(width, generator=rng), torch.tensor(i % CLASSES)) for _ in range(2)
        ]
        for i in range(count)
    }


def trained(model, canaries, *, noise_multiplier, sampling_rate, steps, real=None, **options):
    both = (collate, loss_of) if real else (None, None)
    trainer = SpeakerDP(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        canaries.speakers(real),
        canaries.collate(both[0]),
        canaries.loss(both[1]),
        noise_multiplier=noise_multiplier,
        sampling_rate=sampling_rate,
        clipping_norm=0.5,
        utterances=1,
        seed=1,
        **options,
    )
    trainer.on_release = canaries.watch(trainer)
    trainer.fit(steps)
    return trainer


def test_each_canary_is_a_coordinate_of_its_own_with_the_whole_norm():
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3))
    before = [p.detach().clone() for p in model.parameters()]
    count = sum(p.numel() for p in before)
    canaries = GradientCanaries(model, count, clipping_norm=0.5, seed=3)
    seen = []
    trainer = SpeakerDP(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        canaries.speakers(),
        canaries.collate(),
        canaries.loss(),
        noise_multiplier=0.0,
        sampling_rate=1.0,
        clipping_norm=0.5,
        on_release=lambda step, update: seen.append(update),
    )
    report = trainer.step()
    assert report["clipped"] == 1.0
    released = torch.cat([part.reshape(-1) for part in seen[0]]) * trainer.denominator
    lengths = np.sort(released.abs().numpy())
    out = count - canaries.included.sum()
    np.testing.assert_allclose(lengths, [0.0] * out + [0.5] * (count - out), rtol=1e-5)
    canaries.watch(trainer)(0, seen[0])
    np.testing.assert_allclose(canaries.log_ratios, canaries.included, rtol=1e-5)


@pytest.mark.parametrize("engine", ["microbatch", "vectorised"])
def test_scores_are_the_likelihood_ratios(engine):
    """The mean of exp(score) over those who were out is 1, and of exp(-score) over the others."""
    model = torch.nn.Linear(100, 20)
    canaries = GradientCanaries(model, 2000, clipping_norm=0.5, seed=0)
    options = {"engine": engine, "noise_multiplier": 2.0, "sampling_rate": 0.3, "steps": 2}
    trained(model, canaries, **options)
    ratios, included = canaries.log_ratios, canaries.included
    assert np.exp(ratios[~included]).mean() == pytest.approx(1.0, abs=0.03)
    assert np.exp(-ratios[included]).mean() == pytest.approx(1.0, abs=0.03)
    assert ratios[included].mean() > ratios[~included].mean()


def test_coins_are_fair_and_secret_by_default():
    model = torch.nn.Linear(100, 20)
    first, second = (GradientCanaries(model, 2000, clipping_norm=1.0) for _ in range(2))
    assert 850 < first.included.sum() < 1150
    assert (first.included != second.included).any()


def test_canaries_among_real_speakers():
    model = torch.nn.Linear(50, CLASSES)
    claim = {"noise_multiplier": 1.0, "sampling_rate": 0.5, "steps": 3}
    bound = audit_speaker_dp(
        model,
        **claim,
        delta=1e-5,
        canaries=200,
        speakers=voices(30, 50, seed=1),
        collate=collate,
        loss=loss_of,
        seed=2,
    )
    assert bound.method == "one-run"
    assert not bound.contradicts(epsilon(Mechanism(**claim), 1e-5))
    # The audit trains a copy.
    assert model.weight.grad is None


def test_mislabelled_speakers_are_learnt_by_heart_unless_there_is_noise():
    width, count = 400, 300

    def mislabel(utterance, rng):
        audio, label = utterance
        return audio, (label + int(rng.integers(1, CLASSES))) % CLASSES

    bounds = {}
    private = noise_multiplier_for(1.0, 1e-5, sampling_rate=1.0, steps=20)
    for noise_multiplier in (0.0, private):
        canaries = InputCanaries(voices(count, width, 0, "c"), mislabel, seed=0)
        model = torch.nn.Linear(width, CLASSES)
        torch.nn.init.zeros_(model.weight)
        trainer = SpeakerDP(
            model,
            torch.optim.SGD(model.parameters(), lr=20.0),
            canaries.speakers(voices(50, width, seed=7)),
            collate,
            loss_of,
            noise_multiplier=noise_multiplier,
            sampling_rate=1.0,
            clipping_norm=1.0,
            utterances=2,
            engine="vectorised",
            seed=0,
        )
        trainer.fit(20)
        scores = canaries.scores(model, collate, loss_of, before=torch.nn.Linear(width, CLASSES))
        bounds[noise_multiplier > 0] = one_run(scores, canaries.included, 1e-5)
    assert bounds[False].lower > 1.5
    assert not bounds[True].contradicts(1.0)


def test_what_cannot_be_used_is_refused():
    model = torch.nn.Linear(3, 2)
    with pytest.raises(ConfigurationError, match="1 to 8"):
        GradientCanaries(model, 9, clipping_norm=1.0)
    canaries = GradientCanaries(model, 8, clipping_norm=1.0)
    with pytest.raises(ConfigurationError, match="their collate"):
        canaries.collate()([("audio", 1)])
    with pytest.raises(ConfigurationError, match="their loss"):
        canaries.loss()(model, torch.zeros(1))
    with pytest.raises(ConfigurationError, match="no candidates"):
        InputCanaries({}, lambda item, rng: item)
    with pytest.raises(ConfigurationError, match="a real speaker and a canary"):
        InputCanaries({"anna": [1]}, lambda item, rng: item).speakers({"anna": [1]})
    claim = {"noise_multiplier": 1.0, "sampling_rate": 1.0, "steps": 1, "delta": 1e-5}
    with pytest.raises(ConfigurationError, match="method="):
        audit_speaker_dp(model, **claim, canaries=8, method="guess")
    with pytest.raises(ConfigurationError, match="against="):
        audit_speaker_dp(model, **claim, canaries=8, against="all")
    with pytest.raises(ConfigurationError, match="infinite"):
        audit_speaker_dp(model, **{**claim, "noise_multiplier": 0.0}, canaries=8)


def test_without_noise_the_score_is_the_sum():
    model = torch.nn.Linear(10, 2)
    canaries = GradientCanaries(model, 22, clipping_norm=0.5, seed=0)
    trained(model, canaries, noise_multiplier=0.0, sampling_rate=1.0, steps=3)
    np.testing.assert_allclose(canaries.log_ratios, 3.0 * canaries.included, rtol=1e-5)
    assert math.isfinite(canaries.log_ratios.sum())
