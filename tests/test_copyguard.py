"""What comes out as it went in is withheld, however it is cut, cast or sprinkled with changes."""

import numpy as np
import pytest

import voxguard
from voxguard.copyguard import CopyGuard
from voxguard.errors import StreamError, VoxguardError
from voxguard.streaming import Session

RATE = 16_000


class Renderer:
    """Gives back a change of what it gets, at once."""

    latency_samples = 0

    def __init__(self, change):
        self.change = change

    def push(self, samples):
        return self.change(samples.copy())

    def flush(self):
        return np.zeros((1, 0), np.float32)


def first_changed(samples):
    samples[:, :1] += 1e-3
    return samples


def every_fiftieth(samples):
    samples[:, ::50] = 0.0
    return samples


NEAR_COPIES = {
    "copy": lambda x: x,
    "float64": lambda x: x.astype(np.float64) * (1 + 1e-9) + 1e-15,
    "offset": lambda x: x + np.float32(1e-6),
    "first of each chunk": first_changed,
    "every fiftieth": every_fiftieth,
}


@pytest.mark.parametrize("change", NEAR_COPIES.values(), ids=NEAR_COPIES.keys())
@pytest.mark.parametrize("size", [1, 7, 160, 5000])
def test_a_session_goes_silent(voice, change, size):
    if size == 1 and change is not NEAR_COPIES["copy"]:
        change = NEAR_COPIES["float64"]  # the others would change every chunk of one sample
    session = Session(Renderer(change), RATE)
    with pytest.warns(voxguard.PrivacyWarning, match="changed nothing"):
        out = np.concatenate(
            [session.push(voice[start : start + size]) for start in range(0, voice.size, size)]
        )
    sounding = np.flatnonzero(np.abs(voice) > 0.01)[0]
    assert not out[sounding + 500 :].any()
    with pytest.raises(StreamError):
        session.flush()


@pytest.mark.parametrize("change", NEAR_COPIES.values(), ids=NEAR_COPIES.keys())
def test_a_call_withholds(voice, change):
    with pytest.raises(VoxguardError, match="changed nothing"):
        CopyGuard(1).check(voice[None], np.float32(change(voice[None].copy())))


def test_half_a_copy_is_one(voice):
    half = voice[None] * np.float32(0.5)
    half[:, voice.size // 2 :] = voice[voice.size // 2 :]
    with pytest.raises(VoxguardError, match="changed nothing"):
        CopyGuard(1).check(voice[None], half)


def test_one_channel_is_enough(voice):
    both = np.stack([voice, voice])
    with pytest.raises(VoxguardError, match="changed nothing"):
        CopyGuard(2).check(both, both * np.float32([[0.5], [1.0]]))


@pytest.mark.parametrize(
    "still",
    [np.zeros(4000), np.full(4000, 0.3), np.eye(1, 4000, 700)[0], np.repeat([0.2, -0.2], 2000)],
    ids=["silence", "constant", "click", "step"],
)
def test_where_nothing_moves_there_is_no_telling(still):
    samples = still.astype(np.float32)[None]
    CopyGuard(1).check(samples, samples)


def test_short_recordings_count_too(voice):
    short = voice[None, 2000:2040]
    with pytest.raises(VoxguardError, match="changed nothing"):
        CopyGuard(1).check(short, short)
    CopyGuard(1).check(short, -short)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_an_anonymizer_is_never_taken_for_a_copy(make_voice, rate):
    for speaker in range(6):
        voice = make_voice(rate, speaker=speaker, seed=speaker)
        for coefficient in (0.5, 0.95):
            voxguard.McAdams(coefficient=coefficient)(voice, rate)


def test_an_anonymizer_that_is_set_to_do_nothing_is(voice):
    with pytest.raises(VoxguardError, match="changed nothing"):
        voxguard.McAdams(coefficient=1.0)(voice, RATE)
