from __future__ import annotations

import time

import numpy as np
import pytest

from voxguard.dsp.voice import _articulate, _Speaker, synthetic_voice
from voxguard.errors import ConfigurationError


def active_level_db(voice: np.ndarray, rate: int) -> float:
    frames = voice[: voice.size // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    return 10 * np.log10(power[power > 1e-3 * power.max()].mean())


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_gives_the_right_length_and_type(rate):
    voice = synthetic_voice(seconds=0.73, sample_rate=rate)
    assert voice.shape == (round(0.73 * rate),)
    assert voice.dtype == np.float32
    assert np.isfinite(voice).all()


def test_it_is_deterministic_and_every_argument_matters():
    first = synthetic_voice(speaker=1, seed=2)
    assert np.array_equal(first, synthetic_voice(speaker=1, seed=2))
    for other in (synthetic_voice(speaker=2, seed=2), synthetic_voice(speaker=1, seed=3)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.3


@pytest.mark.parametrize("speaker", range(0, 60, 3))
def test_level(speaker):
    voice = synthetic_voice(seconds=4.0, speaker=speaker, seed=speaker % 5)
    assert np.abs(voice).max() < 0.9
    assert active_level_db(voice, 16_000) == pytest.approx(-26.0, abs=1.0)


def test_ten_milliseconds_are_not_silent():
    assert np.abs(synthetic_voice(seconds=0.01)).max() > 0.01


def test_the_band_is_limited_and_the_voice_the_same_at_other_rates():
    low, high = (synthetic_voice(sample_rate=rate) for rate in (16_000, 48_000))
    below_8k = np.fft.irfft(np.fft.rfft(high)[: low.size // 2 + 1], low.size) / 3
    away = below_8k - low * (below_8k @ low / (low @ low))
    assert 10 * np.log10((below_8k @ below_8k) / (away @ away)) > 15  # aliases would be in `low`
    spectrum = np.abs(np.fft.rfft(low)) ** 2
    hz = np.fft.rfftfreq(low.size, 1 / 16_000)
    assert spectrum[hz > 7_900].mean() < 0.02 * spectrum[(hz > 6_000) & (hz < 7_500)].mean()


def test_it_looks_like_speech():
    voice = synthetic_voice(seconds=6.0)
    frames = voice.reshape(-1, 320)
    power = (frames.astype(np.float64) ** 2).mean(axis=1)
    assert 0.03 < (power < 1e-4 * power.max()).mean() < 0.5  # pauses
    spectra = np.abs(np.fft.rfft(frames * np.hanning(320))) ** 2
    high_share = spectra[:, 100:].sum(axis=1) / spectra.sum(axis=1)  # above 5 kHz
    loud = power > 0.02 * power.max()
    assert (high_share[loud] > 0.5).mean() > 0.02  # fricatives
    assert (high_share[loud] < 0.05).mean() > 0.4  # vowels
    peaks = spectra[loud & (high_share < 0.05), 8:60].argmax(axis=1)
    assert np.std(peaks * 50) > 150  # formants that move, Hz


def test_a_seed_is_a_text():
    """Two speakers say the same at their own pace; another seed is another text."""

    def openings(speaker, seed):
        """The open and closed mouth over the first syllables, on a common time axis."""
        who = _Speaker(speaker)
        score, _ = _articulate(who, 3.0, np.random.default_rng(seed))
        return np.interp(np.arange(0, 1500) / who.rate, np.arange(len(score)), score[:, 3])

    same = np.corrcoef(openings(1, 5), openings(2, 5))[0, 1]
    other = np.corrcoef(openings(1, 5), openings(1, 6))[0, 1]
    assert same > 0.95
    assert other < 0.6
    first, second = synthetic_voice(speaker=1, seed=5), synthetic_voice(speaker=2, seed=5)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3, "but they share no samples"


def test_it_is_fast():
    synthetic_voice(seconds=0.1)
    took = []
    for _ in range(5):
        start = time.process_time()
        synthetic_voice(seconds=3.0)
        took.append(time.process_time() - start)
    assert min(took) < 0.2


def test_silence_between_phrases_is_not_digital_zero():
    assert (synthetic_voice(seconds=6.0) == 0).mean() < 0.001


def _print_of(voice: np.ndarray, rate: int = 16_000) -> np.ndarray:
    """Long-term features of the voiced frames: spectrum (mean, spread) in mel bands, and F0."""
    frames = np.lib.stride_tricks.sliding_window_view(voice, 640)[::320] * np.hanning(640)
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    periods = np.fft.irfft(power)[:, 40:267]  # 60 to 400 Hz
    lag = periods.argmax(axis=1) + 40
    energy = power.sum(axis=1)
    voiced = (energy > 0.01 * energy.max()) & (periods.max(axis=1) * 1024 > 0.4 * energy)
    mel = np.log1p(np.fft.rfftfreq(2048, 1 / rate) / 700)
    centres = np.linspace(mel[6], mel[-1], 26)
    bands = np.maximum(0, 1 - np.abs(mel - centres[1:-1, None]) / (centres[1] - centres[0]))
    levels = np.log10(power[voiced] @ bands.T + 1e-12)
    levels -= levels.mean(axis=1, keepdims=True)
    f0 = np.log2(rate / lag[voiced])
    return np.concatenate([levels.mean(0), levels.std(0), [np.median(f0)] * 6, [f0.std()]])


def test_speakers_are_told_apart_and_recognised_again():
    speakers = 16
    prints = np.array(
        [
            [_print_of(synthetic_voice(seconds=4.0, speaker=s, seed=k)) for k in range(3)]
            for s in range(speakers)
        ]
    )
    prints = (prints - prints.mean((0, 1))) / prints.std((0, 1))
    prints /= np.linalg.norm(prints, axis=2, keepdims=True)
    enrolled = prints[:, :2].sum(axis=1)
    enrolled /= np.linalg.norm(enrolled, axis=1, keepdims=True)
    scores = np.einsum("sd,tkd->stk", enrolled, prints[:, 2:])
    found = scores.argmax(axis=0) == np.arange(speakers)[:, None]
    assert found.mean() > 0.6  # chance: 0.06
    mated = scores[np.eye(speakers, dtype=bool)].ravel()
    other = scores[~np.eye(speakers, dtype=bool)].ravel()
    eer = min(max((mated < t).mean(), (other >= t).mean()) for t in mated)
    assert eer < 0.2, "a simple attacker must find most synthetic speakers again"


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"sample_rate": 100},
        {"sample_rate": 10**6},
        {"speaker": -1},
        {"seed": -1},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        synthetic_voice(**wrong)
