"""Time and memory of methods whose needs are known."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

import voxguard
from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.utility.cost import measure_cost

CLIP = np.zeros(16_000, np.float32), 16_000


class Busy:
    """Computes for a while, holding some memory."""

    def __init__(self, seconds=0.0, mebibytes=0, message=""):
        self.seconds, self.mebibytes, self.message = seconds, mebibytes, message

    def __call__(self, samples, sample_rate):
        held = np.ones(self.mebibytes << 17)
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        if self.message:
            raise ValueError(self.message)
        print("a method may print")  # noqa: T201
        return samples + np.float32(held.sum() * 0)


def test_processor_time_and_memory_in_a_process_of_its_own():
    light, heavy = measure_cost(Busy(0.05), [CLIP] * 2), measure_cost(Busy(0.0, 200), [CLIP])
    assert light.rtf == pytest.approx(0.05, abs=0.02)
    assert light.wall_rtf >= 0.9 * light.rtf
    assert light.clip_rtfs.shape == (2,)
    assert light.seconds_of_audio == 2.0
    assert light.how == heavy.how == "peak of a process of its own"
    assert heavy.peak_memory_mib - light.peak_memory_mib == pytest.approx(200, abs=20)


def test_memory_of_this_process_does_not_count():
    before = measure_cost(Busy(), [CLIP])
    held = np.ones(300 << 17)
    after = measure_cost(Busy(), [CLIP])
    assert held.all()
    assert after.peak_memory_mib == pytest.approx(before.peak_memory_mib, abs=20)


IN_A_FRESH_PROCESS = """
import numpy as np
from voxguard.utility.cost import measure_cost

clip = np.zeros(16_000, np.float32), 16_000
cost = measure_cost(lambda samples, rate: samples + np.ones(200 << 17)[0].astype("f") * 0, [clip])
print(cost.how)
print(cost.peak_memory_mib)
"""


def test_what_cannot_be_sent_runs_here():
    # Of its own: the system takes memory back from a process that has run a thousand tests.
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    how, peak = done.stdout.splitlines()
    assert how in ("growth of a process that does more", "peak of the process since its start")
    assert float(peak) > 150


def test_the_warm_up_does_not_count():
    class Slow:
        calls = 0

        def __call__(self, samples, sample_rate):
            self.calls += 1
            Busy(0.3 if self.calls == 1 else 0.0)(samples, sample_rate)

    assert measure_cost(Slow(), [CLIP, CLIP]).rtf < 0.1


def test_channels_and_rates():
    stereo = np.zeros((2, 48_000), np.float32), 48_000
    assert measure_cost(voxguard.McAdams(), [CLIP, stereo]).seconds_of_audio == 2.0


def test_a_method_that_fails():
    with pytest.raises(VoxguardError, match="ValueError: out of luck"):
        measure_cost(Busy(message="out of luck"), [CLIP])


@pytest.mark.parametrize("clips", [[], [(np.zeros(0, np.float32), 16_000)]])
def test_no_clip(clips):
    with pytest.raises(ConfigurationError, match="one at least"):
        measure_cost(Busy(), clips)
