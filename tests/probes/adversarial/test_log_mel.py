"""Whisper's features in torch: the same numbers, and a slope that is the right one."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.probes.adversarial import LogMel

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def extractor(**options):
    return transformers.WhisperFeatureExtractor(**options)


@pytest.mark.parametrize("mels", [64, 80, 128])
@pytest.mark.parametrize("seconds", [2, 8, 30])
@pytest.mark.parametrize("length", [400, 20_001, 32_000])
def test_it_gives_what_the_extractor_gives(make_voice, mels, seconds, length):
    own = extractor(feature_size=mels, chunk_length=seconds)
    samples = make_voice(seconds=2.0, speaker=3)[:length]
    wanted = own(samples, sampling_rate=16_000, return_tensors="pt")["input_features"]
    made = LogMel(own)(torch.tensor(samples))
    assert made.shape == wanted.shape
    assert float((made - wanted).abs().max()) < 1e-4


def test_fewer_frames_are_those_of_a_shorter_window(make_voice):
    samples = torch.tensor(make_voice(seconds=1.0))
    short = LogMel(extractor(chunk_length=2))(samples)
    assert torch.equal(LogMel(extractor(chunk_length=30))(samples, 200), short)


def test_the_slope_is_that_of_small_steps(make_voice):
    log_mel = LogMel(extractor(feature_size=64, chunk_length=2))
    samples = torch.tensor(make_voice(seconds=0.5)).double().float()
    weights = torch.randn(1, 64, 200, generator=torch.Generator().manual_seed(0))
    moved = samples.clone().requires_grad_()
    (slope,) = torch.autograd.grad((weights * log_mel(moved)).sum(), moved)
    step = 1e-4 * slope / slope.norm()
    with torch.no_grad():
        ahead, behind = ((weights * log_mel(samples + s)).sum() for s in (step, -step))
    assert float(ahead - behind) == pytest.approx(2e-4 * float(slope.norm()), rel=0.05)


def test_digital_silence_has_features_and_a_finite_slope():
    own = extractor(chunk_length=2)
    samples = torch.zeros(16_000, requires_grad=True)
    made = LogMel(own)(samples)
    wanted = own(np.zeros(16_000, np.float32), sampling_rate=16_000, return_tensors="pt")
    assert torch.allclose(made, wanted["input_features"])
    (slope,) = torch.autograd.grad(made.sum(), samples)
    assert torch.isfinite(slope).all()


def test_what_it_cannot_do_is_said():
    with pytest.raises(ConfigurationError, match="Whisper's extractor"):
        LogMel(object())
    with pytest.raises(UnsupportedAudioError, match="at most 2 s"):
        LogMel(extractor(chunk_length=2))(torch.zeros(32_001))
    with pytest.raises(UnsupportedAudioError, match="one channel"):
        LogMel(extractor(chunk_length=2))(torch.zeros(2, 16_000))
