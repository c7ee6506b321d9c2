"""The d-vector against resemblyzer's own code, and its front end against closed forms."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings

import numpy as np
import pytest

from voxguard.errors import ConfigurationError, MissingExtraError, UnsupportedAudioError
from voxguard.models import dvector
from voxguard.models.mel import hz_to_mel, mel_filterbank, mel_power, mel_to_hz
from voxguard.models.silence import trim_long_silences

pytest.importorskip("torch")
RATE = 16_000


@pytest.fixture(scope="module")
def model():
    return dvector.DVectorModel()


@pytest.fixture(scope="module")
def reference():
    """Resemblyzer's own encoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports are of older packages
        try:
            resemblyzer = importlib.import_module("resemblyzer")
        except Exception as error:
            pytest.skip(f"resemblyzer cannot be imported: {error}")
        return resemblyzer.VoiceEncoder("cpu", verbose=False)


@pytest.mark.parametrize("seconds", [0.4, 1.6, 1.605, 2.0, 2.9, 3.3, 5.0])
def test_it_is_resemblyzers_encoder(model, reference, make_voice, seconds):
    samples = make_voice(seconds=seconds, speaker=3)
    np.testing.assert_allclose(model.embed(samples), reference.embed_utterance(samples), atol=2e-6)


def test_it_is_resemblyzers_encoder_on_real_speech(model, reference, shared_data):
    from voxguard.audio import read

    for path in sorted((shared_data / "speech" / "eval").rglob("*.flac"))[:40:20]:
        samples = read(path)[0][0]
        np.testing.assert_allclose(
            model.embed(samples), reference.embed_utterance(samples), atol=2e-6
        )


def test_resemblyzer_itself_is_not_imported():
    code = (
        "import sys; from voxguard.models.dvector import DVectorModel; DVectorModel();"
        "print(sorted({'resemblyzer', 'librosa', 'webrtcvad', 'torchaudio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_absent_package_is_named_with_its_extra(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        dvector, "find_spec", lambda name: None if name == "resemblyzer" else real(name)
    )
    with pytest.raises(MissingExtraError, match=r"needs resemblyzer.*voxguard\[eval\]"):
        dvector.DVectorModel()


def test_damaged_weights_are_no_weights(monkeypatch, tmp_path):
    (tmp_path / "pretrained.pt").write_bytes(b"not weights")
    spec = importlib.util.spec_from_loader("resemblyzer", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(dvector, "find_spec", lambda name: spec)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        dvector.pretrained_weights()


def test_weights_of_something_else(model):
    state = model.state()
    with pytest.raises(ConfigurationError, match="not the weights of a d-vector"):
        dvector.DVectorModel(weights={**state, "linear.weight": state["linear.weight"][:5]})
    del state["linear.bias"]
    with pytest.raises(ConfigurationError, match=r"linear\.bias"):
        dvector.DVectorModel(weights=state)


def test_level_does_not_matter_once_it_is_brought_up(model, make_voice):
    samples = make_voice(seconds=2.0)
    quiet = (0.01 * samples).astype(np.float32)
    loud = model.embed((10 ** (-4 / 20) * samples).astype(np.float32), trim=True)
    assert model.embed(quiet, trim=True) @ loud > 0.99999
    assert model.embed(quiet) @ loud < 0.95


def test_pauses_do_not_matter_once_they_are_short(model, make_voice):
    voices = [make_voice(seconds=2.0, seed=seed) for seed in (0, 1)]
    pause = np.zeros(4 * RATE, np.float32)
    spoken = model.embed(np.concatenate(voices), trim=True)
    paused = np.concatenate([voices[0], pause, voices[1]])
    assert model.embed(paused, trim=True) @ spoken > model.embed(paused) @ spoken
    assert model.embed(paused, trim=True) @ spoken > 0.98


def test_digital_silence_has_no_voice(model):
    with pytest.raises(UnsupportedAudioError, match="digital silence"):
        model.embed(np.zeros(RATE, np.float32))


def test_the_windows_are_those_of_the_padded_mel():
    for size in range(1, 80_000, 997):
        mel = dvector.utterance_mel(np.full(size, 0.1, np.float32), trim=False)
        starts = dvector.window_starts(len(mel))
        assert starts[-1] + dvector.WINDOW <= len(mel)


def test_mel_scale_is_its_own_inverse():
    hz = np.linspace(0, 8000, 50)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)


def test_filters_have_unit_area_and_peaks_on_the_scale():
    filters = mel_filterbank(40, 4000, RATE)
    np.testing.assert_allclose(filters.sum(axis=1) * (RATE / 4000), 1.0, rtol=0.02)
    peaks = hz_to_mel(filters.argmax(axis=1) * RATE / 4000)
    np.testing.assert_allclose(np.diff(peaks), np.diff(peaks).mean(), atol=0.1)


def test_a_tone_is_heard_in_its_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    mel = mel_power(tone, bands=40)
    edges = mel_to_hz(np.linspace(0, hz_to_mel(RATE / 2), 42))
    band = int(mel[50].argmax())
    assert edges[band] < 1000 < edges[band + 2]
    assert mel.shape == (101, 40)


def test_librosa_gives_the_same_mel(make_voice):
    librosa = pytest.importorskip("librosa")
    samples = make_voice(seconds=1.0)
    theirs = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=400, hop_length=160, n_mels=40
    ).T
    np.testing.assert_allclose(mel_power(samples, bands=40), theirs, rtol=1e-3, atol=1e-6)


def test_speech_stays_and_long_silence_goes(make_voice):
    voice = make_voice(seconds=1.5)
    noise = 1e-3 * np.random.default_rng(0).normal(size=3 * RATE).astype(np.float32)
    kept = trim_long_silences(np.concatenate([noise, voice, noise]).astype(np.float32))
    assert kept.size < voice.size + 0.6 * RATE
    assert np.sum(kept**2) > 0.99 * np.sum(voice**2)


def test_steady_and_short_signals_are_left_whole():
    rng = np.random.default_rng(0)
    steady = rng.normal(size=RATE).astype(np.float32)
    assert trim_long_silences(steady).size == RATE // 480 * 480
    assert trim_long_silences(steady[:500]).size == 500
    assert trim_long_silences(np.zeros(RATE, np.float32)).size == RATE // 480 * 480
