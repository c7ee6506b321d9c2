"""A method for the tests: slow on demand, and the death of its process on demand."""

import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from voxguard import Anonymizer, PseudoVoice


@dataclass(frozen=True, repr=False)
class Gain(PseudoVoice):
    gain: float


class Deadly(Anonymizer):
    """Inverts the spectrum at a random gain.

    Args:
        pause_ms: Time to waste on every recording.
        kills: Length in samples of a recording that kills the process; 0 for none.
    """

    name = "test-deadly"

    def __init__(self, *, pause_ms=0, kills=0, **randomness):
        super().__init__(**randomness)
        self.pause_ms = pause_ms
        self.kills = kills

    def draw(self, rng):
        return Gain(float(rng.uniform(0.2, 0.8)))

    def render(self, samples, sample_rate, voice):
        time.sleep(self.pause_ms / 1000)
        if samples.shape[1] == self.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        signs = np.where(np.arange(samples.shape[1]) % 2, -voice.gain, voice.gain)
        return samples * signs.astype(np.float32)
