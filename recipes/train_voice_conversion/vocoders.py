"""What synthesis alone costs: the dev utterances taken apart and put together again.

No network is between analysis and synthesis, so this is the ceiling of everything that uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from recipes.common import say, told
from recipes.train_voice_conversion.corpus import Utterance
from recipes.train_voice_conversion.features import aperiodicity, load
from recipes.train_voice_conversion.utility import Words
from voxguard.arrays import Samples
from voxguard.dsp.envelope import log_mel_envelope
from voxguard.dsp.pitch import SAMPLE_RATE, track_f0
from voxguard.dsp.vocoder import synthesize
from voxguard.models.optional import optional

Vocoder = Callable[[Samples], Samples]


def same(samples: Samples) -> Samples:
    """Nothing is done."""
    return samples


def source_filter(samples: Samples) -> Samples:
    """The synthesis of the converter, from 80 bands every 10 ms."""
    f0 = track_f0(samples)
    bands = log_mel_envelope(samples, f0)
    noise = aperiodicity(samples, f0)
    return synthesize(f0, bands, noise, np.random.default_rng(0))


def world(frame_ms: float) -> Vocoder:
    """WORLD with DIO and StoneMask, from all of its bins."""
    module = optional("pyworld", "eval", "WORLD")

    def resynthesise(samples: Samples) -> Samples:
        signal = samples.astype(np.float64)
        coarse, times = module.dio(signal, SAMPLE_RATE, frame_period=frame_ms)
        f0 = module.stonemask(signal, coarse, times, SAMPLE_RATE)
        envelope = module.cheaptrick(signal, f0, times, SAMPLE_RATE)
        noise = module.d4c(signal, f0, times, SAMPLE_RATE)
        made = module.synthesize(f0, envelope, noise, SAMPLE_RATE, frame_ms)
        return np.asarray(made, np.float32)

    return resynthesise


def compare(dev: list[Utterance], seed: int) -> dict[str, Any]:
    """Word error rate and speed of each."""
    vocoders = {
        "original": same,
        "source_filter": source_filter,
        "world_10ms": world(10.0),
        "world_5ms": world(5.0),
    }
    found = {}
    for name, vocoder in vocoders.items():
        say(f"vocoder: {name}")
        words, spent, audio = Words(), 0.0, 0.0
        for utterance in told("utterances", dev):
            samples = load(utterance.path)
            began = time.process_time()
            made = vocoder(samples)[: len(samples)]
            spent += time.process_time() - began
            audio += len(samples) / SAMPLE_RATE
            words.hear(made, utterance)
        found[name] = {"wer": words.figure(seed), "rtf": round(spent / audio, 4)}
    return found
