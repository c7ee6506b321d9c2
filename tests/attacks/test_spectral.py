"""Spectral shapes are those that librosa measures, and librosa is not needed for them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from voxguard.attacks import spectral

RATE, FFT, WINDOW, HOP = 16_000, 512, 400, 160
HERTZ = np.fft.rfftfreq(FFT, 1.0 / RATE)


def signals():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=9_000)
    return {
        "noise": noise,
        "a tone": np.sin(2 * np.pi * 440 * np.arange(9_000) / RATE),
        "noise after silence": np.where(np.arange(9_000) < 5_000, 0.0, noise),
        "low noise": np.convolve(noise, np.hanning(60), "same"),
        "shorter than a window": noise[:100],
        "silence": np.zeros(2_000),
    }


@pytest.fixture(params=signals())
def signal(request):
    return signals()[request.param]


@pytest.fixture
def magnitude(signal):
    return spectral.magnitudes(signal, n_fft=FFT, window=WINDOW, hop=HOP)


@pytest.fixture(scope="module")
def librosa():
    return pytest.importorskip("librosa")


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
def test_magnitudes(librosa, signal, magnitude):
    theirs = np.abs(librosa.stft(signal, n_fft=FFT, hop_length=HOP, win_length=WINDOW))
    np.testing.assert_allclose(magnitude, theirs, rtol=1e-9, atol=1e-12)


def test_cepstrum(librosa, magnitude):
    filters = librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=40, dtype=np.float64)
    level = librosa.power_to_db(filters @ magnitude**2, top_db=80.0)
    np.testing.assert_allclose(
        spectral.mfcc(magnitude, 20, bands=40, sample_rate=RATE),
        librosa.feature.mfcc(S=level, n_mfcc=20),
        atol=1e-9,
    )


def test_rolloff(librosa, magnitude):
    theirs = librosa.feature.spectral_rolloff(S=magnitude, sr=RATE)[0]
    assert (spectral.rolloff(magnitude, HERTZ) == theirs).all()


def test_flatness(librosa, magnitude):
    theirs = librosa.feature.spectral_flatness(S=magnitude)[0]
    np.testing.assert_allclose(spectral.flatness(magnitude), theirs, rtol=1e-9)


@pytest.mark.parametrize("octaves", [2, 5])
def test_contrast(librosa, magnitude, octaves):
    theirs = librosa.feature.spectral_contrast(S=magnitude, sr=RATE, n_bands=octaves)
    np.testing.assert_allclose(spectral.contrast(magnitude, HERTZ, octaves), theirs, atol=1e-9)


def test_features_do_without_librosa_which_compiles_itself():
    pytest.importorskip("pyworld")
    code = (
        "import sys, voxguard\n"
        "from voxguard.attacks.features import acoustic_features\n"
        "acoustic_features(voxguard.synthetic_voice(seconds=0.5))\n"
        "print(sorted({'librosa', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
