"""Pseudo-speakers against brute force, and how distinct they are."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.models.dvector import unit
from voxguard.models.pool import SpeakerPool, unit_rows
from voxguard.models.pseudo_speaker import PseudoSpeaker
from voxguard.models.selection import farthest, sparse

pytest.importorskip("safetensors")

STRATEGIES = ("farthest", "random", "sparse", "gmm")


def draw(seed=0):
    return np.random.default_rng(seed)


def spread(vectors):
    """Mean cosine distance of all pairs."""
    rows = np.asarray(vectors, np.float64)
    return 1.0 - (rows @ rows.T)[np.triu_indices(len(rows), 1)].mean()


@pytest.fixture(scope="module")
def pool():
    return SpeakerPool.shipped()


@pytest.fixture(scope="module")
def women_last(pool):
    """The men of the pool in the first rows, the women in the last, where the bug shows."""
    order = np.concatenate([pool.of_sex("M"), pool.of_sex("F")])
    parts = ("vectors", "log_f0_mean", "log_f0_std", "sex")
    return SpeakerPool(**{name: getattr(pool, name)[order] for name in parts})


class TestSelection:
    """The reference implementation took positions among a sex for positions in the pool."""

    def test_the_farthest_of_a_sex_are_of_that_sex(self, women_last):
        women = women_last.of_sex("F")
        assert women.min() == 100  # a position among the women is that of a man
        for source in women_last.vectors[::20]:
            chosen = farthest(women_last.vectors, source, women, 20)
            assert set(women_last.sex[chosen]) == {"F"}
            distances = [1.0 - float(women_last.vectors[k] @ source) for k in women]
            expected = women[np.argsort(distances)[::-1][:20]]
            assert chosen.tolist() == expected.tolist()

    def test_a_woman_gets_a_woman_made_of_the_farthest_women(self, women_last):
        source = women_last.vectors[150]
        recipe = PseudoSpeaker("farthest", "same", candidates=20, averaged=19, rescale=False)
        target = recipe(women_last, draw(), source)
        women = women_last.of_sex("F")
        distances = [1.0 - float(women_last.vectors[k] @ source) for k in women]
        far = women[np.argsort(distances)[::-1][:20]]
        possible = [
            unit(women_last.vectors[np.delete(far, left_out)].mean(axis=0, dtype=np.float64))
            for left_out in range(20)
        ]
        errors = [np.abs(target.vector - each).max() for each in possible]
        assert min(errors) < 1e-6
        others = np.delete(far, int(np.argmin(errors)))
        assert target.log_f0_mean == pytest.approx(women_last.log_f0_mean[others].mean(), abs=1e-5)

    @pytest.mark.parametrize("strategy", STRATEGIES)
    @pytest.mark.parametrize("source", [3, 150])
    @pytest.mark.parametrize("sex", ["same", "opposite"])
    def test_every_strategy_minds_the_sex(self, women_last, strategy, source, sex):
        recipe = PseudoSpeaker(strategy, sex)
        wanted = "FM"[(source < 100) == (sex == "same")]
        found = [
            women_last.sex_of(recipe(women_last, draw(k), women_last.vectors[source]).vector)
            for k in range(10)
        ]
        assert found == [wanted] * 10

    def test_sparse_takes_those_without_neighbours(self):
        rng = draw()
        crowd = unit(np.eye(60)[0] + 0.05 * rng.normal(size=(40, 60)))
        loners = np.eye(60)[50:58]
        vectors = np.concatenate([crowd[:20], loners, crowd[20:]])
        rows = np.arange(5, 48)
        assert sorted(sparse(vectors, rows, 8)) == list(range(20, 28))
        assert len(sparse(vectors, rows, 100)) == len(rows)

    def test_sparse_looks_at_eligible_voices_only(self):
        vectors = unit(np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.6, 0.8]]))
        assert sparse(vectors, np.array([1, 2, 3]), 1).tolist() == [1]

    def test_one_voice_is_its_own_sparsest(self):
        assert sparse(np.eye(3), np.array([2]), 1).tolist() == [2]


class TestDistinctness:
    @pytest.mark.parametrize("strategy", ["farthest", "random", "sparse"])
    @pytest.mark.parametrize("sex", ["random", "same", "neutral"])
    def test_the_rescale_keeps_fifty_voices_distinct(self, pool, strategy, sex):
        source = pool.vectors[10]
        plain, rescaled = (
            [PseudoSpeaker(strategy, sex, rescale=on)(pool, draw(k), source) for k in range(50)]
            for on in (False, True)
        )
        before, after = (spread([t.vector for t in each]) for each in (plain, rescaled))
        assert before < 0.2
        assert after > 2.5 * before
        own = pool.vectors if sex == "random" else pool.vectors[pool.of_sex("F")]
        assert after > 0.9 * spread(own)
        pitch = [np.std([t.log_f0_mean for t in each]) for each in (plain, rescaled)]
        assert pitch[1] > pitch[0]

    def test_those_of_the_mixture_are_as_distinct_as_the_pool(self, pool):
        for sex, own in (("random", pool.vectors), ("same", pool.vectors[pool.of_sex("F")])):
            made = [PseudoSpeaker("gmm", sex)(pool, draw(k), pool.vectors[10]) for k in range(50)]
            assert spread([t.vector for t in made]) == pytest.approx(spread(own), rel=0.15)

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_none_is_a_voice_of_the_pool(self, pool, strategy):
        made = [PseudoSpeaker(strategy)(pool, draw(k), pool.vectors[0]) for k in range(20)]
        assert max(float((pool.vectors @ t.vector).max()) for t in made) < 0.9

    def test_the_farthest_are_less_like_the_source_than_any(self, pool):
        far, any_ = (
            np.mean(
                [
                    PseudoSpeaker(strategy)(pool, draw(k), pool.vectors[k]).vector @ pool.vectors[k]
                    for k in range(60)
                ]
            )
            for strategy in ("farthest", "random")
        )
        assert far < any_ - 0.01


class TestSex:
    def test_a_fair_coin_decides_and_does_not_look(self, pool):
        found = [pool.sex_of(PseudoSpeaker("random")(pool, draw(k)).vector) for k in range(80)]
        assert 25 < found.count("F") < 55

    def test_neutral_voices_lie_in_the_middle(self, pool):
        women, men = (pool.vectors[pool.of_sex(sex)].mean(axis=0) for sex in "FM")
        axis = women - men
        low, high = men @ axis, women @ axis
        for strategy in STRATEGIES:
            made = [
                PseudoSpeaker(strategy, "neutral")(pool, draw(k), pool.vectors[0])
                for k in range(30)
            ]
            place = np.mean([t.vector @ axis for t in made])
            assert 0.3 < (place - low) / (high - low) < 0.7
            assert 130 < np.exp(np.mean([t.log_f0_mean for t in made])) < 175

    def test_pitch_goes_with_sex(self, pool):
        recipe = PseudoSpeaker("farthest", "same")
        for row, low, high in ((0, 170, 220), (150, 95, 140)):
            made = [recipe(pool, draw(k), pool.vectors[row]).log_f0_mean for k in range(30)]
            assert low < np.exp(np.mean(made)) < high

    def test_a_pool_of_women_gives_women(self, pool):
        rows = pool.of_sex("F")
        parts = ("vectors", "log_f0_mean", "log_f0_std", "sex")
        women = SpeakerPool(**{name: getattr(pool, name)[rows] for name in parts})
        assert PseudoSpeaker("gmm")(women, draw()).log_f0_mean >= women.log_f0_mean.min()
        with pytest.raises(ConfigurationError, match="no voice of sex 'M'"):
            PseudoSpeaker("gmm", "neutral")(women, draw())


class TestDraws:
    @pytest.mark.parametrize("strategy", STRATEGIES)
    @pytest.mark.parametrize("sex", ["same", "opposite", "random", "neutral"])
    def test_a_target_is_something_to_speak_in(self, pool, strategy, sex):
        for k in range(10):
            target = PseudoSpeaker(strategy, sex)(pool, draw(k), pool.vectors[k * 20])
            assert target.vector.dtype == np.float32
            assert target.vector.min() >= 0.0
            assert np.linalg.norm(target.vector) == pytest.approx(1.0, abs=1e-5)
            assert pool.log_f0_mean.min() <= target.log_f0_mean + 1e-5
            assert target.log_f0_mean <= pool.log_f0_mean.max() + 1e-5
            assert pool.log_f0_std.min() <= target.log_f0_std + 1e-5
            assert target.log_f0_std <= pool.log_f0_std.max() + 1e-5

    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_the_same_draw_gives_the_same_voice_and_another_another(self, pool, strategy):
        recipe = PseudoSpeaker(strategy)
        first, again, other = (recipe(pool, draw(k), pool.vectors[5]).vector for k in (1, 1, 2))
        assert np.array_equal(first, again)
        assert first @ other < 0.95

    def test_one_draw_gives_a_speaker_alike_voices_whatever_is_said(self, pool):
        recipe = PseudoSpeaker("farthest")
        rng = draw(9)
        same, apart = [], []
        for k in range(20):
            source = pool.vectors[k * 10]
            noise = np.abs(rng.normal(0.0, 0.03, 256))  # as between utterances of one speaker
            first = recipe(pool, draw(k), source).vector
            same.append(first @ recipe(pool, draw(k), unit(source + noise)).vector)
            apart.append(first @ recipe(pool, draw(k + 500), source).vector)
        assert np.mean(same) > 0.85
        assert np.mean(apart) < 0.7

    @pytest.mark.parametrize("strategy", ["random", "sparse", "gmm"])
    @pytest.mark.parametrize("sex", ["random", "neutral"])
    def test_what_needs_no_source_does_not_look_at_it(self, pool, strategy, sex):
        recipe = PseudoSpeaker(strategy, sex)
        assert not recipe.needs_source
        without, with_ = recipe(pool, draw()), recipe(pool, draw(), pool.vectors[3])
        assert np.array_equal(without.vector, with_.vector)

    @pytest.mark.parametrize(("strategy", "sex"), [("farthest", "random"), ("gmm", "same")])
    def test_what_needs_a_source_says_so(self, pool, strategy, sex):
        recipe = PseudoSpeaker(strategy, sex)
        assert recipe.needs_source
        with pytest.raises(ConfigurationError, match="give source="):
            recipe(pool, draw())

    def test_the_source_is_compared_in_the_pools_own_space(self, pool):
        """Far away in the second space is what was near in the first one."""
        turned = np.concatenate([-pool.vectors, np.zeros((200, 4), np.float32)], axis=1)
        parts = {name: getattr(pool, name) for name in
                 ("vectors", "log_f0_mean", "log_f0_std", "sex")}  # fmt: skip
        other = SpeakerPool(**parts, encoder="other", encoder_vectors=unit_rows(turned))
        recipe = PseudoSpeaker("farthest", "random", candidates=10, averaged=9, rescale=False)
        source = np.concatenate([pool.vectors[0], np.zeros(4)])
        near = [recipe(other, draw(k), source).vector @ pool.vectors[0] for k in range(5)]
        far = [recipe(pool, draw(k), pool.vectors[0]).vector @ pool.vectors[0] for k in range(5)]
        assert np.mean(near) > np.mean(far) + 0.1


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"strategy": "nearest"}, "strategy takes farthest, random, sparse, gmm"),
            ({"sex": "F"}, "sex takes same, opposite, random, neutral; got 'F'"),
            ({"candidates": 1}, "candidates takes a whole number of at least 2"),
            ({"averaged": 0}, "averaged takes a whole number of at least 1"),
            ({"averaged": 2.5}, "averaged takes a whole number"),
            ({"averaged": True}, "averaged takes a whole number"),
            ({"averaged": 50}, "averaged takes fewer than candidates"),
            ({"rescale": 1}, "rescale takes True or False"),
        ],
    )
    def test_what_cannot_be_is_refused(self, options, words):
        with pytest.raises(ConfigurationError, match=words):
            PseudoSpeaker(**options)

    def test_a_pool_that_is_too_small_for_the_average(self, pool):
        rows = np.concatenate([pool.of_sex("F")[:8], pool.of_sex("M")[:8]])
        parts = ("vectors", "log_f0_mean", "log_f0_std", "sex")
        small = SpeakerPool(**{name: getattr(pool, name)[rows] for name in parts})
        with pytest.raises(ConfigurationError, match=r"has 8: set averaged= lower"):
            PseudoSpeaker("random")(small, draw())
        assert PseudoSpeaker("random", averaged=7)(small, draw()).vector.shape == (256,)
