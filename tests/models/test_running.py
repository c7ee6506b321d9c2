"""Normalisation of a live signal: near to that of the whole, and not led astray by silence."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.envelope import log_mel, spectral_envelope
from voxguard.dsp.pitch import track_f0
from voxguard.models.normalization import floored, frame_level, measure
from voxguard.models.prosody import POPULATION, contour
from voxguard.models.running import RunningEnvelope, RunningPitch

OTHERS = range(3, 9)  # speakers of the population


def _mel(samples):
    return log_mel(spectral_envelope(samples, track_f0(samples)))


@pytest.fixture(scope="module")
def population(make_voice):
    statistics = [measure(_mel(make_voice(seconds=3.0, speaker=s))) for s in OTHERS]
    return {
        "level": [float(np.mean([s.level for s in statistics]))],
        "mean": np.mean([s.mean for s in statistics], axis=0).tolist(),
        "spread": np.mean([s.spread for s in statistics], axis=0).tolist(),
    }


@pytest.fixture(scope="module")
def speech(make_voice):
    """Eight seconds of somebody else, in a room 55 dB below."""
    samples = make_voice(seconds=8.0, speaker=1)
    room = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    return _mel(samples + np.float32(1e-4) * room)


def _hear(running, mel):
    return np.stack([running.normalise(frame) for frame in mel])


def _error(heard, mel):
    """From what the whole would give, in frames with speech."""
    level, mean, spread = measure(mel)
    expected = (floored(mel - np.float32(level)) - mean) / spread
    return float(np.abs(heard - expected)[frame_level(mel) > level - 5].mean())


class TestEnvelope:
    def test_it_comes_near_to_that_of_the_whole(self, population, speech):
        running = RunningEnvelope(population)
        first = _error(_hear(running, speech), speech)
        again = _error(_hear(running, speech), speech)
        assert again < 0.15
        assert first < 0.6
        assert abs(running.level - measure(speech).level) < 0.3

    @pytest.mark.parametrize("gain_db", [-40, -24, 12])
    def test_it_finds_the_level_in_a_second(self, population, speech, gain_db):
        mel = speech + np.float32(gain_db / 20 * np.log(100))
        running = RunningEnvelope(population)
        _hear(running, mel[:100])
        assert abs(running.level - measure(mel[:100]).level) < 1.2  # 5 dB
        _hear(running, mel[100:])
        assert abs(running.level - measure(mel).level) < 0.4

    @pytest.mark.parametrize("minutes", [1, 5])
    def test_a_microphone_that_was_off_changes_nothing(self, population, speech, minutes):
        running = RunningEnvelope(population)
        _hear(running, speech)
        before = running.level
        _hear(running, np.full((6000 * minutes, 80), np.log(1e-12), np.float32))
        assert running.level == before
        assert _error(_hear(running, speech), speech) < 0.15

    def test_a_quiet_room_is_not_taken_for_speech(self, population, speech):
        running = RunningEnvelope(population)
        _hear(running, speech)
        noise = np.random.default_rng(1).standard_normal(16_000 * 60).astype(np.float32)
        _hear(running, _mel(np.float32(2e-4) * noise))
        assert abs(running.level - measure(speech).level) < 0.3
        assert _error(_hear(running, speech), speech) < 0.2

    def test_a_knock_does_not_make_the_speech_after_it_faint(self, population, speech):
        running = RunningEnvelope(population)
        _hear(running, speech)
        _hear(running, np.full((4, 80), measure(speech).level + 9.0, np.float32))  # 39 dB above
        assert running.level - measure(speech).level < 1.0
        _hear(running, speech)
        assert abs(running.level - measure(speech).level) < 0.7

    def test_a_louder_speaker_is_followed(self, population, speech):
        running = RunningEnvelope(population)
        _hear(running, speech)
        louder = speech + np.float32(4.6)  # 20 dB
        _hear(running, np.concatenate([louder, louder, louder]))
        assert abs(running.level - measure(louder).level) < 0.7

    def test_long_signals_stay_exact(self, population, speech):
        """Averages that forget, no sums: an hour ends where a minute does."""
        once, long = RunningEnvelope(population), RunningEnvelope(population)
        _hear(once, np.tile(speech, (5, 1)))
        _hear(long, np.tile(speech, (40, 1)))
        assert abs(once.level - long.level) < 0.15
        assert np.isfinite(_hear(long, speech)).all()

    def test_the_population_stays_as_it_was(self, population, speech):
        before = {name: list(values) for name, values in population.items()}
        _hear(RunningEnvelope(population), speech[:100])
        assert population == before


class TestPitch:
    def test_at_first_it_is_the_populations(self):
        assert RunningPitch().hear(0.0) == pytest.approx(POPULATION)

    @pytest.mark.parametrize("hertz", [80.0, 130.0, 260.0])
    def test_it_comes_near_to_the_speakers(self, hertz):
        track = hertz * np.exp(0.15 * contour(3000, np.random.default_rng(2)))
        running = RunningPitch()
        early = [running.hear(float(f0)) for f0 in track[:100]][-1]
        late = [running.hear(float(f0)) for f0 in track[100:]][-1]
        assert abs(early.mean - np.log(hertz)) < 0.35
        assert abs(late.mean - np.log(hertz)) < 0.1
        assert abs(late.spread - 0.15) < 0.08

    def test_unvoiced_frames_count_for_nothing(self):
        running = RunningPitch()
        before = [running.hear(100.0) for _ in range(50)][-1]
        assert [running.hear(0.0) for _ in range(5000)][-1] == before

    def test_a_monotone_has_some_spread(self):
        running = RunningPitch()
        assert [running.hear(100.0) for _ in range(20_000)][-1].spread >= 0.05
