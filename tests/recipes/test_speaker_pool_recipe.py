"""The check of the speaker pool's recipe, on made-up speakers."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voxguard.models.dvector import unit
from voxguard.models.real_voices import RealVoices

pytest.importorskip("torch")
pytest.importorskip("safetensors")

SCRIPT = Path(__file__).parents[2] / "recipes" / "speaker_pool" / "membership.py"


@pytest.fixture(scope="module")
def recipe():
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def real():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(160, 6)) @ rng.normal(size=(6, 256)) + rng.normal(size=(160, 256))
    sex = np.array(list("FM" * 80))
    pitch = np.where(sex == "F", 5.2, 4.7) + 0.1 * rng.normal(size=160)
    return RealVoices(unit(np.maximum(vectors, 0.0)), pitch, np.full(160, 0.2), sex)


def test_members_cannot_be_told_by_their_nearest_voice(recipe, real):
    rng = np.random.default_rng(1)
    found = [recipe["advantage"](real, 60, rng) for _ in range(6)]
    assert 0.4 < np.mean(found) < 0.65


def test_members_would_be_told_if_their_own_voices_were_in_the_pool(recipe, real, monkeypatch):
    """The check itself is no blind one."""

    class Copied:
        def __init__(self, half, voices, rng):
            self.vectors = half.vectors[:voices].astype(np.float32)

    advantage = recipe["advantage"]
    monkeypatch.setitem(advantage.__globals__, "fit_pool", Copied)
    assert advantage(real, 1000, np.random.default_rng(1)) == 1.0


def test_the_command_says_what_it_takes():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    )
    assert "50 % is chance" in done.stdout
