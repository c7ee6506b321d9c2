"""The thirty scores: by hand, and by scipy."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from scipy.stats import entropy

from voxguard.audiollm import TextScores
from voxguard.errors import ConfigurationError, ModelError
from voxguard.probes.membership.scores import (
    DIRECTIONS,
    gaps,
    highest,
    log_perplexity,
    lowest,
    normalized,
    renyi_entropy,
    score_vector,
    zlib_ratio,
)
from voxguard.probes.membership.two_stage import NOTHING, SELF, TRANSCRIPT, two_stage


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2.0, size=(40, 50))
    distribution = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    chosen = distribution[np.arange(40), rng.integers(0, 50, 40)]
    return TextScores(tuple("t" * 40), chosen.astype(np.float32), distribution.astype(np.float32))


def test_perplexity_is_one_over_the_geometric_mean():
    p = np.array([0.5, 0.1, 0.2])
    assert np.exp(log_perplexity(np.log(p))) == pytest.approx(np.prod(p) ** (-1 / 3))


def test_shares_are_rounded_down_to_one_at_least():
    values = np.arange(10.0)[::-1]
    assert [lowest(values, k) for k in (5, 10, 29, 50)] == [0.0, 0.0, 0.5, 2.0]
    assert [highest(values, k) for k in (5, 20, 100)] == [9.0, 8.5, 4.5]


def test_min_k_plus_plus_is_in_deviations_of_what_could_stand_there():
    p = np.array([0.7, 0.2, 0.1])
    draws = np.random.default_rng(0).choice(np.log(p), size=200_000, p=p)
    expected = (np.log(p) - draws.mean()) / draws.std()
    for chosen in range(3):
        found = normalized(np.log(p[[chosen]]), np.log(p)[None])
        assert found[0] == pytest.approx(expected[chosen], abs=0.02)
    assert normalized(np.log([0.25]), np.log(np.full((1, 4), 0.25)))[0] == 0.0


def test_renyi_entropies_fall_with_alpha_and_meet_shannon(scores):
    distribution = np.asarray(scores.distribution, np.float64)
    p = np.exp(distribution)
    np.testing.assert_allclose(renyi_entropy(distribution, 1.0), entropy(p, axis=1))
    np.testing.assert_allclose(renyi_entropy(distribution, 1.0001), entropy(p, axis=1), rtol=1e-3)
    np.testing.assert_allclose(renyi_entropy(distribution, 2.0), -np.log((p**2).sum(1)))
    np.testing.assert_allclose(renyi_entropy(distribution, np.inf), -np.log(p.max(1)))
    rising = [renyi_entropy(distribution, alpha) for alpha in (np.inf, 2.0, 1.0, 0.5)]
    assert (np.diff(rising, axis=0) >= 0).all()


def test_what_is_impossible_counts_as_nothing():
    one = np.array([[0.0, -np.inf, -np.inf], [np.log(0.5), np.log(0.5), -np.inf]])
    for alpha in (0.5, 1.0, 2.0, np.inf):
        np.testing.assert_allclose(renyi_entropy(one, alpha), [0.0, np.log(2.0)], atol=1e-12)
    assert np.isfinite(normalized(one[:, 0], one)).all()


def test_gaps_are_of_probabilities():
    top_two, to_top = gaps(np.log([0.6, 0.1]), np.log([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]]))
    np.testing.assert_allclose(top_two, [0.3, 0.3])
    np.testing.assert_allclose(to_top, [0.0, 0.5], atol=1e-12)


def test_dull_text_is_forgiven_by_zlib():
    chosen = np.log([0.1, 0.1])
    assert zlib_ratio(chosen, "no " * 40) > zlib_ratio(
        chosen, "pearl tulip haven ocean ember jolly"
    )
    assert zlib_ratio(chosen, "é") == pytest.approx(np.log(10) / len(zlib.compress(b"\xc3\xa9")))


def test_the_vector_holds_each_score_at_its_name(scores):
    text = "a text of some kind"
    vector = dict(zip(DIRECTIONS, score_vector(scores, text), strict=True))
    chosen = np.asarray(scores.log_probability, np.float64)
    distribution = np.asarray(scores.distribution, np.float64)
    assert len(vector) == 30
    assert vector["entropy_max"] == pytest.approx(
        entropy(np.exp(distribution), axis=1).max(), rel=1e-5
    )
    assert vector["min_k_20"] == np.sort(chosen)[:8].mean()
    assert vector["max_k_50"] == pytest.approx(np.sort(chosen)[20:].mean())
    assert vector["min_k_plus_plus_5"] == np.sort(normalized(chosen, distribution))[:2].mean()
    assert vector["max_renyi_inf_100"] == pytest.approx(-distribution.max(1).mean())
    assert vector["max_renyi_0.5_10"] == highest(renyi_entropy(distribution, 0.5), 10)
    assert vector["gap_to_top_max"] == gaps(chosen, distribution)[1].max()
    assert vector["zlib_ratio"] == zlib_ratio(chosen, text)


def test_a_surer_model_has_every_score_on_the_side_of_members():
    def peaked(sharpness):
        logits = np.zeros((20, 50))
        logits[:, 7] = sharpness + np.linspace(0.0, 1.0, 20)
        distribution = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return score_vector(TextScores(tuple("t" * 20), distribution[:, 7], distribution), "text")

    signs = np.array([*DIRECTIONS.values()])
    change = signs * (peaked(5.0) - peaked(1.0))
    # The likeliest token is chosen throughout, and of two values its deviation shrinks.
    same = [n.startswith(("gap_to_top", "min_k_plus_plus")) for n in DIRECTIONS]
    assert (change[~np.array(same)] > 0).all()


def test_numbers_that_are_none_are_an_error():
    broken = np.full((2, 3), np.nan, np.float32)
    with pytest.raises(ModelError, match="no finite score"):
        score_vector(TextScores(("a", "b"), broken[:, 0], broken), "a b")


class Echo:
    """Writes the same whatever it hears, and finds each text as likely as it is short."""

    def __init__(self, text="yes"):
        self.text, self.scored = text, []

    def __call__(self, samples, sample_rate, prompt):
        return self.text

    def score(self, samples, sample_rate, prompt, text):
        self.scored.append((prompt, text))
        if text == "unheard of":
            raise ModelError("a text without a token cannot be scored")
        distribution = np.log(np.full((len(text), 4), 0.25, np.float32))
        return TextScores(tuple(text), distribution[:, 0], distribution)


def test_two_stages_score_what_was_written_and_what_was_said():
    model = Echo()
    found = two_stage(model, None, 16_000, transcript="no", prompt="Write.")
    assert model.scored == [("Write.", "yes"), ("Write.", "no")]
    assert set(found.vectors) == {SELF, TRANSCRIPT}
    assert found.final
    assert set(two_stage(model, None, 16_000).vectors) == {SELF}


def test_what_cannot_be_scored_says_why():
    found = two_stage(Echo(" "), None, 16_000, transcript="no")
    assert (set(found.vectors), found.failed, found.final) == ({TRANSCRIPT}, {SELF: NOTHING}, True)
    found = two_stage(Echo(), None, 16_000, transcript="unheard of")
    assert (set(found.vectors), set(found.failed), found.final) == ({SELF}, {TRANSCRIPT}, False)
    with pytest.raises(ModelError, match="not text"):
        two_stage(Echo(7), None, 16_000)
    with pytest.raises(ConfigurationError, match=r"score\(\)"):
        two_stage(lambda samples, sample_rate, prompt: "yes", None, 16_000)
