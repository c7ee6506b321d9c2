from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from voxguard.errors import MissingExtraError, UnsupportedAudioError
from voxguard.utility import quality

NEEDED = ("speechmos", "onnxruntime")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
needs_models = pytest.mark.skipif(bool(missing), reason=f"DNSMOS needs {', '.join(missing)}")


@needs_models
@pytest.mark.filterwarnings("default:::speechmos")
def test_noise_lowers_every_rating(make_voice):
    voice = make_voice(seconds=2.0)
    noise = 0.05 * np.random.default_rng(0).standard_normal(len(voice), dtype=np.float32)
    clean, noisy = quality.dnsmos(voice), quality.dnsmos(voice + noise)
    assert 1.0 <= noisy.overall < clean.overall <= 5.0
    assert noisy.background < clean.background - 0.5
    assert noisy.p808 < clean.p808


@needs_models
def test_odd_lengths_and_levels(make_voice):
    for samples in (np.zeros(1), 20.0 * make_voice(seconds=1.0)):
        rated = quality.dnsmos(samples.astype(np.float32))
        assert 0.5 < rated.overall < 5.0


@needs_models
def test_how_names_the_version():
    assert "DNSMOS" in quality.how()


def test_no_signal():
    with pytest.raises(UnsupportedAudioError):
        quality.dnsmos(np.zeros((2, 100), np.float32))


def test_without_the_package(monkeypatch, voice):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "voxguard.models.optional.find_spec",
        lambda name: None if name == "onnxruntime" else found(name),
    )
    with pytest.raises(MissingExtraError, match=r"voxguard\[quality\]"):
        quality.dnsmos(voice)
