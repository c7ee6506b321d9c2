"""Conversion of live signals."""

from __future__ import annotations

import time

import numpy as np
import pytest
import tiny_converter
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.models.live import STEP, LiveChannels, LiveConverter, latency_samples
from voxguard.models.network_live import LiveNetwork
from voxguard.models.pool import SpeakerPool
from voxguard.models.shipped import pretrained

pytest.importorskip("torch")  # makes the small network

RATE = 16_000


@pytest.fixture(scope="module", params=[0, 1], ids=["nothing_ahead", "a_frame_ahead"])
def network(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "converter-live.safetensors"
    tiny_converter.save_converter(path, causal=True, ahead=request.param)
    return LiveNetwork(pretrained(path, ""))


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "pool.safetensors"
    return SpeakerPool.load(tiny_converter.save_pool(path)).target(3)


@pytest.fixture
def open_live(network, target):
    def make(seed=0, **options):
        options = {"intonation": 0.8, **options}
        return LiveConverter(network, target, seed=seed, **options)

    return make


def _run(live, samples, sizes=()):
    edges = np.minimum(np.cumsum([0, *sizes]), len(samples))
    chunks = [samples[a:b] for a, b in zip(edges, [*edges[1:], len(samples)], strict=True)]
    return np.concatenate([*(live.push(chunk) for chunk in chunks), live.flush()])


def _rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-30)


class TestChunks:
    @given(sizes=st.lists(st.integers(0, 3000), max_size=20))
    @settings(max_examples=10, deadline=None)
    def test_any_give_the_same_to_the_bit(self, network, target, make_voice, sizes):
        voice = make_voice(seconds=0.5)

        def run(cut):
            return _run(LiveConverter(network, target, seed=0), voice, cut)

        assert np.array_equal(run(sizes), run([]))

    @pytest.mark.parametrize("options", [{}, {"louder_db": 6.0}, {"levels": None}])
    @pytest.mark.parametrize("silent", [0, 4000])
    def test_many_steps_at_once_give_the_same_but_for_rounding(
        self, open_live, voice, silent, options
    ):
        """Also where some of them hear nothing, before the noise and the melody are drawn."""
        heard = np.concatenate([np.zeros(silent, np.float32), voice])
        steps = _run(open_live(**options), heard)
        for at_once in (7, 1000):
            for sizes in ([], [9000, 50]):
                made = _run(open_live(at_once=at_once, **options), heard, sizes)
                assert np.abs(made - steps).max() < 1e-5

    def test_sample_by_sample(self, open_live, voice):
        short = voice[:2000]
        assert np.array_equal(_run(open_live(), short, [1] * 2000), _run(open_live(), short))

    def test_what_was_given_in_is_left_alone(self, open_live, voice):
        """Also when the caller fills one buffer again and again."""
        expected = _run(open_live(), voice)
        live, buffer, parts = open_live(), np.zeros(500, np.float32), []
        for k in range(0, len(voice), 500):
            buffer[:] = voice[k : k + 500]
            parts.append(live.push(buffer))
            buffer[:] = np.nan
        assert np.array_equal(np.concatenate([*parts, live.flush()]), expected)

    @pytest.mark.parametrize("length", [0, 1, 10, 160, 319, 320, 321, 659, 819, 5000])
    def test_as_many_come_out_as_went_in(self, open_live, voice, length):
        out = _run(open_live(), voice[:length], [100, 7])
        assert out.shape == (length,)
        assert out.dtype == np.float32
        assert np.isfinite(out).all()


class TestLatency:
    def test_a_frame_ahead_is_waited_for(self, network):
        assert latency_samples(network) == 659 + 160 * network.ahead

    def test_no_sample_is_later_and_one_is_as_late(self, open_live, voice):
        live, given, latest = open_live(), 0, 0
        for taken, sample in enumerate(voice[:8000], start=1):
            ready = len(live.push(np.array([sample])))
            if ready:  # the first of them has waited longest
                latest = max(latest, taken - 1 - given)
            given += ready
            assert taken - given <= live.latency_samples
        assert latest == live.latency_samples

    def test_no_sample_hears_farther_than_that(self, open_live, voice):
        changed = voice.copy()
        changed[8000:] = -0.3
        live = open_live()
        same = np.flatnonzero(_run(live, voice) != _run(open_live(), changed))[0]
        assert 8000 - live.latency_samples <= same <= 8000

    def test_the_speech_is_where_it_was(self, open_live):
        burst = np.zeros(RATE, np.float32)
        burst[8000:9600] = 0.3 * np.random.default_rng(0).standard_normal(1600)
        power = np.convolve(np.square(_run(open_live(), burst)), np.ones(160), "same")
        middle = (power * np.arange(RATE)).sum() / power.sum()
        assert abs(middle - 8800) < 160


class TestSound:
    @pytest.mark.parametrize("levels", [1, 4, None])
    def test_it_is_not_the_source(self, open_live, voice, levels):
        out = _run(open_live(levels=levels), voice)
        assert abs(np.corrcoef(out, voice)[0, 1]) < 0.3

    @pytest.mark.parametrize("speaker", range(4))
    @pytest.mark.parametrize(("gain_db", "off_db"), [(-40, 2.0), (-20, 2.0), (0, 1.0), (20, 1.0)])
    def test_the_level_stays(self, open_live, make_voice, speaker, gain_db, off_db):
        """Faint speech takes some frames to be told from what is usual."""
        voice = make_voice(seconds=2.0, speaker=speaker) * np.float32(10 ** (gain_db / 20))
        out = _run(open_live(), voice)
        assert abs(_rms_db(out) - _rms_db(voice)) < off_db
        assert np.abs(out).max() <= 2 * np.abs(voice).max()

    @pytest.mark.parametrize("louder_db", [-6.0, 0.0, 6.0])
    def test_a_drawn_level_is_not_the_speakers(self, open_live, make_voice, louder_db):
        """Once a second was heard; 50 dB apart, and before, within ten decibels."""
        voice = make_voice(seconds=3.0)
        said = [
            _run(open_live(louder_db=louder_db), voice * np.float32(10 ** (gain_db / 20)))
            for gain_db in (-20, 0, 30)
        ]
        later, first = ([_rms_db(x[part]) for x in said] for part in
                        (slice(RATE, None), slice(0, RATE)))  # fmt: skip
        assert np.ptp(later) < 2.5
        assert np.ptp(first) < 10.0
        usual = _rms_db(_run(open_live(louder_db=0.0), voice)[RATE:])
        assert later[1] - usual == pytest.approx(louder_db, abs=1.0)

    def test_a_drawn_level_stays_within_full_scale(self, open_live, voice):
        assert np.abs(_run(open_live(louder_db=40.0), voice)).max() <= 1.0

    def test_a_drawn_level_lifts_no_silence(self, open_live):
        """What a quiet room or a microphone that is switched off gives is not made heard."""
        hiss = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
        for rms_db, most_db in ((-120.0, -90.0), (-80.0, -70.0)):
            faint = hiss * np.float32(10 ** (rms_db / 20))
            assert _rms_db(_run(open_live(louder_db=10.0), faint)) < most_db
        assert not _run(open_live(louder_db=10.0), np.zeros(5000, np.float32)).any()

    def test_silence_is_exact(self, open_live, voice):
        assert not _run(open_live(), np.zeros(5000, np.float32)).any()
        mute = np.concatenate([voice, np.zeros(RATE, np.float32), voice])
        assert not _run(open_live(), mute)[RATE + 1000 : 2 * RATE - 500].any()

    def test_the_pitch_becomes_the_targets(self, open_live, make_voice, target):
        from voxguard.dsp.pitch import track_f0

        track = track_f0(_run(open_live(), make_voice(seconds=5.0, speaker=2))[2 * RATE :])
        assert abs(np.log(np.median(track[track > 0])) - target.log_f0_mean) < 0.15

    def test_a_draw_is_a_draw(self, open_live, voice):
        out = _run(open_live(), voice)
        assert np.array_equal(out, _run(open_live(), voice))
        for other in (open_live(seed=1), open_live(intonation=None), open_live(levels=1)):
            assert np.abs(_run(other, voice) - out).max() > 1e-3

    @pytest.mark.parametrize(
        "signal",
        [
            0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE),
            np.sign(np.sin(2 * np.pi * 110 * np.arange(RATE) / RATE) + 1e-6),
            np.random.default_rng(0).uniform(-1, 1, RATE),
            np.full(RATE, 0.4),
            np.eye(1, RATE, 9000)[0],
            np.full(RATE, 1e-40),
            np.tile([1e-7, 3e4], RATE // 2),
        ],
        ids=["tone", "square", "noise", "DC", "click", "denormal", "wild"],
    )
    def test_anything_gives_finite_samples(self, open_live, signal):
        samples = signal.astype(np.float32)
        out = _run(open_live(), samples)
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 2 * np.abs(samples).max()


class TestLong:
    def test_it_holds_no_more_after_many_seconds(self, open_live, voice):
        live = open_live()
        for _ in range(15):
            live.push(voice)
        assert len(live._heard) < 2 * (live.latency_samples + STEP)
        assert len(live._waiting) < 2 * (live.latency_samples + STEP)
        assert live._heard.base is None or live._heard.base.size < 2 * len(voice)

    def test_it_keeps_up(self, open_live, make_voice):
        """With a small network: what is around it takes a tenth of the time there is."""
        voice, live = make_voice(seconds=4.0), open_live()
        live.push(voice[:RATE])
        began = time.process_time()
        for k in range(RATE, len(voice), 320):
            live.push(voice[k : k + 320])
        assert time.process_time() - began < 0.5 * 3.0  # five times what is usual


def test_channels_are_apart(network, target, stereo):
    def make():
        return LiveConverter(network, target, seed=0)

    both = LiveChannels([make(), make()])
    out = np.concatenate([both.push(stereo[:, :5000]), both.push(stereo[:, 5000:])], axis=1)
    out = np.concatenate([out, both.flush()], axis=1)
    assert both.latency_samples == make().latency_samples
    for channel in (0, 1):
        assert np.array_equal(out[channel], _run(make(), stereo[channel]))
