"""A pool that is drawn: nobody's voice, but spread like those that it was fitted to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.models.dvector import unit
from voxguard.models.pool import nearest_other
from voxguard.models.pool_fit import fit_pool, nobodys
from voxguard.models.real_voices import RealVoices


def speakers(sex, seed=0, extra=0):
    """Made-up speakers: rectified Gaussians, whose pitch goes with what they have in common."""
    rng = np.random.default_rng(seed)
    sexes = np.array(list(sex))
    axes = rng.normal(size=(8, 256 + extra))
    common = rng.normal(size=(len(sexes), 8))
    common[:, 0] += np.where(sexes == "F", 1.0, -1.0)
    hidden = common @ axes + 2.0 * rng.normal(size=(len(sexes), 256 + extra))
    pitch = np.where(sexes == "F", 5.25, 4.75) + 0.15 * common[:, 1]
    return RealVoices(
        unit(np.maximum(hidden[:, :256], 0.0)),
        pitch,
        np.exp(rng.normal(-1.6, 0.2, len(sexes))),
        sexes,
        *(("other", unit(hidden[:, 256:])) if extra else ()),
    )


@pytest.fixture(scope="module")
def real():
    return speakers("FM" * 60)


@pytest.fixture(scope="module")
def pool(real):
    return fit_pool(real, 80, np.random.default_rng(0))


class TestNobodys:
    def test_against_every_pair(self):
        rng = np.random.default_rng(0)
        people = unit(np.maximum(rng.normal(size=(40, 12)), 0.0))
        voices = unit(np.maximum(rng.normal(size=(300, 12)), 0.0))
        nearest = [max(a @ b for j, b in enumerate(people) if j != i) for i, a in enumerate(people)]
        bound = np.percentile(nearest, 10)
        expected = [
            all(
                voice @ person <= near and voice @ person <= bound
                for person, near in zip(people, nearest, strict=True)
            )
            for voice in voices
        ]
        assert 0 < sum(expected) < 300
        assert nobodys(voices, people).tolist() == expected

    def test_a_speaker_is_somebody(self, real):
        assert not nobodys(real.vectors, real.vectors).any()


class TestPool:
    def test_every_voice_is_nobodys(self, pool, real):
        assert nobodys(pool.vectors.astype(np.float64) * (1 - 1e-6), real.vectors).all()

    def test_for_every_speaker_another_speaker_is_nearer_than_any_voice(self, pool, real):
        nearest_voice = (real.vectors @ pool.vectors.T).max(axis=1)
        assert (nearest_voice <= nearest_other(real.vectors) + 1e-6).all()

    def test_voices_are_spread_as_speakers_are(self, pool, real):
        for sex in "FM":
            pairs = [
                (rows @ rows.T)[np.triu_indices(len(rows), 1)].mean()
                for rows in (pool.vectors[pool.sex == sex], real.vectors[real.sex == sex])
            ]
            assert abs(pairs[0] - pairs[1]) < 0.03

    def test_each_sex_has_half(self, pool, real):
        assert [int((pool.sex == sex).sum()) for sex in "FM"] == [40, 40]
        odd = fit_pool(real, 81, np.random.default_rng(0))
        assert [int((odd.sex == sex).sum()) for sex in "FM"] == [41, 40]

    def test_voices_have_the_sex_that_they_are_said_to_have(self, pool):
        assert np.mean([pool.sex_of(v) == s for v, s in zip(pool.vectors, pool.sex)]) > 0.95  # noqa: B905

    def test_pitch_is_within_that_of_the_sex_and_goes_with_the_voice(self, pool, real):
        for sex in "FM":
            own, theirs = pool.sex == sex, real.sex == sex
            low, high = np.percentile(real.log_f0_mean[theirs], [5, 95])
            assert (pool.log_f0_mean[own] >= low - 1e-5).all()
            assert (pool.log_f0_mean[own] <= high + 1e-5).all()
            direction = np.linalg.lstsq(
                real.vectors[theirs] - real.vectors[theirs].mean(0),
                real.log_f0_mean[theirs] - real.log_f0_mean[theirs].mean(),
                rcond=0.1,
            )[0]
            told = pool.vectors[own] @ direction
            assert np.corrcoef(told, pool.log_f0_mean[own])[0, 1] > 0.3

    def test_the_figures_are_those_of_the_pool(self, pool, real):
        cosines = pool.about["cosines"]
        nearest = (pool.vectors @ real.vectors.T).max(axis=1)
        assert cosines["dvector: voice to nearest speaker"] == {
            "median": round(float(np.median(nearest)), 3),
            "largest": round(float(nearest.max()), 3),
        }
        assert cosines["dvector: speaker to nearest speaker"]["median"] == pytest.approx(
            np.median(nearest_other(real.vectors)), abs=1e-3
        )
        assert pool.about["speakers"] == 120

    def test_the_same_generator_gives_the_same_pool(self, pool, real):
        again = fit_pool(real, 80, np.random.default_rng(0))
        other = fit_pool(real, 80, np.random.default_rng(1))
        assert np.array_equal(again.vectors, pool.vectors)
        assert not np.array_equal(other.vectors, pool.vectors)

    def test_one_sex_alone(self):
        pool = fit_pool(speakers("F" * 30), 9, np.random.default_rng(0))
        assert pool.sex.tolist() == ["F"] * 9

    def test_a_second_space_is_drawn_along_and_nobodys_too(self):
        real = speakers("FM" * 40, extra=64)
        pool = fit_pool(real, 20, np.random.default_rng(0))
        assert pool.encoder == "other"
        assert pool.encoder_vectors.shape == (20, 64)
        assert pool.encoder_vectors.min() < 0.0
        assert nobodys(pool.encoder_vectors * (1 - 1e-6), real.encoder_vectors).all()
        assert nobodys(pool.vectors * (1 - 1e-6), real.vectors).all()
        assert "other: voice to nearest speaker" in pool.about["cosines"]


class TestRefusals:
    def test_too_few_speakers_of_a_sex(self):
        with pytest.raises(ConfigurationError, match=r"got 19 speakers of sex M.*at least 20"):
            fit_pool(speakers("F" * 40 + "M" * 19), 10, np.random.default_rng(0))

    @pytest.mark.parametrize("voices", [0, -4, 3])
    def test_too_few_voices(self, real, voices):
        with pytest.raises(ConfigurationError, match="2 voices a sex"):
            fit_pool(real, voices, np.random.default_rng(0))

    def test_no_speakers(self, real):
        names = ("vectors", "log_f0_mean", "log_f0_std", "sex")
        nobody = replace(real, **{name: getattr(real, name)[:0] for name in names})
        with pytest.raises(ConfigurationError, match="takes speakers"):
            fit_pool(nobody, 10, np.random.default_rng(0))

    def test_one_person_under_many_names(self):
        real = speakers("F" * 30)
        real = replace(real, vectors=np.repeat(real.vectors[:1], 30, axis=0))
        with pytest.raises(ConfigurationError, match=r"cosine of 1.00.*different people"):
            fit_pool(real, 10, np.random.default_rng(0))

    def test_more_voices_than_can_be_told_apart(self):
        rng = np.random.default_rng(0)
        real = speakers("F" * 30)
        flat = np.maximum(rng.normal(size=(30, 256)) * (np.arange(256) < 7), 0.0) + 1e-3
        with pytest.raises(ConfigurationError, match=r"only .* of 200 voices of sex F"):
            fit_pool(replace(real, vectors=unit(flat)), 200, rng)


@pytest.fixture(scope="module")
def some(shared_data):
    pytest.importorskip("torch")
    import csv

    from voxguard.audio import read, resample
    from voxguard.models.real_voices import Survey

    with (shared_data / "speech" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "pool"]
    survey = Survey()
    for row in rows[::12]:
        samples, rate = read(shared_data / "speech" / row["path"])
        survey.add(row["speaker"], resample(samples, rate, 16_000).mean(axis=0), row["sex"])
    return survey.voices()


class TestRealSpeech:
    """The pool that is shipped, against some of those whom it was fitted to."""

    def test_no_voice_is_near_a_speaker(self, some):
        from voxguard.models.pool import SpeakerPool

        pool = SpeakerPool.shipped()
        figures = pool.about["cosines"]["dvector: voice to nearest speaker"]
        nearest = (some.vectors @ pool.vectors.T).max(axis=1)
        assert 0.6 < nearest.max() <= figures["largest"] + 1e-3

    def test_the_sex_of_speakers_is_told(self, some):
        from voxguard.models.pool import SpeakerPool

        pool = SpeakerPool.shipped()
        right = [pool.sex_of(v) == s for v, s in zip(some.vectors, some.sex, strict=True)]
        assert np.mean(right) > 0.93

    def test_no_pool_speaker_is_one_of_the_evaluation(self, shared_data):
        import csv

        with (shared_data / "speech" / "manifest.csv").open() as file:
            rows = list(csv.DictReader(file))
        who = {split: {r["speaker"] for r in rows if r["split"] == split} for split in
               ("pool", "eval")}  # fmt: skip
        assert len(who["pool"]) == 235
        assert not who["pool"] & who["eval"]
