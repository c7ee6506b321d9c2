"""The template around draw and render, with toy anonymizers on both sides of what is allowed."""

from __future__ import annotations

import re
import traceback
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

from voxguard.anonymizers.base import Anonymizer, PseudoVoice, create, option_defaults
from voxguard.errors import (
    ConfigurationError,
    NonFiniteAudioError,
    UnsupportedAudioError,
    VoxguardError,
)

RATE = 16_000


@dataclass(frozen=True, repr=False)
class Factor(PseudoVoice):
    factor: float


class Scale(Anonymizer):
    """Well-behaved: multiplies by a factor that is drawn."""

    name = "scale"

    def __init__(self, *, low: float = -0.9, high: float = -0.1, **randomness) -> None:
        super().__init__(**randomness)
        self.low, self.high = low, high

    def draw(self, rng):
        return Factor(rng.uniform(self.low, self.high))

    def render(self, samples, sample_rate, voice):
        self.seen = samples, sample_rate, voice
        return np.float32(voice.factor) * samples


def rendering(function, **attributes):
    """A Scale whose rendering is `function(samples)`."""

    def render(self, samples, sample_rate, voice):
        self.seen = samples, sample_rate, voice
        return function(samples)

    return type("Toy", (Scale,), {"render": render, "name": "toy", **attributes})()


def test_what_render_gets(stereo):
    toy = Scale()
    toy(np.asfortranarray(stereo.astype(np.float64)), np.int64(RATE))
    samples, rate, voice = toy.seen
    assert samples.shape == stereo.shape
    assert samples.dtype == np.float32
    assert samples.flags.c_contiguous
    assert type(rate) is int
    assert isinstance(voice, Factor)
    toy(stereo[0], RATE)
    assert toy.seen[0].shape == (1, stereo.shape[1])


WRONG_RESULTS = {
    "too short": lambda x: -x[:, :-1],
    "too long": lambda x: np.pad(-x, ((0, 0), (0, 1))),
    "flat": lambda x: -x[0],
    "transposed": lambda x: -x.T,
    "a channel more": lambda x: -np.vstack([x, x]),
    "a number": lambda x: 0.0,
    "nothing": lambda x: np.zeros((1, 0)),
}


@pytest.mark.parametrize("result", WRONG_RESULTS.values(), ids=WRONG_RESULTS.keys())
@pytest.mark.parametrize("native", [None, 8_000])
def test_a_result_of_the_wrong_shape_is_withheld(voice, result, native):
    with pytest.raises(VoxguardError, match="shape"):
        rendering(result, native_sample_rate=native)(voice, RATE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_result_that_is_no_number_is_withheld(voice, bad):
    def render(samples):
        result = -samples
        result[0, 7] = bad
        return result

    with pytest.raises(NonFiniteAudioError, match="index 7"):
        rendering(render)(voice, RATE)


@pytest.mark.parametrize(
    "nothing", [lambda x: x, lambda x: x.copy(), lambda x: x * 1.0, lambda x: x.astype(np.float64)]
)
def test_the_input_is_withheld(voice, stereo, nothing):
    for samples in (voice, stereo, (voice * 32767).astype(np.int16)):
        with pytest.raises(VoxguardError, match="changed nothing"):
            rendering(nothing)(samples, RATE)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_a_copy_at_another_rate_is_withheld(make_voice, rate):
    copy = rendering(lambda x: x.copy(), native_sample_rate=RATE)
    with pytest.raises(VoxguardError, match="changed nothing"):
        copy(make_voice(rate), rate)


def test_one_raw_channel_among_others_is_withheld(stereo):
    with pytest.raises(VoxguardError, match="changed nothing"):
        rendering(lambda x: x * np.array([[-1], [1]], np.float32))(stereo, RATE)


def test_silence_may_stay_as_it_is(stereo):
    assert not rendering(lambda x: x)(np.zeros(90, np.float32), RATE).any()
    half = stereo * np.array([[1], [0]], np.float32)
    assert not rendering(lambda x: -x)(half, RATE)[1].any()


def test_what_render_raises_is_told_by_its_type_alone(voice):
    def fail(samples):
        raise ValueError(f"secret {samples[0, 0]}")

    with pytest.raises(VoxguardError, match="ValueError") as raised:
        rendering(fail)(voice, RATE)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("change", [lambda x: x + 1j, lambda x: (x * 1000).astype(np.int16)])
def test_other_numbers_than_floats_are_refused(voice, change):
    with pytest.raises(VoxguardError, match="gave"):
        rendering(change)(voice, RATE)


def test_a_voice_that_would_show_its_draw_is_refused():
    @dataclass(frozen=True)
    class Chatty(PseudoVoice):
        coefficient: float

    class Talks(Anonymizer):
        name = "talks"

        def draw(self, rng):
            return Chatty(0.5)

        def render(self, samples, sample_rate, voice):
            return -samples

    with pytest.raises(ConfigurationError, match="repr=False"):
        Talks().draw_voice()


def test_rendering_in_place_spares_the_caller(voice):
    def in_place(samples):
        samples *= 0.5
        return samples

    samples = voice.copy()
    with suppress(VoxguardError):  # told that nothing changed, which errs on the safe side
        rendering(in_place)(samples, RATE)
    assert np.array_equal(samples, voice)


class TestNativeRate:
    @pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
    def test_it_renders_there_and_comes_back(self, make_voice, rate):
        toy = rendering(lambda x: -x, native_sample_rate=RATE)
        samples = make_voice(rate, seconds=0.531)
        out = toy(samples, rate)
        seen, seen_rate, _ = toy.seen
        assert seen_rate == RATE
        assert abs(seen.shape[1] - samples.size * RATE / rate) <= 1
        assert out.shape == samples.shape
        band = np.abs(np.fft.rfft(out + samples))[: int(0.531 * 3000)]  # below 3 kHz, all came back
        assert band.max() < 0.02 * np.abs(np.fft.rfft(samples)).max()

    @pytest.mark.parametrize("size", [1, 2, 5, 13])
    def test_a_few_samples(self, size):
        for rate in (44_100, 8_000):
            toy = rendering(lambda x: -x, native_sample_rate=RATE)
            assert toy(np.full(size, 0.5, np.float32), rate).shape == (size,)

    def test_working_rate_can_depend_on_the_rate(self, make_voice):
        toy = rendering(lambda x: -x, working_rate=lambda self, rate: min(rate, RATE))
        toy(make_voice(48_000), 48_000)
        assert toy.seen[1] == RATE
        toy(make_voice(8_000), 8_000)
        assert toy.seen[1] == 8_000


class TestDraws:
    def test_one_draw_can_be_reused(self, voice):
        toy = Scale(seed=1)
        drawn = toy.draw_voice()
        assert np.array_equal(toy.render(voice[None], RATE, drawn)[0], Scale(seed=1)(voice, RATE))

    def test_refused_audio_uses_up_no_draw(self, voice):
        toy = Scale(seed=1)
        for samples, rate in (([0.0], RATE), (voice, 0)):
            with pytest.raises(UnsupportedAudioError):
                toy(samples, rate)
        assert np.array_equal(toy(voice, RATE), Scale(seed=1)(voice, RATE))

    def test_methods_draw_apart_under_one_key(self):
        other = type("Other", (Scale,), {"name": "other"})
        key = bytes(32)
        drawn = [cls(key=key).draw_voice(speaker="anna").factor for cls in (Scale, other)]
        assert drawn[0] != drawn[1]


class TestShown:
    def test_repr(self):
        assert (
            repr(Scale(low=-2)) == "Scale(low=-2, high=-0.1, Pseudonyms(secret, scope=automatic))"
        )
        assert "seed=3, weakens privacy" in repr(Scale(seed=3))
        assert Scale(low=-2).options == {"low": -2, "high": -0.1}
        assert option_defaults(Scale) == {"low": -0.9, "high": -0.1}

    def test_a_voice_hides_itself_also_in_containers(self):
        drawn = Scale(seed=3).draw_voice()
        for text in (repr(drawn), str(drawn), f"{drawn}", repr([drawn]), repr({"v": drawn})):
            assert not re.search(r"\d", text)

    def test_a_voice_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            Scale().draw_voice().factor = 1.0


class TestStreams:
    def test_what_does_not_stream_says_so(self):
        with pytest.raises(ConfigurationError, match="scale cannot"):
            Scale().stream(RATE)

    @staticmethod
    def live(render):
        class Live(Scale):
            native_sample_rate = RATE
            streamable = True
            latency_samples = 0

            def open_stream(self, sample_rate, channels, voice, max_latency_ms):
                assert sample_rate == RATE
                return self

            def push(self, samples):
                return render(samples)

            def flush(self):
                return np.zeros((1, 0), np.float32)

        return Live()

    def test_a_native_rate_is_converted_to(self, make_voice):
        voice = make_voice(48_000, seconds=0.5)
        session = self.live(lambda x: -x).stream(48_000)
        assert 3 < session.latency_ms < 4
        out = np.concatenate([session.push(part) for part in np.split(voice, 50)])
        assert 1000 * (len(voice) - len(out)) / 48_000 <= session.latency_ms
        out = np.concatenate([out, session.flush()])
        assert out.shape == voice.shape
        assert np.corrcoef(out, voice)[0, 1] < -0.98

    def test_a_copy_is_seen_at_the_native_rate(self, make_voice):
        session = self.live(lambda x: x).stream(48_000, on_failure="raise")
        with pytest.raises(VoxguardError, match="changed nothing"):
            session.push(make_voice(48_000))

    def test_an_impossible_rate(self):
        with pytest.raises(UnsupportedAudioError):
            self.live(lambda x: -x).stream(0)


def test_the_base_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Anonymizer()


@pytest.mark.parametrize("options", [{"seed": "x"}, {"seed": -1}, {"key": b""}, {"scope": 3}])
def test_create_checks_values(options):
    with pytest.raises(ConfigurationError):
        create("mcadams", **options)
