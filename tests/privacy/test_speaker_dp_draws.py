"""The chance in speaker-level DP: who is drawn, what of them, and the noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from voxguard.privacy.sampling import (
    new_key,
    poisson_cohort,
    run_name,
    stream,
    torch_seed,
    utterance_sample,
)

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from tiny_speakers import collate, flat, people, trainer  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.privacy.noise import add_gaussian  # noqa: E402

KEY = new_key(1)


def test_cohort_sizes_are_binomial():
    names = [f"s{i}" for i in range(50)]
    steps, rate = 4000, 0.3
    cohorts = [poisson_cohort(names, rate, stream(KEY, step, "cohort")) for step in range(steps)]
    sizes = [len(cohort) for cohort in cohorts]
    mean, variance = 50 * rate, 50 * rate * (1 - rate)
    assert np.mean(sizes) == pytest.approx(mean, abs=4 * math.sqrt(variance / steps))
    assert np.var(sizes) == pytest.approx(variance, rel=4 * math.sqrt(2 / steps))
    present = np.array([[name in set(cohort) for name in names] for cohort in cohorts])
    four_deviations = 4 * math.sqrt(rate * (1 - rate) / steps)
    assert np.all(np.abs(present.mean(0) - rate) < four_deviations * 1.2)
    together = np.corrcoef(present.T)[np.triu_indices(50, 1)]
    assert np.std(together) == pytest.approx(1 / math.sqrt(steps), rel=0.1)


def test_the_trainer_draws_its_cohorts_so():
    training = trainer(people(20), sampling_rate=0.25, clipping_norm=1e-3, utterances=1)
    sizes = [report["cohort"] for report in training.fit(150)]
    assert np.mean(sizes) == pytest.approx(5.0, abs=4 * math.sqrt(3.75 / 150))
    assert 2.0 < np.var(sizes) < 6.0


def test_the_noise_has_the_standard_deviation_that_is_accounted_for():
    model = nn.Linear(1000, 200)  # 200,200 coordinates
    released = []
    training = trainer(
        {"a": [torch.zeros(1000)], "b": [torch.zeros(1000)]}, model, collate=torch.stack,
        loss=lambda model, batch: model(batch).square().mean() * 0.0, sampling_rate=1.0,
        noise_multiplier=1.7, clipping_norm=0.3,
        on_release=lambda step, update: released.append(flat(update).numpy()),
    )  # fmt: skip
    training.fit(2)
    first, second = (update * training.denominator for update in released)
    for noise in (first, second):
        assert noise.std() == pytest.approx(1.7 * 0.3, rel=4 / math.sqrt(2 * noise.size))
        assert abs(noise.mean()) < 4 * 0.51 / math.sqrt(noise.size)
        assert stats.kstest(noise / 0.51, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / math.sqrt(first.size)
    assert abs(np.corrcoef(first[:100_000], first[100_000:200_000])[0, 1]) < 4 / math.sqrt(1e5)


def test_no_noise_is_none():
    total = torch.ones(3, dtype=torch.float64)
    add_gaussian(total, 0.0, KEY, 0)
    assert total.tolist() == [1.0] * 3


def test_the_noise_belongs_to_the_step_and_the_key():
    def noise(key, step):
        total = torch.zeros(5, dtype=torch.float64)
        add_gaussian(total, 1.0, key, step)
        return tuple(total.tolist())

    assert noise(KEY, 3) == noise(KEY, 3)
    assert len({noise(KEY, 3), noise(KEY, 4), noise(new_key(2), 3), noise(new_key(None), 3)}) == 4


def test_purposes_do_not_run_into_each_other():
    purposes = [(1, "a"), (1, "b"), (11, "a"), ("1", "a"), (1, "a", ""), (1, "a", "b"), (1, "ab")]
    assert len({stream(KEY, *purpose).random() for purpose in purposes}) == len(purposes)
    assert len({torch_seed(KEY, *purpose) for purpose in purposes}) == len(purposes)
    assert all(0 <= torch_seed(KEY, step) < 2**63 for step in range(100))


def test_seeds_above_32_bits_tell():
    # torch's own CPU generator does not tell them apart.
    assert new_key(5) != new_key(5 + 2**32)
    assert stream(new_key(5), 0).random() != stream(new_key(5 + 2**32), 0).random()


def test_a_run_is_named_after_all_that_decides_it():
    names = {run_name(KEY, b"a", b"b"), run_name(KEY, b"ab"), run_name(new_key(2), b"a", b"b")}
    assert len(names) == 3
    assert run_name(KEY, b"a", b"b") in names


@pytest.mark.parametrize(("said", "count"), [(6, 4), (4, 4), (3, 4), (1, 5), (3, 9)])
def test_utterances_are_as_many_as_asked_and_repeat_last(said, count):
    for step in range(20):
        drawn = utterance_sample(range(said), count, stream(KEY, step, "speaker", "a"))
        assert len(drawn) == count
        times = np.bincount(drawn, minlength=said)
        assert times.max() - times.min() <= 1


def test_every_utterance_comes_equally_often():
    drawn = [utterance_sample(range(5), 2, stream(KEY, step, "speaker", "a"))
             for step in range(2000)]  # fmt: skip
    assert stats.chisquare(np.bincount(np.ravel(drawn))).pvalue > 1e-4


def test_collate_gets_a_fixed_number_of_one_speaker():
    speakers = people(6, utterances=7) | {"short": people(1, utterances=1)["s00"]}
    owner = {id(said): name for name, all_of_it in speakers.items() for said in all_of_it}
    got = []

    def watched(said):
        got.append([owner[id(one)] for one in said])
        return collate(said)

    trainer(speakers, collate=watched, sampling_rate=1.0, utterances=3).step()
    assert sorted(got) == sorted([name] * 3 for name in speakers)


def test_what_a_speaker_says_in_a_step_does_not_depend_on_who_else_is_there():
    def contribution(who):
        training = trainer(who, network_with_dropout(), sampling_rate=1.0)
        return flat(training.contribution("s04"))

    speakers = people(6)
    fewer = {name: speakers[name] for name in ("s04", "s05")}
    assert torch.equal(contribution(speakers), contribution(fewer))


def network_with_dropout():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(30, 5))
