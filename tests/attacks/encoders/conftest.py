"""Recordings of voices that the tests make."""

from __future__ import annotations

import pytest

from voxguard.attacks.recording import Recording


@pytest.fixture(scope="session")
def make_recordings(make_voice):
    """``make_recordings(speakers=..., each=..., seconds=...)``: a labelled set."""

    def make(speakers=4, each=3, seconds=1.0, first_seed=0):
        return [
            Recording(
                f"{speaker}-{seed}",
                f"s{speaker}",
                lambda speaker=speaker, seed=seed: make_voice(16_000, seconds, speaker, seed),
            )
            for speaker in range(speakers)
            for seed in range(first_seed, first_seed + each)
        ]

    return make
