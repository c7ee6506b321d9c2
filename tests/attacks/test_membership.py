"""Membership inference: closed forms, and a model that learns by heart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from voxguard.attacks.membership import calibrated, lira_offline, membership_inference
from voxguard.errors import ConfigurationError

FEW = {"resamples": 50}


def test_auc_is_that_of_mann_and_whitney_with_ties():
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 10, 80).astype(float), rng.integers(2, 12, 90).astype(float)
    result = membership_inference(members, others, **FEW)
    wins = mannwhitneyu(others, members).statistic / (80 * 90)
    assert result.auc.value == pytest.approx(wins)
    assert result.auc.low <= result.auc.value <= result.auc.high


def test_a_gaussian_attack_is_as_good_as_theory_has_it():
    rng = np.random.default_rng(1)
    result = membership_inference(
        rng.normal(size=20_000), rng.normal(size=20_000) + 1.0, resamples=20
    )
    assert result.auc.value == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.01)
    assert result.tpr.value == pytest.approx(norm.sf(norm.isf(0.01) - 1.0), abs=0.015)


def test_intervals_hold_chance_where_there_is_nothing_to_find():
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(60):
        result = membership_inference(
            rng.exponential(size=100), rng.exponential(size=100), seed=seed, resamples=200
        )
        held += result.auc.low <= 0.5 <= result.auc.high
    assert held >= 50


def test_intervals_are_wider_when_utterances_share_a_speaker():
    rng = np.random.default_rng(3)
    of_speaker = rng.normal(size=(2, 20, 1)) + 0.1 * rng.normal(size=(2, 20, 10)) + 5.0
    members, others = (part.ravel() for part in of_speaker)
    names = [f"m{i // 10}" for i in range(200)], [f"n{i // 10}" for i in range(200)]
    alone = membership_inference(members, others, resamples=200)
    together = membership_inference(members, others, speakers=names, resamples=200)
    assert (together.auc.groups, alone.auc.groups) == (40, 400)
    assert together.auc.high - together.auc.low > 2 * (alone.auc.high - alone.auc.low)


def hearts(rng, n, k):
    """Losses of items that are more or less hard, and a fifth less for members."""
    logits = rng.normal(scale=3.0, size=n)  # how easy each is, to any model
    noise = rng.normal(scale=0.5, size=(k + 1, n))
    references = np.logaddexp(0.0, -(logits + noise[1:]))
    return (lambda gain: np.logaddexp(0.0, -(logits + noise[0] + gain))), references


def test_reference_models_find_what_the_loss_alone_cannot():
    rng = np.random.default_rng(4)
    inside, others = hearts(rng, 2000, 8), hearts(rng, 2000, 8)
    members, non_members = inside[0](1.0), others[0](0.0)
    references = {"reference_members": inside[1], "reference_non_members": others[1]}
    found = {
        attack: membership_inference(members, non_members, attack=attack, **references, **FEW)
        for attack in ("loss", "calibrated", "lira")
    }
    assert found["loss"].auc.value < 0.65
    assert found["lira"].auc.value > 0.85
    assert found["lira"].auc.value > found["calibrated"].auc.value > found["loss"].auc.value
    assert found["lira"].tpr.value > 5 * found["loss"].tpr.value
    best = membership_inference(members, non_members, **references, **FEW)
    assert (best.attack, best.references) == ("lira", 8)


def test_one_reference_model_calibrates():
    result = membership_inference(
        [1.0, 2.0], [1.0, 2.0], reference_members=[[2.0, 3.0]], reference_non_members=[[1.0, 2.0]]
    )
    assert (result.attack, result.auc.value) == ("calibrated", 1.0)
    assert not result.resolvable
    np.testing.assert_allclose(calibrated([1.0, 2.0], [[2.0, 3.0], [4.0, 3.0]]), [2.0, 1.0])


def test_lira_stands_losses_of_zero():
    scores = lira_offline([0.0, 5.0], [[0.0, 5.0], [1e-3, 4.0]])
    assert np.isfinite(scores).all()


def test_what_a_result_holds_goes_into_json():
    figure = membership_inference(np.arange(1.0, 5.0), np.arange(2.0, 6.0), **FEW).figure()
    assert json.loads(json.dumps(figure)) == figure
    assert (figure["members"], figure["fpr"], figure["resolvable"]) == (4, 0.01, False)


def test_what_cannot_be_used_is_refused():
    one, two = [1.0, 2.0], [[1.0, 2.0]]
    with pytest.raises(ConfigurationError, match="both or neither"):
        membership_inference(one, one, reference_members=two)
    with pytest.raises(ConfigurationError, match="have the shapes"):
        membership_inference(one, one, reference_members=two, reference_non_members=[[1.0]])
    with pytest.raises(ConfigurationError, match="not finite"):
        membership_inference([np.nan], one)
    with pytest.raises(ConfigurationError, match="not finite"):
        membership_inference(one, one, reference_members=[[np.nan, 1.0]], reference_non_members=two)
    with pytest.raises(ConfigurationError, match="two or more"):
        membership_inference(
            one, one, reference_members=two, reference_non_members=two, attack="lira"
        )
    with pytest.raises(ConfigurationError, match="attack="):
        membership_inference(one, one, attack="guess")
    with pytest.raises(ConfigurationError, match="0 or more"):
        lira_offline([-1.0], [[1.0], [2.0]])
    with pytest.raises(ConfigurationError, match="one a loss"):
        membership_inference(one, one, speakers=(["a"], ["b"]))


def test_a_model_that_learns_by_heart_gives_itself_away():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(400, 200, generator=generator)
    labels = torch.randint(0, 2, (400,), generator=generator)
    model = torch.nn.Linear(200, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs[:200]), labels[:200]).backward()
        optimizer.step()
    with torch.no_grad():
        losses = torch.nn.functional.cross_entropy(model(inputs), labels, reduction="none").numpy()
    result = membership_inference(losses[:200], losses[200:], resamples=100)
    assert result.auc.low > 0.6
