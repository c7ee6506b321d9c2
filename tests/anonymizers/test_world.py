"""The method `world`: what it replaces, what it leaves, and what it takes."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from voxguard.anonymizers import world as module
from voxguard.anonymizers.world import World
from voxguard.audio import read, resample
from voxguard.dsp.pitch import track_f0
from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.metrics import pitch_correlation

pytest.importorskip("pyworld")

RATE = 16_000
BOTH = pytest.mark.parametrize("synthesis", ["world", "differential"])


def median_hz(samples):
    f0 = track_f0(samples)
    return np.median(f0[f0 > 0])


def long_term_db(samples, points=40):
    """Mean log spectrum of the loud frames, smooth, its level taken out."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 512)[::128] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames)) ** 2
    whole = power.sum(axis=1, keepdims=True)
    loud = power[whole[:, 0] > 1e-3 * whole.max()]
    share = loud / loud.sum(axis=1, keepdims=True)
    bands = np.stack([band.mean(axis=1) for band in np.array_split(share, points, axis=1)], axis=1)
    return 10 * np.log10(bands).mean(axis=0)


class TestDraw:
    def test_everything_is_within_its_range(self):
        anonymizer = World(
            f0_hz=(100, 110),
            f0_spread=(0.5, 0.6),
            formant_scale=(1.1, 1.2),
            bend=0.02,
            offset_db=3,
            breath_db=1,
        )
        drawn = [anonymizer.draw(np.random.default_rng(seed)).drawn for seed in range(200)]
        assert all(100 <= d.pitch.mean_hz <= 110 for d in drawn)
        assert all(0.5 <= d.pitch.spread <= 0.6 for d in drawn)
        assert all(1.1 <= d.timbre.formant_scale <= 1.2 for d in drawn)
        assert max(abs(b) for d in drawn for b in d.timbre.bends) <= 0.02
        assert 2.8 < max(abs(o) for d in drawn for o in d.timbre.offset_db) <= 3.0
        breath = np.array([d.breath_db for d in drawn])
        assert 1.5 < np.ptp(breath) <= 2.0
        assert len({d.flutter for d in drawn}) == 200

    def test_a_single_value_is_no_range(self):
        pitch = World(f0_hz=140).draw(np.random.default_rng()).drawn.pitch
        assert pitch.mean_hz == pytest.approx(140)

    def test_nothing_of_a_draw_shows(self):
        voice = World().draw_voice()
        for part in (voice, voice.drawn, voice.drawn.timbre, voice.drawn.pitch):
            assert not any(character.isdigit() for character in repr(part).partition("0x")[0])


class TestOptions:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("synthesis", "straight"),
            ("f0_tracker", "crepe"),
            ("f0_hz", 50),
            ("f0_hz", (150, 120)),
            ("f0_hz", (100, 120, 140)),
            ("f0_hz", "high"),
            ("f0_hz", (100, None)),
            ("f0_spread", 2.5),
            ("formant_scale", (0.5, 1.0)),
            ("formant_scale", float("nan")),
            ("bend", 0.15),
            ("bend", (0.0, 0.1)),
            ("offset_db", -1),
            ("breath_db", True),
            ("frame_ms", 1),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, name, value):
        with pytest.raises(ConfigurationError, match=name):
            World(**{name: value})

    def test_without_pyworld_the_error_names_the_extra(self, monkeypatch, voice):
        module._pyworld.cache_clear()
        monkeypatch.setattr("voxguard.models.optional.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"pyworld.*voxguard\[world\]"):
            World()
        assert World(synthesis="differential")(voice, RATE).shape == voice.shape


class TestPitch:
    @pytest.mark.parametrize("tracker", ["dio", "harvest", "autocorrelation"])
    @pytest.mark.parametrize("speaker", [0, 3])
    def test_the_mean_is_the_drawn_one_whoever_speaks(self, make_voice, tracker, speaker):
        voice = make_voice(seconds=3.0, speaker=speaker)
        out = World(f0_hz=150, f0_tracker=tracker, seed=1)(voice, RATE)
        assert median_hz(out) == pytest.approx(150, rel=0.08)

    def test_the_melody_stays(self, make_voice):
        voice = make_voice(seconds=4.0, speaker=1)
        was, now = track_f0(voice), track_f0(World(f0_hz=130, seed=1)(voice, RATE))
        now[now > 260] = 0.0  # the tracker is an octave off, here and there
        assert pitch_correlation(was, now) > 0.8

    def test_a_monotone(self, make_voice):
        f0 = track_f0(World(f0_hz=130, f0_spread=0, seed=1)(make_voice(seconds=3.0), RATE))
        middle = np.abs(np.log(f0[f0 > 0] / 130)) < 0.3
        assert np.log(f0[f0 > 0][middle]).std() < 0.03

    def test_the_differential_variant_leaves_it(self, make_voice):
        voice = make_voice(seconds=3.0, speaker=2)
        out = World(synthesis="differential")(voice, RATE)
        was, now = track_f0(voice), track_f0(out)
        both = (was > 0) & (now > 0)
        assert both.sum() > 0.9 * (was > 0).sum()
        assert np.median(np.abs(np.log(now[both] / was[both]))) < 0.005


class TestEnvelope:
    @BOTH
    def test_two_speakers_come_closer_in_one_voice(self, make_voice, synthesis):
        anonymizer = World(synthesis=synthesis, scope="corpus", seed=3)
        voices = [make_voice(seconds=4.0, speaker=speaker, seed=speaker) for speaker in (0, 1)]
        outs = [anonymizer(voice, RATE, speaker="one for all") for voice in voices]
        apart, left = (np.ptp([long_term_db(x) for x in pair], axis=0) for pair in (voices, outs))
        assert apart[:30].mean() > 3.0
        assert left[:30].mean() < 0.6 * apart[:30].mean()

    @BOTH
    def test_formants_go_where_they_are_drawn(self, make_voice, synthesis):
        voice = make_voice(seconds=3.0)
        outs = [
            World(synthesis=synthesis, formant_scale=scale, bend=0, offset_db=0, f0_hz=130, seed=1)(
                voice, RATE
            )
            for scale in (0.8, 1.25)
        ]
        low, high = (long_term_db(out, 80) for out in outs)
        hz = (np.arange(80) + 0.5) * 100
        shifts = np.exp(np.linspace(-0.1, 0.7, 81))
        speech = slice(3, 45)  # 0.3 to 4.5 kHz
        match = [
            np.corrcoef(low[speech], np.interp(hz * s, hz, high)[speech])[0, 1] for s in shifts
        ]
        assert shifts[int(np.argmax(match))] == pytest.approx(1.25 / 0.8, rel=0.15)

    @BOTH
    def test_an_offset_is_heard(self, voice, synthesis):
        plain = World(synthesis=synthesis, formant_scale=1, bend=0, offset_db=0, seed=2)
        strong = World(synthesis=synthesis, formant_scale=1, bend=0, offset_db=12, seed=1)
        base = long_term_db(plain(voice, RATE))
        changes = [np.ptp(long_term_db(strong(voice, RATE)) - base) for _ in range(3)]
        assert 8 < np.median(changes) < 30

    def test_a_telephone_band_is_not_filled_with_noise(self, make_voice):
        voice = make_voice(8_000, seconds=2.0)
        wide = resample(voice[None], 8_000, RATE)[0]
        for synthesis in ("world", "differential"):
            anonymizer = World(synthesis=synthesis, formant_scale=1, bend=0, seed=1)
            power = np.abs(np.fft.rfft(anonymizer(wide, RATE))) ** 2
            upper = power[int(0.56 * len(power)) :].sum()
            assert upper < 1e-3 * power.sum()


class TestRecordings:
    @BOTH
    def test_a_voice_renders_the_same_again(self, voice, synthesis):
        anonymizer = World(synthesis=synthesis)
        drawn = anonymizer.draw_voice()
        first, second = (anonymizer.render(voice[None], RATE, drawn) for _ in range(2))
        assert np.array_equal(first, second)

    @BOTH
    @pytest.mark.parametrize("length", [1, 2, 15, 80, 161, 400, 1601])
    @pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
    def test_recordings_of_milliseconds(self, voice, synthesis, length, rate):
        samples = voice[3000 : 3000 + length]
        out = World(synthesis=synthesis)(samples, rate)
        assert out.shape == samples.shape
        assert np.isfinite(out).all()

    @BOTH
    def test_silence_between_words_stays_silence(self, voice, synthesis):
        gap = np.zeros(RATE, np.float32)
        out = World(synthesis=synthesis)(np.concatenate([gap, voice, gap, voice, gap]), RATE)
        for second in (0, 2, 4):
            inside = out[second * RATE + 1600 : (second + 1) * RATE - 1600]
            assert np.abs(inside).max() < 1e-6

    @BOTH
    def test_silence_says_nothing_of_the_speaker(self, voice, synthesis):
        """Blocks of silence before speech leave its statistics alone."""
        anonymizer = World(synthesis=synthesis, seed=2)
        drawn = anonymizer.draw_voice()
        quiet = np.zeros(60 * RATE, np.float32)
        alone = anonymizer.render(voice[None], RATE, drawn)[0]
        late = anonymizer.render(np.concatenate([quiet, voice])[None], RATE, drawn)[0, 60 * RATE :]
        gap = np.abs(long_term_db(late) - long_term_db(alone))[:30]
        assert np.median(gap) < 1.0

    @BOTH
    def test_hum_is_taken_out(self, make_voice, synthesis):
        voice = make_voice(seconds=2.0)
        hum = 0.05 * np.sin(2 * np.pi * 30 * np.arange(len(voice)) / RATE)
        out = World(synthesis=synthesis)((voice + hum).astype(np.float32), RATE)
        low = np.abs(np.fft.rfft(out * np.hanning(len(out))))[40:80]  # 20 to 40 Hz
        was = np.abs(np.fft.rfft(hum * np.hanning(len(out))))[40:80]
        assert low.max() < 0.05 * was.max()

    @BOTH
    def test_a_minute_keeps_its_level_throughout(self, make_voice, synthesis):
        minute = np.tile(make_voice(seconds=4.0, speaker=1), 15)
        out = World(synthesis=synthesis, seed=1)(minute, RATE)
        powers = [
            np.square(x.reshape(-1, 2 * RATE), dtype=np.float64).mean(axis=1) for x in (minute, out)
        ]
        assert np.abs(10 * np.log10(powers[1] / powers[0])).max() < 1.0


@pytest.fixture(scope="module")
def utterances(shared_data):
    with (shared_data / "speech" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "eval"]
    first = {row["speaker"]: row["path"] for row in reversed(rows)}
    paths = [shared_data / "speech" / path for path in list(first.values())[:6]]
    return [read(path)[0][0, : 6 * RATE] for path in paths]


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip("torch")
    pytest.importorskip("resemblyzer")
    from voxguard.models.dvector import DVectorModel

    return DVectorModel()


class TestRealVoices:
    @pytest.mark.parametrize(("synthesis", "at_most"), [("world", 0.82), ("differential", 0.9)])
    def test_the_speaker_is_left(self, utterances, encoder, synthesis, at_most):
        anonymizer = World(synthesis=synthesis, seed=1)
        near = [encoder.embed(x) @ encoder.embed(anonymizer(x, RATE)) for x in utterances]
        assert np.mean(near) < at_most
