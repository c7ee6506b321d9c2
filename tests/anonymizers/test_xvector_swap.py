"""The swap of the speaker vector, on a small converter with weights that nobody trained."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tiny_converter

import voxguard
from voxguard.anonymizers import xvector_swap
from voxguard.anonymizers.xvector_swap import SwapVoice, XVectorSwap
from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.models.converter import Converter
from voxguard.models.pool import SpeakerPool, nearest_other
from voxguard.models.pseudo_speaker import PseudoSpeaker
from voxguard.models.shipped import save
from voxguard.models.speaker_space import SpeakerSpace

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

RATE = 16_000
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from voxguard.models.network import Network, NetworkShape

    shape = NetworkShape(
        width=16, content=8, codebooks=(8, 4, 4, 4), encoder=(1, 2), decoder=(1, 2)
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = Network(shape).state_dict()
    path = tmp_path_factory.mktemp("weights") / "converter.safetensors"
    arrays = {name: value.numpy() for name, value in state.items()}
    save(path, arrays, {"shape": shape.as_dict(), "population": tiny_converter.POPULATION})
    return str(path)


@pytest.fixture
def make(weights):
    return lambda **options: XVectorSwap(**{"checkpoint": weights, **options})


@pytest.fixture(scope="module")
def space():
    return SpeakerSpace()


@pytest.fixture(scope="module")
def anna(make_voice):
    return make_voice(seconds=2.0, speaker=4)


def seeds(count):
    return tuple(np.random.default_rng(k).bytes(16) for k in range(count))


class TestRendering:
    def test_it_speaks_in_the_pseudo_speaker_of_the_draw(self, make, weights, space, anna):
        """The parts, put together by hand."""
        seed = seeds(1)[0]
        made = make(strategy="gmm", levels=2).render(anna[None], RATE, SwapVoice((seed,)))
        recipe = PseudoSpeaker("gmm")
        words = np.frombuffer(seed, np.uint32).tolist()
        first, second = (
            np.random.default_rng(np.random.SeedSequence([*words, purpose])) for purpose in (0, 1)
        )
        target = recipe(SpeakerPool.shipped(), first, space.embed(anna))
        converter = Converter.from_pretrained(weights)
        expected = converter.convert(anna, target, rng=second, levels=2)
        heard = made[0] / np.abs(made).max()
        assert np.corrcoef(heard, expected)[0, 1] > 0.9  # the level follows the source's

    def test_other_draws_are_other_voices(self, make, anna):
        swap = make(attempts=1, strategy="random")
        first, second = (swap.render(anna[None], RATE, SwapVoice((s,))) for s in seeds(2))
        assert not np.allclose(first, second, atol=1e-3)

    def test_it_is_pure(self, make, anna):
        swap, voice = make(), SwapVoice(seeds(2))
        before = anna.copy()
        first = swap.render(anna[None], RATE, voice)
        assert np.array_equal(first, swap.render(anna[None], RATE, voice))
        assert np.array_equal(anna, before)

    def test_levels_change_what_is_said(self, make, anna):
        voice = SwapVoice(seeds(1))
        whole, narrow = (make(levels=n).render(anna[None], RATE, voice) for n in (None, 1))
        assert not np.allclose(whole, narrow, atol=1e-3)

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
    def test_shape_and_rate_stay(self, make, make_voice, rate):
        voice = make_voice(rate, seconds=0.7)
        made = make(attempts=1)(voice, rate)
        assert made.shape == voice.shape
        assert made.dtype == np.float32
        assert np.abs(made).max() > 0.01

    def test_silence_stays_silence(self, make):
        for level in (0.0, 1e-40):
            silence = np.full((2, 8_000), level, np.float32)
            assert not make()(silence, RATE).any()

    def test_pauses_stay_silent(self, make, anna):
        with_pause = np.concatenate([anna, np.zeros(RATE, np.float32), anna])
        made = make(attempts=1)(with_pause, RATE)
        assert np.abs(made[len(anna) + 2000 : len(anna) + RATE - 2000]).max() < 1e-6

    @pytest.mark.parametrize("size", [1, 7, 160, 399, 1000])
    def test_short_recordings(self, make, anna, size):
        part = anna[4000 : 4000 + size]
        made = make(attempts=2)(part, RATE)
        assert made.shape == part.shape
        assert np.isfinite(made).all()

    def test_noise_is_not_passed_through(self, make):
        noise = np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)
        made = make(attempts=1)(noise, RATE)
        assert abs(np.corrcoef(noise, made)[0, 1]) < 0.2


class TestChannels:
    def test_speakers_of_their_own_are_spoken_apart(self, make, make_voice):
        both = np.stack([make_voice(seconds=2.0, speaker=s, seed=s) for s in (1, 4)])
        swap, voice = make(), SwapVoice(seeds(3))
        made = swap.render(both, RATE, voice)
        for k in (0, 1):
            assert np.array_equal(made[k : k + 1], swap.render(both[k : k + 1], RATE, voice))

    def test_one_speaker_is_spoken_in_one_voice(self, make, anna):
        """Alone, the second channel would get another one: its nearest voices differ."""
        noise = np.random.default_rng(0).normal(0.0, 2e-3, anna.size).astype(np.float32)
        both = np.stack([anna, 0.7 * anna + noise])
        swap, voice = make(attempts=1, rescale=False, averaged=1), SwapVoice(seeds(1))
        models = swap._models()
        source = models.space.embed(anna)
        target = swap._recipe(models.pool, xvector_swap._generator(voice.seeds[0], 0), source)
        assert source @ models.space.embed(both[1]) > 0.9
        choice = xvector_swap._Choice(source, target, voice.seeds[0], anna[:0])
        expected = [swap._speak(models, channel, choice) for channel in both]
        assert np.array_equal(swap.render(both, RATE, voice), expected)

    def test_channels_that_cancel_out_are_heard(self, make, anna):
        opposite = np.stack([anna, -anna])
        made = make(attempts=1)(opposite, RATE)
        assert np.abs(made).max(axis=1).min() > 0.01

    def test_a_silent_channel_stays_silent(self, make, anna):
        made = make(attempts=1)(np.stack([anna, 0 * anna]), RATE)
        assert np.abs(made[0]).max() > 0.01
        assert not made[1].any()


class TestLongRecordings:
    @pytest.fixture
    def longer(self, anna):
        quiet = np.tile(0.2 * anna, 18)  # 36 s
        quiet[9 * RATE : 29 * RATE] *= 5.0
        return quiet

    def test_what_is_judged_is_the_loudest_stretch(self, longer):
        where = xvector_swap._loudest(longer, 20)
        assert (where.start, where.stop) == (9 * RATE, 29 * RATE)
        short = longer[: 20 * RATE]
        assert xvector_swap._loudest(short, 20) == slice(0, 20 * RATE)

    @pytest.mark.parametrize("whole_s", [24.0, 120.0])
    def test_long_ones_are_spoken_in_one_voice(self, make, longer, space, monkeypatch, whole_s):
        monkeypatch.setattr(xvector_swap, "WHOLE_S", whole_s)
        made = make(strategy="gmm", attempts=1)(longer, RATE)
        assert made.shape == longer.shape
        first, last = (space.embed(part) for part in (made[: 9 * RATE], made[29 * RATE :]))
        assert first @ last > 0.9
        level = np.sqrt(np.square(made.reshape(-1, RATE)).mean(axis=1))
        assert level.min() > 0.002  # nothing is lost


class TestDrift:
    """Which pseudo-speaker is given out, against trying each of them alone."""

    def alone(self, swap, samples, voice, space):
        source = space.embed(samples)
        tried = []
        for seed in voice.seeds:
            made = swap.render(samples[None], RATE, SwapVoice((seed,)))
            target = swap._recipe(SpeakerPool.shipped(), xvector_swap._generator(seed, 0), source)
            vector = space.embed(made[0])
            tried.append((made, float(vector @ source), float(vector @ target.vector)))
        return tried

    def test_the_one_farthest_from_the_source_where_all_have_drifted(self, make, space, anna):
        swap, voice = make(max_similarity=-1.0), SwapVoice(seeds(4))
        tried = self.alone(swap, anna, voice, space)
        likeness = [each[1] for each in tried]
        assert len(set(likeness)) == 4
        expected = tried[int(np.argmin(likeness))][0]
        assert np.array_equal(swap.render(anna[None], RATE, voice), expected)

    @pytest.mark.parametrize("between", [0, 1, 2])
    def test_the_first_that_has_not_drifted(self, make, space, anna, between):
        voice = SwapVoice(seeds(4))
        tried = self.alone(make(), anna, voice, space)
        bound = float(np.sort([each[1] for each in tried])[between : between + 2].mean())
        good = [k for k, (_, near, wanted) in enumerate(tried) if near <= min(bound, wanted)]
        chosen = good[0] if good else int(np.argmin([each[1] for each in tried]))
        made = make(max_similarity=bound).render(anna[None], RATE, voice)
        assert np.array_equal(made, tried[chosen][0])

    def test_by_default_the_bound_is_the_pools(self, make):
        expected = np.median(nearest_other(SpeakerPool.shipped().vectors))
        assert make()._models().bound == pytest.approx(expected)

    def test_the_draw_has_as_many_pseudo_speakers_as_attempts(self, make):
        drawn = make(attempts=7, seed=1).draw_voice()
        assert len(set(drawn.seeds)) == 7


class TestPseudonyms:
    def test_under_a_key_a_speaker_gets_alike_voices(self, make, make_voice, space):
        said = [make_voice(seconds=2.0, speaker=4, seed=seed) for seed in range(3)]
        swap, pool = make(key=KEY), SpeakerPool.shipped()

        def target(samples, speaker):
            seed = swap.draw_voice(speaker=speaker).seeds[0]
            rng = xvector_swap._generator(seed, 0)
            return swap._recipe(pool, rng, space.embed(samples)).vector

        own = [target(samples, "anna") for samples in said]
        others = [target(said[0], who) for who in ("bert", "carl", "dora")]
        alike = min(own[0] @ own[1], own[0] @ own[2])
        assert alike > 0.8 > max(own[0] @ other for other in others)
        assert make(key=KEY).draw_voice(speaker="anna") == swap.draw_voice(speaker="anna")

    def test_two_keys_are_two_voices(self, make, anna):
        first, second = (
            make(key=bytes([k] * 32), attempts=1)(anna, RATE, speaker="anna") for k in (1, 2)
        )
        assert not np.allclose(first, second, atol=1e-3)

    def test_it_is_pickled_without_weights(self, make, anna):
        swap = make(seed=3, attempts=1)
        expected = swap(anna, RATE, speaker="anna")
        packed = pickle.dumps(swap)
        assert len(packed) < 10_000
        again = pickle.loads(packed)  # noqa: S301
        assert np.array_equal(again(anna, RATE, speaker="anna"), expected)


class TestOptions:
    def test_it_is_registered(self, weights):
        swap = voxguard.create("xvector_swap", checkpoint=weights, sex="neutral", levels=3)
        assert isinstance(swap, XVectorSwap)
        assert (swap.sex, swap.levels, swap.streamable) == ("neutral", 3, False)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"strategy": "near"}, "strategy takes"),
            ({"sex": "F"}, "sex takes"),
            ({"averaged": 60}, "averaged takes fewer"),
            ({"candidates": 0}, "candidates takes"),
            ({"rescale": "yes"}, "rescale takes"),
            ({"attempts": 0}, "attempts takes 1 to 20, got 0"),
            ({"attempts": 2.0}, "attempts takes"),
            ({"attempts": True}, "attempts takes"),
            ({"max_similarity": 1.5}, "max_similarity takes -1 to 1, got 1.5"),
            ({"levels": 5}, "levels takes"),
            ({"encoder": ""}, "encoder takes"),
            ({"revision": "main", "checkpoint": None}, "revision= goes with checkpoint="),
        ],
    )
    def test_what_cannot_be_is_refused_at_once(self, make, options, words):
        with pytest.raises(ConfigurationError, match=words):
            make(**options)

    def test_a_pool_of_another_encoder(self, make, anna):
        with pytest.raises(ConfigurationError, match=r"by 'dvector', not by 'ecapa'.*--encoder"):
            make(encoder="ecapa")(anna, RATE)

    def test_a_pool_that_is_not_there(self, make, anna, tmp_path):
        with pytest.raises(ConfigurationError, match="voxguard pool build"):
            make(pool=tmp_path / "none.safetensors")(anna, RATE)

    def test_a_pool_of_ones_own(self, make, anna, tmp_path):
        pool = SpeakerPool.shipped()
        parts = ("vectors", "log_f0_mean", "log_f0_std", "sex")
        rows = pool.of_sex("F")[:12]
        women = SpeakerPool(**{name: getattr(pool, name)[rows] for name in parts})
        women.save(tmp_path / "women.safetensors")
        options = {"pool": str(tmp_path / "women.safetensors"), "averaged": 5, "attempts": 1}
        assert set(make(**options)._models().pool.sex) == {"F"}
        voice = SwapVoice(seeds(1))
        own, usual = (
            make(**each, seed=0).render(anna[None], RATE, voice) for each in (options, {})
        )
        assert not np.allclose(own, usual, atol=1e-3)
        with pytest.raises(ConfigurationError, match="no voice of sex 'M'"):
            make(**options, sex="neutral")(anna, RATE)

    @pytest.mark.parametrize("package", ["torch", "safetensors", "resemblyzer"])
    def test_the_extra_is_named(self, make, monkeypatch, package):
        real = xvector_swap.find_spec
        monkeypatch.setattr(
            xvector_swap, "find_spec", lambda name: None if name == package else real(name)
        )
        with pytest.raises(MissingExtraError, match=rf"needs {package}.*voxguard\[neural\]"):
            make()

    def test_weights_that_are_none(self, make, anna, tmp_path):
        (tmp_path / "weights.safetensors").write_bytes(b"no weights")
        with pytest.raises(ConfigurationError, match="cannot be read as safetensors"):
            make(checkpoint=str(tmp_path / "weights.safetensors"))(anna, RATE)
