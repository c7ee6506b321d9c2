"""What every streamable anonymizer must do with a live signal."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measures import active_rms_db, snr_db

from voxguard.errors import PrivacyWarning, StreamError, UnsupportedAudioError
from voxguard.streaming import Session

RATE = 16_000
SAME = 1e-6

chunkings = st.lists(
    st.one_of(st.just(0), st.just(1), st.integers(2, 400), st.integers(400, 8000)), max_size=25
)
bounds = pytest.mark.parametrize("max_latency_ms", [None, 5.0], ids=["exact", "5 ms"])
few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)


def cut(samples, sizes):
    """`samples` in chunks of these sizes, the last of which takes the rest."""
    edges = np.minimum(np.cumsum([0, *sizes]), samples.shape[-1])
    chunks = [samples[..., a:b] for a, b in pairwise(edges)]
    return [*chunks, samples[..., edges[-1] :]]


def run(session, samples, sizes=()):
    out = [session.push(chunk) for chunk in cut(samples, sizes)]
    return np.concatenate([*out, session.flush()], axis=-1)


def tones_and_noise():
    noise = np.random.default_rng(0).standard_normal(4000)
    time = np.arange(4000) / RATE
    sine = 0.5 * np.sin(2 * np.pi * 440 * time)
    impulse = np.zeros(4000)
    impulse[2000] = 0.9
    return {
        "direct current": np.full(4000, 0.4),
        "full scale": np.ones(4000),
        "square": np.sign(sine + 1e-6),
        "sine": sine,
        "impulse": impulse,
        "faint noise": 1e-4 * noise,
        "full-scale noise": np.clip(0.7 * noise, -1, 1),
        "silence, then noise": np.concatenate([np.zeros(2000), 0.05 * noise[:2000]]),
        "three samples": noise[:3] * 0.1,
    }


class TestChunks:
    @given(sizes=chunkings)
    @few
    def test_any_chunking_gives_what_a_call_gives(self, streaming_method, make_voice, sizes):
        voice = make_voice(seconds=0.5)
        whole = streaming_method(seed=1)(voice, RATE)
        out = run(streaming_method(seed=1).stream(RATE), voice, sizes)
        assert out.shape == whole.shape
        assert np.abs(out - whole).max() <= SAME

    @given(sizes=chunkings)
    @few
    def test_any_chunking_gives_the_same_at_five_milliseconds(
        self, streaming_method, make_voice, sizes
    ):
        voice = make_voice(seconds=0.5)
        sessions = [streaming_method(seed=1).stream(RATE, max_latency_ms=5.0) for _ in range(2)]
        whole, out = run(sessions[0], voice), run(sessions[1], voice, sizes)
        assert out.shape == voice.shape
        assert np.abs(out - whole).max() <= SAME

    @given(sizes=chunkings)
    @few
    def test_any_chunking_of_two_channels(self, streaming_method, stereo, sizes):
        both = stereo[:, 4000:12_000]
        whole = streaming_method(seed=1)(both, RATE)
        out = run(streaming_method(seed=1).stream(RATE, channels=2), both, sizes)
        assert out.shape == whole.shape
        assert np.abs(out - whole).max() <= SAME

    @bounds
    @pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
    def test_other_rates(self, streaming_method, make_voice, rate, max_latency_ms):
        voice = make_voice(rate, seconds=0.5)
        sessions = [
            streaming_method(seed=1).stream(rate, max_latency_ms=max_latency_ms) for _ in range(2)
        ]
        whole, out = run(sessions[0], voice), run(sessions[1], voice, [1, 0, 37] * 20 + [441] * 9)
        assert out.shape == voice.shape
        assert np.abs(out - whole).max() <= SAME
        if max_latency_ms is None:
            assert np.abs(out - streaming_method(seed=1)(voice, rate)).max() <= SAME

    @bounds
    def test_sample_by_sample(self, streaming_method, make_voice, max_latency_ms):
        voice = make_voice(seconds=0.5)[:2000]
        sessions = [
            streaming_method(seed=1).stream(RATE, max_latency_ms=max_latency_ms) for _ in range(2)
        ]
        whole, out = run(sessions[0], voice), run(sessions[1], voice, [1] * 2000)
        assert np.abs(out - whole).max() <= SAME

    @pytest.mark.parametrize("size", [1, 10, 100, 319, 320, 321])
    def test_short_signals_come_out_whole(self, streaming_method, voice, size):
        part = voice[3000 : 3000 + size]
        out = run(streaming_method(seed=1).stream(RATE), part, [size // 2])
        assert np.abs(out - streaming_method(seed=1)(part, RATE)).max() <= SAME

    def test_nothing_in_nothing_out(self, streaming_method):
        session = streaming_method().stream(RATE)
        assert session.push(np.zeros(0, np.float32)).shape == (0,)
        assert session.flush().shape == (0,)

    @pytest.mark.parametrize("dtype", ["float16", "float64", "int16", "int32"])
    def test_each_sample_type_comes_back_as_it_went_in(self, streaming_method, voice, dtype):
        scale = {"int16": 32768, "int32": 2147483648}.get(dtype, 1)
        samples = (voice.astype(np.float64) * scale).astype(dtype)
        out = run(streaming_method(seed=1).stream(RATE), samples, [500] * 10)
        assert out.dtype == np.dtype(dtype)
        whole = streaming_method(seed=1)(samples, RATE)
        assert np.abs(out.astype(np.float64) - whole).max() <= scale * 1e-4

    def test_sessions_draw_apart_and_speakers_keep_their_voice(self, streaming_method, voice):
        anonymizer = streaming_method()
        first, second = (run(anonymizer.stream(RATE), voice) for _ in range(2))
        assert not np.array_equal(first, second)
        anna = [run(anonymizer.stream(RATE, speaker="anna"), voice) for _ in range(2)]
        assert np.array_equal(*anna)
        assert np.abs(anna[0] - anonymizer(voice, RATE, speaker="anna")).max() <= SAME

    def test_the_chunk_is_not_changed(self, streaming_method, voice):
        chunk = voice[:4000].copy()
        session = streaming_method().stream(RATE)
        session.push(chunk)
        assert np.array_equal(chunk, voice[:4000])
        later = session.push(chunk)
        chunk[:] = 1.0  # the session keeps no view of what it was given
        assert np.isfinite(later).all()


class TestLatency:
    @bounds
    @pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 48_000])
    def test_latency_is_true(self, streaming_method, make_voice, rate, max_latency_ms):
        voice = make_voice(rate, seconds=0.5)[: rate // 8]
        session = streaming_method(seed=1).stream(rate, max_latency_ms=max_latency_ms)
        latency = round(session.latency_ms * rate / 1000)
        if max_latency_ms is not None:
            assert session.latency_ms <= max_latency_ms
        emitted, waiting = 0, []
        for pushed, sample in enumerate(voice, start=1):
            emitted += session.push(np.array([sample])).shape[0]
            waiting.append(pushed - emitted)
        assert max(waiting) <= latency, "output comes later than latency_ms says"
        if len(streaming_method.parts) == 1:  # of a chain the sum is an upper bound
            assert max(waiting) >= 0.9 * latency, "latency_ms is overstated"

    @bounds
    @pytest.mark.parametrize("change_at", [1, 777, 1600, 3001])
    def test_the_future_does_not_reach_back(
        self, streaming_method, make_voice, max_latency_ms, change_at
    ):
        voice = make_voice(seconds=0.5)[2000:6000]
        changed = voice.copy()
        changed[change_at:] = 0.3 * np.sin(np.arange(4000 - change_at))
        outs = []
        for samples in (voice, changed):
            session = streaming_method(seed=1).stream(RATE, max_latency_ms=max_latency_ms)
            outs.append(run(session, samples, [100] * 30))
        settled = max(0, change_at - round(session.latency_ms * RATE / 1000))
        assert np.abs(outs[0][:settled] - outs[1][:settled]).max(initial=0.0) <= SAME
        assert not np.allclose(outs[0][change_at:], outs[1][change_at:])


class TestFiveMilliseconds:
    @pytest.mark.parametrize("signal", tones_and_noise().values(), ids=tones_and_noise().keys())
    @bounds
    def test_odd_signals(self, streaming_method, signal, max_latency_ms):
        signal = signal.astype(np.float32)
        session = streaming_method(seed=2).stream(RATE, max_latency_ms=max_latency_ms)
        out = run(session, signal, [160] * 20)
        assert out.shape == signal.shape
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= streaming_method.headroom * np.abs(signal).max() + 1e-6

    @bounds
    def test_silence_stays_silence(self, streaming_method, max_latency_ms):
        session = streaming_method().stream(RATE, max_latency_ms=max_latency_ms)
        assert np.abs(run(session, np.zeros(4000, np.float32), [160] * 20)).max() < 1e-6

    @pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
    def test_speech_keeps_its_level_and_is_changed(self, streaming_method, make_voice, rate):
        for speaker in range(3):
            voice = make_voice(rate, speaker=speaker, seed=speaker)
            session = streaming_method(seed=speaker).stream(rate, max_latency_ms=5.0)
            out = run(session, voice, [rate // 50] * 20)
            change = active_rms_db(out, voice, rate) - active_rms_db(voice, voice, rate)
            assert abs(change) < streaming_method.level_db, f"speaker {speaker}"
            assert np.abs(out).max() <= streaming_method.headroom * np.abs(voice).max()
            assert snr_db(voice, out) < 15


class Faulty:
    """A renderer that breaks after some pushes."""

    def __init__(self, inner, pushes, fault):
        self.inner, self.pushes, self.fault = inner, pushes, fault

    @property
    def latency_samples(self):
        return self.inner.latency_samples

    def push(self, samples):
        self.pushes -= 1
        if self.pushes >= 0:
            return self.inner.push(samples)
        return self.fault(samples)

    def flush(self):
        return self.inner.flush()


def _raise(samples):
    raise MemoryError("raw samples: " + str(samples[:, :3]))


FAULTS = {
    "raises": _raise,
    "NaN": lambda samples: samples * np.nan,
    "one channel too many": lambda samples: np.vstack([samples, samples]),
    "not an array": lambda samples: None,
}


class TestFailure:
    def check_silent_after(self, session, raw, normal, fault_at):
        """Push 20 chunks of 400; after the fault nothing but zeros may leave."""
        before, after = [], []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for number, chunk in enumerate(np.split(raw, 20)):
                (before if number < fault_at else after).append(session.push(chunk))
        assert [w.category for w in caught] == [PrivacyWarning], "it says so once"
        assert "0." not in str(caught[0].message), "no samples in the message"
        before, after = np.concatenate(before), np.concatenate(after)
        assert np.abs(before - normal[: before.size]).max() <= SAME
        assert after.size >= 400 * (20 - fault_at)
        assert not after.any()
        sounding = raw[np.isfinite(raw) & (raw != 0)]
        leaked = np.isin(sounding, np.concatenate([before, after]))
        assert leaked.mean() < 0.01, "samples of the raw voice left"
        with pytest.raises(StreamError, match="silent"):
            session.flush()
        assert session.failure is not None

    def test_nan_silences_the_rest(self, streaming_method, make_voice):
        voice = make_voice(seconds=0.5).copy()
        normal = run(streaming_method(seed=1).stream(RATE), voice)
        for bad in (np.nan, np.inf):
            broken = voice.copy()
            broken[400 * 8 + 100] = bad
            broken[400 * 12] = bad  # and again: no second warning
            session = streaming_method(seed=1).stream(RATE)
            self.check_silent_after(session, broken, normal, 8)

    @pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
    def test_a_renderer_that_breaks_silences_the_rest(self, streaming_method, make_voice, fault):
        voice = make_voice(seconds=0.5)
        normal = run(streaming_method(seed=1).stream(RATE), voice)
        anonymizer = streaming_method(seed=1)
        inner = anonymizer.open_stream(RATE, 1, anonymizer.draw_voice(), None)
        self.check_silent_after(Session(Faulty(inner, 6, fault), RATE), voice, normal, 6)

    def test_on_request_the_error_is_raised(self, streaming_method, voice):
        broken = voice[:400].copy()
        broken[7] = np.nan
        session = streaming_method().stream(RATE, on_failure="raise")
        session.push(voice[:4000])
        with pytest.raises(ValueError, match="NaN"):
            session.push(broken)
        assert not session.push(voice[:4000]).any()
        with pytest.raises(StreamError):
            session.flush()

    @pytest.mark.parametrize(
        "wrong", [np.zeros((2, 500), np.float32), np.zeros(500, np.uint8), [0.0], "a", None]
    )
    def test_a_wrong_chunk_raises_and_the_session_goes_on(self, streaming_method, voice, wrong):
        session = streaming_method(seed=1).stream(RATE)
        first = session.push(voice[:5000])
        with pytest.raises(UnsupportedAudioError):
            session.push(wrong)
        out = np.concatenate([first, session.push(voice[5000:]), session.flush()])
        assert np.abs(out - run(streaming_method(seed=1).stream(RATE), voice)).max() <= SAME

    def test_one_channel_in_a_session_of_two(self, streaming_method, stereo):
        session = streaming_method(seed=1).stream(RATE, channels=2)
        first = session.push(stereo)
        with pytest.raises(UnsupportedAudioError, match="channel"):
            session.push(stereo[0])
        out = np.concatenate([first, session.flush()], axis=1)
        assert out.shape == stereo.shape, "the wrong chunk left its form behind"

    def test_a_closed_session_takes_nothing(self, streaming_method, voice):
        session = streaming_method().stream(RATE)
        session.push(voice)
        session.flush()
        with pytest.raises(StreamError, match="flush"):
            session.push(voice)
        with streaming_method().stream(RATE) as left:
            left.push(voice)
        with pytest.raises(StreamError):
            left.push(voice)

    def test_repr_of_a_session_shows_no_draw(self, streaming_method):
        anonymizer = streaming_method(seed=1)
        assert "coefficient" not in repr(anonymizer.stream(RATE))
