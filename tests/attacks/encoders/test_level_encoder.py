"""Levels of signals whose level is known, and what they tell."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.encoders.level import levels
from voxguard.attacks.recording import Recording
from voxguard.errors import UnsupportedAudioError

RATE = 16_000


def test_levels_are_those_of_the_signal():
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    tone[RATE:] *= 1e-3
    found = levels(tone.astype(np.float32), "u")
    assert found["speech_db"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.05)
    assert found["floor_db"] == pytest.approx(found["speech_db"] - 60, abs=0.05)
    assert found["peak_db"] == pytest.approx(20 * np.log10(0.5), abs=0.01)


def test_a_gain_moves_all_of_them_and_nothing_else_does(make_voice):
    one, other = make_voice(seconds=2.0), make_voice(seconds=2.0, speaker=3)
    was, quieter, who = (levels(x, "u") for x in (one, (0.1 * one).astype(np.float32), other))
    for name in ("speech_db", "peak_db"):
        assert quieter[name] == pytest.approx(was[name] - 20, abs=0.01)
        assert who[name] == pytest.approx(was[name], abs=6)


def test_recordings_of_one_gain_are_alike(make_voice):
    encoder = create_encoder("level")
    loud, quiet = (
        [
            encoder.embed(
                Recording("u", "s", lambda s=s, g=g: (g * make_voice(seed=s)).astype("f4"))
            )
            for s in range(3)
        ]
        for g in (1.0, 0.2)
    )

    def angle(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert min(angle(loud[0], loud[1]), angle(quiet[0], quiet[2])) > angle(loud[0], quiet[1]) + 0.05


@pytest.mark.parametrize("size", [1, 100, 319, 321])
def test_short_recordings(size, make_voice):
    vector = create_encoder("level").embed(
        Recording("u", "s", lambda: make_voice()[4000 : 4000 + size])
    )
    assert vector.shape == (4,)
    assert np.isfinite(vector).all()


def test_digital_silence_has_no_level():
    with pytest.raises(UnsupportedAudioError, match="u: digital silence"):
        create_encoder("level").embed(Recording("u", "s", lambda: np.zeros(900, np.float32)))


def test_the_level_of_the_speech_alone(make_voice):
    recording = Recording("u", "s", lambda: make_voice(seconds=2.0))
    every, alone = (create_encoder("level", pauses_and_peaks=given) for given in (True, False))
    assert alone.embed(recording)[0] == every.embed(recording)[0]
    assert alone.fingerprint != every.fingerprint
