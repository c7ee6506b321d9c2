"""What every anonymizer must do with a recording, whatever its method."""

from __future__ import annotations

import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest
from measures import active_rms_db, snr_db

import voxguard
from voxguard.audio import resample
from voxguard.errors import ConfigurationError, NonFiniteAudioError, UnsupportedAudioError

RATE = 16_000
RATES = [4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]
KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
SIZE = RATE // 2


def _sine(hz, amplitude=0.5, size=SIZE):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(size) / RATE)).astype(np.float32)


def _impulse(size=SIZE):
    samples = np.zeros(size, np.float32)
    samples[size // 2] = 0.9
    return samples


def _noise(level_db, size=SIZE):
    noise = np.random.default_rng(0).standard_normal(size) * 10 ** (level_db / 20)
    return noise.astype(np.float32)


SIGNALS = {
    "ten milliseconds": _noise(-26, RATE // 100),
    "one sample": np.array([0.5], np.float32),
    "seven samples": _noise(-26, 7),
    "direct current": np.full(SIZE, 0.4, np.float32),
    "full scale": np.full(SIZE, 1.0, np.float32),
    "clipped square": np.sign(_sine(110) + 1e-6).astype(np.float32),
    "full-scale noise": np.clip(_noise(-3), -1, 1),
    "sine": _sine(440),
    "sine near Nyquist": _sine(7_900),
    "beyond full scale": 3.0 * _sine(300),
    "impulse": _impulse(),
    "impulse at the start": np.roll(_impulse(), SIZE // 2),
    "faint noise": _noise(-80),
    "alternating": np.where(np.arange(SIZE) % 2, 0.5, -0.5).astype(np.float32),
    "denormal": np.full(SIZE, 1e-40, np.float32),
    "silence, then noise": np.concatenate([np.zeros(SIZE), _noise(-26)]).astype(np.float32),
}
signals = pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS.keys())


class TestSignals:
    @pytest.mark.parametrize("shape", [(SIZE,), (1, SIZE), (2, SIZE), (100,)])
    def test_silence_stays_silence(self, method, shape):
        assert np.abs(method()(np.zeros(shape, np.float32), RATE)).max() < 1e-6

    def test_a_silent_channel_stays_silent(self, method, voice):
        out = method()(np.stack([voice, np.zeros_like(voice)]), RATE)
        assert np.abs(out[1]).max() < 1e-6
        assert np.abs(out[0]).max() > 0.01

    @signals
    def test_odd_signals_give_finite_samples_of_the_same_shape(self, method, signal):
        out = method()(signal, RATE)
        assert out.shape == signal.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()

    @signals
    def test_no_burst_above_twice_the_peak(self, method, signal):
        for seed in range(3):
            out = method(seed=seed)(signal, RATE)
            peak = 1.0 if method.draws_loudness else method.headroom * np.abs(signal).max()
            assert np.abs(out).max() <= peak + 1e-6

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_samples_that_are_no_numbers_are_refused(self, method, voice, bad):
        broken = voice.copy()
        broken[1234] = bad
        with pytest.raises(NonFiniteAudioError, match="1234"):
            method()(broken, RATE)
        broken[4321] = -bad  # the two infinities together
        with pytest.raises(NonFiniteAudioError):
            method()(np.stack([voice, broken]), RATE)


def _title(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return f"{type(value).__name__} {value!r}"


class TestForms:
    @pytest.mark.parametrize("rate", RATES)
    def test_any_rate_keeps_length_and_type(self, method, make_voice, rate):
        voice = make_voice(rate, seconds=0.5)
        for samples in (voice, voice[None], np.stack([voice, voice[::-1]])):
            out = method()(samples, rate)
            assert out.shape == samples.shape
            assert out.dtype == np.float32
            assert np.isfinite(out).all()

    def test_channels_keep_apart(self, method, stereo):
        out = method(seed=1)(stereo, RATE)
        assert out.shape == stereo.shape
        for channel in (0, 1):
            alone = method(seed=1)(stereo[channel], RATE)
            if method.draws_loudness:  # one gain for both channels
                alone = alone * np.float32(alone @ out[channel] / (alone @ alone))
            assert snr_db(alone, out[channel]) > 60

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((5000, 2), np.float32),
            np.zeros((2, 2), np.float32),
            np.zeros((2, 50, 50), np.float32),
            np.zeros((), np.float32),
            np.zeros(0, np.float32),
            np.zeros((1, 0), np.float32),
            np.zeros((0, 50), np.float32),
            np.zeros(50, np.uint8),
            np.zeros(50, np.int8),
            np.zeros(50, np.int64),
            np.zeros(50, bool),
            np.zeros(50, np.complex64),
            np.array(["a", "b"]),
            np.array([None, 1.0]),
            [0.0, 0.1],
            (0.0, 0.1),
            [],
            "speech.wav",
            b"RIFF",
            None,
            0.5,
        ],
        ids=_title,
    )
    def test_wrong_layouts_and_types_are_refused(self, method, wrong):
        with pytest.raises(UnsupportedAudioError):
            method()(wrong, RATE)

    @pytest.mark.parametrize("dtype", ["float16", "float64", "int16", "int32"])
    def test_each_sample_type_comes_back_as_it_went_in(self, method, voice, dtype):
        scale = {"int16": 32768, "int32": 2147483648}.get(dtype, 1)
        samples = (voice.astype(np.float64) * scale).astype(dtype)
        out = method(seed=3)(samples, RATE)
        assert out.dtype == np.dtype(dtype)
        assert out.shape == samples.shape
        as_float = method(seed=3)(samples.astype(np.float64) / scale, RATE)
        assert snr_db(as_float, out.astype(np.float64) / scale) > 50

    def test_integers_are_clipped_and_do_not_wrap(self, method):
        loud = np.clip(_noise(3) * 32767, -32768, 32767).astype(np.int16)
        as_float = method(seed=3)(loud.astype(np.float64) / 32768, RATE)
        out = method(seed=3)(loud, RATE) / 32768
        assert np.abs(out - np.clip(as_float, -1, 1)).max() < 1e-4

    def test_numbers_too_large_for_float32_are_refused(self, method):
        with pytest.raises(NonFiniteAudioError):
            method()(np.full(SIZE, 1e300), RATE)

    def test_other_memory_layouts(self, method, voice):
        expected = method(seed=1)(voice[::2], 8_000)
        spread = np.repeat(voice[::2], 3)[::3]
        assert np.array_equal(method(seed=1)(spread, 8_000), expected)
        big_endian = voice[::2].astype(">f4")
        assert np.array_equal(method(seed=1)(big_endian, 8_000), expected)
        columns = np.asfortranarray(np.stack([voice, voice]))
        assert method(seed=1)(columns, RATE).shape == columns.shape

    def test_torch_in_torch_out(self, method, voice):
        torch = pytest.importorskip("torch")
        expected = method(seed=1)(voice, RATE)
        for dtype in (torch.float32, torch.float64):
            samples = torch.tensor(voice, dtype=dtype, requires_grad=True)
            out = method(seed=1)(samples, RATE)
            assert isinstance(out, torch.Tensor)
            assert out.dtype == dtype
            assert out.device == samples.device
            assert np.allclose(out.numpy(), expected, atol=1e-6)

    @pytest.mark.parametrize(
        "rate",
        [
            0,
            -RATE,
            3_999,
            384_001,
            16_000.5,
            float("nan"),
            float("inf"),
            "16000",
            None,
            True,
            [RATE],
        ],
        ids=repr,
    )
    def test_wrong_rates_are_refused(self, method, voice, rate):
        with pytest.raises(UnsupportedAudioError, match="rate"):
            method()(voice, rate)

    @pytest.mark.parametrize("rate", [np.int64(RATE), np.int32(RATE), float(RATE)])
    def test_any_whole_number_is_a_rate(self, method, voice, rate):
        assert np.array_equal(method(seed=1)(voice, rate), method(seed=1)(voice, RATE))


class TestRandomness:
    def test_a_seed_repeats_in_a_fresh_object(self, method, voice):
        first, second = method(seed=5), method(seed=5)
        for _ in range(2):
            assert np.array_equal(first(voice, RATE), second(voice, RATE))

    def test_calls_under_a_seed_differ(self, method, voice):
        once = method(seed=5)
        assert not np.array_equal(once(voice, RATE), once(voice, RATE))

    def test_calls_differ_audibly(self, method, voice):
        same = method()
        for makers in ([same] * 6, [method() for _ in range(6)]):
            outs = [make(voice, RATE) for make in makers]
            apart = [snr_db(a, b) for a, b in combinations(outs, 2)]
            assert max(apart) < 100, "two draws were one"
            assert np.median(apart) < 30

    def test_a_speaker_keeps_a_voice_within_an_object(self, method, voice):
        anonymizer = method()
        anna, bert, anna_again = (anonymizer(voice, RATE, speaker=s) for s in ("a", "b", "a"))
        assert np.array_equal(anna, anna_again)
        assert not np.array_equal(anna, bert)
        assert not np.array_equal(anna, method()(voice, RATE, speaker="a"))

    def test_a_key_gives_a_speaker_the_same_voice_everywhere(self, method, voice):
        anna = method(key=KEY)(voice, RATE, speaker="anna")
        assert np.array_equal(anna, method(key=KEY)(voice, RATE, speaker="anna"))
        assert not np.array_equal(anna, method(key=KEY)(voice, RATE, speaker="bert"))
        assert not np.array_equal(anna, method(key=OTHER_KEY)(voice, RATE, speaker="anna"))

    def test_voices_under_different_keys_differ_audibly(self, method, voice):
        outs = [method(key=bytes([k]) * 32)(voice, RATE, speaker="anna") for k in range(6)]
        assert np.median([snr_db(a, b) for a, b in combinations(outs, 2)]) < 30

    def test_without_a_speaker_a_key_repeats_nothing(self, method, voice):
        keyed = method(key=KEY)
        assert not np.array_equal(keyed(voice, RATE), keyed(voice, RATE))
        named = [method(key=KEY)(voice, RATE, utterance=u) for u in ("1", "1", "2")]
        assert np.array_equal(named[0], named[1])
        assert not np.array_equal(named[0], named[2])

    def test_a_session_is_taken_up_again_under_its_name(self, method, voice):
        def of(name):
            return method(key=KEY, scope="session", session=name)(voice, RATE, speaker="anna")

        assert np.array_equal(of("monday"), of("monday"))
        assert not np.array_equal(of("monday"), of("tuesday"))
        assert not np.array_equal(of(None), of(None))

    def test_four_threads_get_what_one_gets(self, method, make_voice):
        anonymizer = method(key=KEY)
        jobs = [(make_voice(speaker=s), f"speaker {s}") for s in range(4)] * 3
        expected = [method(key=KEY)(x, RATE, speaker=name) for x, name in jobs]
        with ThreadPoolExecutor(4) as pool:
            outs = list(pool.map(lambda job: anonymizer(job[0], RATE, speaker=job[1]), jobs))
        assert all(np.array_equal(a, b) for a, b in zip(outs, expected, strict=True))

    @pytest.mark.parametrize("randomness", [{}, {"key": KEY}, {"seed": 4}], ids=str)
    def test_pickling_keeps_voices_and_options(self, method, voice, randomness):
        anonymizer = method(**randomness)
        copy = pickle.loads(pickle.dumps(anonymizer))  # noqa: S301
        expected = anonymizer(voice, RATE, speaker="anna")
        assert np.array_equal(copy(voice, RATE, speaker="anna"), expected)
        assert repr(copy) == repr(anonymizer)

    def test_copies_of_an_object_without_a_seed_draw_apart(self, method, voice):
        anonymizer = method()
        copy = pickle.loads(pickle.dumps(anonymizer))  # noqa: S301
        assert not np.array_equal(copy(voice, RATE), anonymizer(voice, RATE))

    def test_nothing_shows_a_key_or_a_draw(self, method):
        anonymizer = method(key=KEY)
        drawn = anonymizer.draw_voice(speaker="anna")
        shown = repr(anonymizer) + str(anonymizer) + repr(anonymizer.pseudonyms.describe())
        for secret in (repr(KEY)[2:-1], KEY.hex(), KEY.hex()[:8], repr(list(KEY))[1:-1]):
            assert secret not in shown
        for text in (repr(drawn), str(drawn), f"{drawn}", shown):
            for field in fields(drawn):
                value = getattr(drawn, field.name)
                if not isinstance(value, tuple):  # of a chain: voices, which hide themselves
                    assert repr(value) not in text

    def test_a_seed_is_marked_as_weakening_privacy(self, method):
        assert "weakens privacy" in repr(method(seed=123))
        assert "123" in repr(method(seed=123))
        assert "weakens_privacy" in method(seed=123).pseudonyms.describe()


class TestProtection:
    @pytest.mark.parametrize("rate", RATES)
    def test_the_output_is_not_the_input(self, method, make_voice, rate):
        voice = make_voice(rate, seconds=0.5)
        for seed in range(4):
            assert snr_db(voice, method(seed=seed)(voice, rate)) < 15

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
    def test_the_input_is_not_changed_and_not_shared(self, method, voice, dtype):
        samples = (voice * (32767 if dtype is np.int16 else 1)).astype(dtype)
        before = samples.copy()
        out = method()(samples, RATE)
        assert np.array_equal(samples, before)
        assert not np.shares_memory(out, samples)
        out[:] = 0
        assert np.array_equal(samples, before)


class TestLevel:
    @pytest.mark.parametrize("rate", RATES)
    def test_speech_keeps_its_level(self, method, make_voice, rate):
        for speaker in range(4):
            voice = make_voice(rate, speaker=speaker, seed=speaker)
            out = method.keeping_loudness(seed=speaker)(voice, rate)
            change = active_rms_db(out, voice, rate) - active_rms_db(voice, voice, rate)
            assert abs(change) < method.level_db, f"speaker {speaker}"
            assert np.abs(out).max() <= method.headroom * np.abs(voice).max()

    @pytest.mark.parametrize("level_db", [-24.0, 20.0])
    def test_faint_and_loud_speech_keeps_its_level(self, method, voice, level_db):
        samples = voice * np.float32(10 ** (level_db / 20))
        out = method.keeping_loudness(seed=1)(samples, RATE)
        change = active_rms_db(out, samples, RATE) - active_rms_db(samples, samples, RATE)
        assert abs(change) < method.level_db

    @pytest.mark.parametrize(
        ("made_at", "rate"), [(8_000, 16_000), (16_000, 44_100), (16_000, 48_000)]
    )
    def test_speech_that_was_upsampled_keeps_its_level(self, method, make_voice, made_at, rate):
        for speaker in range(3):
            low = make_voice(made_at, speaker=speaker, seed=speaker)
            samples = resample(low[None], made_at, rate)[0]  # nothing in the upper half
            out = method.keeping_loudness(seed=speaker)(samples, rate)
            change = active_rms_db(out, samples, rate) - active_rms_db(samples, samples, rate)
            assert abs(change) < method.level_db, f"speaker {speaker}"

    def test_a_loud_burst_does_not_turn_the_rest_down(self, method, voice):
        burst = voice.copy()
        burst[8000:8400] = np.clip(_noise(-6, 400), -1, 1)
        rest = [slice(0, 7000), slice(9400, None)]

        def levels(samples, like, parts):
            return np.array([active_rms_db(samples[part], like[part], RATE) for part in parts])

        if method.keeps_timing:
            parts = [*rest, slice(None)]
            change = levels(method.keeping_loudness(seed=1)(burst, RATE), burst, parts) - levels(
                burst, burst, parts
            )
            assert np.abs(change).max() < method.level_db
            return
        # What is said anew is louder here and softer there, in each draw otherwise.
        changes = [
            levels(method.keeping_loudness(seed=seed)(burst, RATE), burst, rest)
            - levels(method.keeping_loudness(seed=seed)(voice, RATE), voice, rest)
            for seed in range(12)
        ]
        assert np.abs(np.mean(changes, axis=0)).max() < 2.0 * method.level_db

    @pytest.mark.parametrize("gain_db", [-20.0, 12.0])
    def test_where_it_is_drawn_it_says_nothing_of_the_recording(self, method, voice, gain_db):
        if not method.draws_loudness:
            pytest.skip(f"{method.title} keeps the level")
        other = voice * np.float32(10 ** (gain_db / 20))
        was, now = (active_rms_db(method(seed=1)(x, RATE), x, RATE) for x in (voice, other))
        assert now == pytest.approx(was, abs=3.0)  # its melody and tempo are drawn anew, too
        drawn = [active_rms_db(method(seed=n)(voice, RATE), voice, RATE) for n in range(8)]
        assert np.std(drawn) > 1.5


class TestOptions:
    def test_options_are_keyword_only(self, method):
        parameters = inspect.signature(type(method())).parameters.values()
        allowed = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
        assert all(p.kind in allowed for p in parameters if p.name != "parts")

    def test_a_misspelt_option_is_refused(self, method):
        with pytest.raises(ConfigurationError, match="sede"):
            voxguard.create(method.parts[0], sede=1)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"key": b"short"},
            {"key": "a string of more than sixteen"},
            {"key": KEY, "seed": 1},
            {"seed": -1},
            {"seed": 1.5},
            {"seed": True},
            {"scope": "forever"},
        ],
        ids=str,
    )
    def test_unusable_randomness_is_refused(self, method, wrong):
        with pytest.raises(ConfigurationError):
            method(**wrong)

    def test_a_corpus_voice_needs_a_speaker(self, method, voice):
        with pytest.raises(ConfigurationError, match="speaker"):
            method(scope="corpus")(voice, RATE)

    def test_every_option_is_kept_under_its_name_and_makes_the_same_again(self, method):
        anonymizer = method()
        again = type(anonymizer)(**anonymizer.options)
        assert again.options == anonymizer.options
