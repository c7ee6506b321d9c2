"""Voice conversion as an anonymizer, with small random networks and a pool made here."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
import tiny_converter

import voxguard
from voxguard.anonymizers.voice_conversion import VoiceConversion
from voxguard.dsp.loudness import speech_level
from voxguard.errors import ConfigurationError, NonFiniteAudioError, VoxguardError
from voxguard.evaluation.system import Method
from voxguard.models.converter import Converter
from voxguard.models.prosody import Intonation

pytest.importorskip("torch")

RATE = 16_000
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Options with weights of both kinds, and a pool."""
    folder = tmp_path_factory.mktemp("weights")
    tiny_converter.save_converter(folder / "converter.safetensors")
    tiny_converter.save_converter(folder / "converter-live.safetensors", causal=True)
    pool = tiny_converter.save_pool(folder / "pool.safetensors")
    return {"checkpoint": str(folder), "pool": str(pool)}


@pytest.fixture(params=[False, True], ids=["recording", "live"])
def convert(request, files):
    """Makes an anonymizer of either kind."""
    return lambda **options: VoiceConversion(**{**files, "live": request.param, **options})


def _rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-30)


class TestRandomness:
    def test_a_key_repeats_a_named_utterance(self, convert, voice):
        outs = [convert(key=KEY)(voice, RATE, utterance=u) for u in ("1", "1", "2")]
        assert np.array_equal(outs[0], outs[1])
        assert not np.array_equal(outs[0], outs[2])

    def test_a_rendering_is_pure(self, convert, voice):
        method = convert()
        drawn, samples = method.draw_voice(), voice[None].copy()
        one, again = (method.render(samples, RATE, drawn) for _ in range(2))
        assert np.array_equal(one, again)
        assert np.array_equal(samples[0], voice)

    def test_all_that_is_random_is_in_the_draw(self, convert, voice):
        outs = [convert(seed=4)(voice, RATE) for _ in range(2)]
        assert np.array_equal(*outs)

    @pytest.mark.parametrize("sex", ["F", "M"])
    def test_the_pseudo_speakers_sex_is_the_one_asked_for(self, convert, sex):
        method = convert(sex=sex)
        means = [method.draw_voice().target.log_f0_mean for _ in range(20)]
        assert all((mean > np.log(165)) == (sex == "F") for mean in means)
        assert len(set(means)) > 2

    def test_either_sex_comes_by_default(self, convert):
        means = [convert().draw_voice().target.log_f0_mean for _ in range(30)]
        assert 3 < sum(mean > np.log(165) for mean in means) < 27

    def test_a_draw_shows_nothing(self, convert):
        drawn = convert(key=KEY).draw_voice(speaker="anna")
        assert repr(drawn) == "<ConvertedVoice: secret>"
        for field in fields(drawn):
            assert repr(getattr(drawn, field.name)) not in f"{drawn}{drawn!r}"

    def test_the_draw_takes_the_tempo(self, files):
        rates = [VoiceConversion(**files, tempo=0.2).draw_voice().rate for _ in range(20)]
        assert 0.05 < max(abs(np.log(rate)) for rate in rates) <= 0.2
        assert VoiceConversion(**files, tempo=0).draw_voice().rate == 1.0

    def test_one_voice_has_another_melody_in_each_recording(self, files, monkeypatch):
        """Else it could be averaged out of many recordings under one key."""
        seeds = []
        monkeypatch.setattr(
            Converter,
            "convert",
            lambda self, samples, target, **given: (
                seeds.append((given["intonation"].seed, given["tempo"].seed)) or -samples
            ),
        )
        method = VoiceConversion(**files, tempo=0.1, key=KEY)
        voice = voxguard.synthetic_voice(seconds=0.3, sample_rate=RATE)
        for samples in (voice, voice, voice[::-1].copy()):
            method(samples, RATE, speaker="anna")
        assert seeds[0] == seeds[1]
        assert not set(seeds[0]) & set(seeds[2])

    def test_nor_has_it_the_same_melody_in_each_live_signal(self, files, monkeypatch):
        drawn = []
        mix = Intonation.mix

        def spy(self, deviations, contour):
            drawn[-1].append(contour)
            return mix(self, deviations, contour)

        monkeypatch.setattr(Intonation, "mix", spy)
        method = VoiceConversion(**files, key=KEY, live=True)
        voice = voxguard.synthetic_voice(seconds=0.3, sample_rate=RATE)
        mute = np.zeros(1600, np.float32)
        for samples in (voice, voice, voice[::-1].copy(), np.append(mute, -voice)):
            drawn.append([])
            method(samples, RATE, speaker="anna")
        first, again, *others = (np.concatenate(contours) for contours in drawn)
        assert np.array_equal(first, again)
        for other in others:
            size = min(first.size, other.size)
            assert not np.isclose(first[:size], other[:size]).all()


def test_what_was_made_with_other_weights_is_not_taken_up(files, tmp_path):
    """An evaluation keeps what it rendered; the weights may be trained anew meanwhile."""
    changed = tmp_path / "converter.safetensors"
    tiny_converter.save_converter(changed, causal=True)
    options = {"pool": files["pool"]}
    one, again = (Method(VoiceConversion(**files)).identity for _ in range(2))
    method = VoiceConversion(**files)
    assert list(method.weights) == ["converter"]
    assert one == again
    other = VoiceConversion(checkpoint=changed, **options)
    assert other.weights != method.weights
    assert method.weights != VoiceConversion(**files, live=True).weights
    assert method.weights["converter"] in one


class TestSignals:
    def test_long_ones_are_converted_in_blocks(self, files, make_voice, monkeypatch):
        heard = []
        whole = Converter.convert

        def counting(self, samples, *arguments, **given):
            heard.append(len(samples))
            return whole(self, samples, *arguments, **given)

        monkeypatch.setattr(Converter, "convert", counting)
        monkeypatch.setattr("voxguard.anonymizers.voice_conversion.LONG_S", 30.0)
        voice = np.tile(make_voice(seconds=8.0), 8)[: 50 * RATE]
        voice[20 * RATE : 24 * RATE] = 0.0
        out = VoiceConversion(**files, seed=1, loudness="kept")(voice, RATE)
        assert out.shape == voice.shape
        assert len(heard) >= 2
        assert max(heard) < 25 * RATE
        assert abs(_rms_db(out) - _rms_db(voice)) < 1.5
        assert np.abs(out[21 * RATE : 23 * RATE]).max() < 1e-4
        seconds = np.sqrt(np.square(out.reshape(50, RATE)).mean(axis=1))
        loud = np.sqrt(np.square(voice.reshape(50, RATE)).mean(axis=1)) > 0.01
        assert seconds[loud].min() > 0.003

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
    def test_any_rate_keeps_form_and_level(self, convert, make_voice, rate):
        voice = make_voice(rate, seconds=2.0, speaker=1)
        out = convert(seed=1, loudness="kept")(voice, rate)
        assert out.shape == voice.shape
        assert out.dtype == np.float32
        assert abs(_rms_db(out) - _rms_db(voice)) < 1.5
        assert abs(np.corrcoef(out, voice)[0, 1]) < 0.3

    @pytest.mark.parametrize("gain_db", [-94, -40, 0, 12])
    def test_the_level_stays(self, files, make_voice, gain_db):
        for speaker in range(3):
            voice = make_voice(seconds=2.0, speaker=speaker) * np.float32(10 ** (gain_db / 20))
            out = VoiceConversion(**files, loudness="kept")(voice, RATE)
            assert abs(_rms_db(out) - _rms_db(voice)) < 1.5  # secret draws, weights of no training

    @pytest.mark.parametrize("gain_db", [-20, 0, 6])
    def test_a_drawn_loudness_tells_nothing_of_the_speakers(self, files, make_voice, gain_db):
        def level_db(samples):
            return 20 * np.log10(speech_level(samples, RATE))

        voice = make_voice(seconds=2.0, speaker=1)
        drawn = [VoiceConversion(**files, seed=n, loudness="drawn")(voice, RATE) for n in range(12)]
        other = VoiceConversion(**files, seed=3, loudness="drawn")(
            voice * np.float32(10 ** (gain_db / 20)), RATE
        )
        assert level_db(other) == pytest.approx(level_db(drawn[3]), abs=0.3)
        kept = VoiceConversion(**files, seed=3, loudness="kept")(voice, RATE)
        assert np.corrcoef(kept, drawn[3])[0, 1] > 0.999  # nothing but the level is another
        assert 1.5 < np.std([level_db(x) for x in drawn]) < 6.0
        assert max(np.abs(x).max() for x in drawn) < 1.0

    def test_a_drawn_loudness_leaves_silence_and_the_next_to_silent(self, files):
        convert = VoiceConversion(**files, seed=1, loudness="drawn")
        assert not convert(np.zeros(8000, np.float32), RATE).any()
        faint = 1e-6 * np.random.default_rng(0).standard_normal(8000).astype(np.float32)
        assert np.abs(convert(faint, RATE)).max() < 1e-3

    def test_a_drawn_loudness_keeps_the_balance_of_channels(self, files, make_voice):
        near = make_voice(seconds=2.0)
        both = np.stack([near, 0.01 * make_voice(seconds=2.0, speaker=2)])
        drawn = VoiceConversion(**files, seed=1, loudness="drawn")(both, RATE)
        kept = VoiceConversion(**files, seed=1, loudness="kept")(both, RATE)
        assert np.allclose(drawn / np.abs(drawn).max(), kept / np.abs(kept).max(), atol=1e-5)
        alone = VoiceConversion(**files, seed=1, loudness="drawn")(near, RATE)
        assert np.allclose(drawn[0], alone, atol=1e-6)

    def test_channels_are_one_voice_each_by_itself(self, convert, stereo):
        out = convert(seed=1, loudness="kept")(stereo, RATE)
        assert np.array_equal(out[1], convert(seed=1, loudness="kept")(stereo[1], RATE))
        same = convert(seed=1)(np.stack([stereo[0], stereo[0]]), RATE)
        assert np.array_equal(same[0], same[1])

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
    @pytest.mark.parametrize("length", [1, 10, 160, 400])
    def test_short_ones(self, convert, make_voice, rate, length):
        out = convert()(make_voice(rate)[4000 : 4000 + length], rate)
        assert out.shape == (length,)
        assert np.isfinite(out).all()

    def test_silence_is_exact(self, convert, stereo):
        assert not convert()(np.zeros(8000, np.float32), RATE).any()
        half = np.stack([stereo[0], 0 * stereo[0]])
        assert not convert()(half, RATE)[1].any()

    def test_silence_within_speech_stays(self, convert, make_voice):
        voice = make_voice(seconds=2.0)
        mute = np.concatenate([voice, np.zeros(3 * RATE, np.float32), voice])
        out = convert()(mute, RATE)
        assert _rms_db(out[3 * RATE : 4 * RATE]) < _rms_db(out) - 60

    @pytest.mark.parametrize(
        "signal",
        [
            0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE),
            np.random.default_rng(0).uniform(-1, 1, RATE),
            np.sign(np.sin(2 * np.pi * 110 * np.arange(RATE) / RATE) + 1e-6),
            np.full(RATE, 0.4),
        ],
        ids=["tone", "noise", "clipped square", "DC"],
    )
    def test_odd_ones_give_finite_samples(self, convert, signal):
        samples = signal.astype(np.float32)
        out = convert()(samples, RATE)
        assert np.isfinite(out).all()
        assert not np.ptp(samples) or abs(np.corrcoef(out, samples)[0, 1]) < 0.5

    def test_samples_that_are_no_numbers_are_refused(self, convert, voice):
        broken = voice.copy()
        broken[77] = np.nan
        with pytest.raises(NonFiniteAudioError, match="77"):
            convert()(broken, RATE)


class TestStream:
    def _streamed(self, method, samples, size, **options):
        with method.stream(RATE, **options) as session:
            parts = [
                session.push(samples[..., k : k + size]) for k in range(0, samples.shape[-1], size)
            ]
            return np.concatenate([*parts, session.flush()], axis=-1)

    @pytest.mark.parametrize("size", [160, 999])
    def test_it_gives_what_a_call_gives(self, files, make_voice, size):
        voice = make_voice(seconds=2.0)
        whole = VoiceConversion(**files, live=True, seed=3)(voice, RATE)
        streamed = self._streamed(VoiceConversion(**files, live=True, seed=3), voice, size)
        assert np.abs(streamed - whole).max() < 1e-5

    def test_of_two_channels(self, files, stereo):
        whole = VoiceConversion(**files, live=True, seed=3)(stereo, RATE)
        method = VoiceConversion(**files, live=True, seed=3)
        assert np.abs(self._streamed(method, stereo, 700, channels=2) - whole).max() < 1e-5

    def test_the_loudness_is_drawn_as_well(self, files, make_voice):
        def level_db(gain_db, **options):
            method = VoiceConversion(**files, live=True, seed=3, **options)
            said = method(voice * np.float32(10 ** (gain_db / 20)), RATE)
            return 20 * np.log10(speech_level(said[RATE:], RATE))

        voice = make_voice(seconds=3.0, speaker=1)
        assert abs(level_db(-20) - level_db(0)) < 2.5
        assert level_db(0, loudness="kept") - level_db(-20, loudness="kept") > 15.0

    def test_its_latency(self, files):
        method = VoiceConversion(**files, live=True)
        latency_ms = method.stream(RATE).latency_ms
        assert 41 < latency_ms < 42
        assert method.stream(RATE, max_latency_ms=latency_ms).latency_ms == latency_ms

    @pytest.mark.parametrize("bound", [0, -1.0, 20, 41, float("nan")])
    def test_no_less_can_be_had(self, files, bound):
        with pytest.raises(ConfigurationError, match=r"latency of 41\.2 ms, got max_latency_ms="):
            VoiceConversion(**files, live=True).stream(RATE, max_latency_ms=bound)

    def test_recordings_weights_do_not_stream(self, files):
        with pytest.raises(ConfigurationError, match="cannot work on a live signal"):
            VoiceConversion(**files).stream(RATE)

    @pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
    def test_at_other_rates(self, files, make_voice, rate):
        voice = make_voice(rate, seconds=1.0)
        out = []
        for size in (rate // 50, 777):
            session = VoiceConversion(**files, live=True, seed=3).stream(rate)
            assert 43 < session.latency_ms < 48
            parts, taken, late = [], 0, 0
            for start in range(0, len(voice), size):
                parts.append(session.push(voice[start : start + size]))
                taken += len(voice[start : start + size])
                late = max(late, taken - sum(map(len, parts)))
            assert 1000 * late / rate <= session.latency_ms
            out.append(np.concatenate([*parts, session.flush()]))
        assert out[0].shape == voice.shape
        assert np.abs(out[0] - out[1]).max() < 1e-5
        assert abs(np.corrcoef(out[0], voice)[0, 1]) < 0.5

    def test_what_other_rates_take_of_the_latency_is_told(self, files):
        method = VoiceConversion(**files, live=True)
        with pytest.raises(ConfigurationError, match=r"3\.2 ms are taken by converting 24000 Hz"):
            method.stream(24_000, max_latency_ms=42.0)
        assert method.stream(24_000, max_latency_ms=45.0).latency_ms <= 45.0


class TestOptions:
    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"loudness": "loud"}, "loudness takes kept or drawn; got 'loud'"),
            ({"levels": 0}, "levels takes 1 .least content. to 4, or None .*got 0"),
            ({"levels": 2.0}, r"got 2\.0"),
            ({"levels": True}, "got True"),
            ({"levels": "auto"}, "got 'auto'"),
            ({"segments": 4}, "segments takes 5 to 50, got 4"),
            ({"segments": "15"}, "got '15'"),
            ({"sex": "female"}, "sex takes random, F, M; got 'female'"),
            ({"sex": None}, "got None"),
            ({"intonation": 1.1}, r"intonation takes 0 to 1, got 1\.1"),
            ({"intonation": float("nan")}, "got nan"),
            ({"intonation": "0.5"}, "got '0.5'"),
            ({"tempo": 0.31}, r"tempo takes 0 to 0\.3, got 0\.31"),
            ({"tempo": -0.1}, r"got -0\.1"),
            ({"tempo": True}, "got True"),
            ({"live": 1}, "live takes True or False, got 1"),
            ({"pool": 3}, "pool takes a path as text or Path, got 3"),
            ({"checkpoint": [1]}, r"checkpoint takes a path as text or Path, got \[1\]"),
            ({"revision": 3, "checkpoint": "a/b"}, "revision takes text, got 3"),
            ({"revision": "main"}, "revision= goes with checkpoint="),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_wrong_ones_are_refused_at_once(self, wrong, told):
        with pytest.raises(ConfigurationError, match=told):
            VoiceConversion(**wrong)

    @pytest.mark.parametrize("live", [False, True])
    def test_little_content_passes_unless_more_is_asked_for(self, files, live):
        assert VoiceConversion(**files, live=live).levels == 1
        assert VoiceConversion(**files, live=live, levels=2).levels == 2
        assert VoiceConversion(**files, live=live, levels=None).levels is None

    def test_they_are_kept_and_make_the_same_again(self, files, tmp_path):
        method = VoiceConversion(**files, levels=None, sex="F", intonation=0, tempo=0.3, live=True)
        assert type(method)(**method.options).options == method.options
        assert VoiceConversion(checkpoint=tmp_path).checkpoint == tmp_path

    @pytest.mark.parametrize("live", [False, True])
    @pytest.mark.parametrize("what", ["checkpoint", "pool"])
    def test_files_that_cannot_be_used_give_nothing_out(self, files, voice, tmp_path, live, what):
        (tmp_path / "damaged").write_bytes(b"\x08" + bytes(30))
        wrong = [tmp_path / "none", tmp_path / "damaged"]
        wrong += [files["pool"]] if what == "checkpoint" else [f"{files['checkpoint']}/converter"]
        for path in wrong:
            method = VoiceConversion(**{**files, what: path}, live=live)
            with pytest.raises(ConfigurationError):
                method(voice, RATE)

    def test_a_live_signal_needs_weights_that_hear_nothing_ahead(self, files, voice):
        given = {**files, "checkpoint": f"{files['checkpoint']}/converter.safetensors"}
        with pytest.raises(ConfigurationError, match="comes later"):
            VoiceConversion(**given, live=True)(voice, RATE)
        with pytest.raises(ConfigurationError, match="comes later"):
            VoiceConversion(**given, live=True).stream(RATE)

    def test_a_pool_without_the_sex_that_is_wanted(self, files, voice, tmp_path):
        pool = tiny_converter.save_pool(tmp_path / "men.safetensors", women=0)
        with pytest.raises(ConfigurationError, match="no voice of sex 'F'"):
            VoiceConversion(**{**files, "pool": pool}, sex="F")(voice, RATE)

    def test_a_network_that_breaks_lets_nothing_through(self, files, voice, monkeypatch):
        def broken(*_):
            raise RuntimeError(str(voice))

        monkeypatch.setattr(Converter, "decode", broken)
        with pytest.raises(VoxguardError, match=r"could not be anonymized \(RuntimeError\)$"):
            VoiceConversion(**files)(voice, RATE)


@pytest.mark.parametrize(
    ("live", "does"),
    [
        (False, "method(np.sin(np.arange(8000, dtype=np.float32)), 16000)"),
        (True, "method(np.sin(np.arange(8000, dtype=np.float32)), 16000)"),
        (True, "method.stream(16000).push(np.ones(2000, np.float32))"),
    ],
    ids=["a recording", "a live recording", "a stream"],
)
def test_torch_is_not_loaded_by(files, live, does):
    code = (
        "import sys, numpy as np\n"
        "from voxguard.anonymizers.voice_conversion import VoiceConversion\n"
        f"method = VoiceConversion(**{files!r}, live={live})\n{does}\n"
        "print(sorted({'torch', 'librosa', 'transformers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
