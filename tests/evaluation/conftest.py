"""Speakers that voxguard makes, on disk, and a panel small enough for a test."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from voxguard.audio import AudioWriter
from voxguard.dsp.voice import fundamental_hz, synthetic_voice
from voxguard.evaluation.protocol import AttackerPlan, AttributePlan, DataPlan, Protocol

SPEAKERS, UTTERANCES, SECONDS = 28, 7, 2.0


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """``manifest.csv`` with speaker, split, sex (by pitch) and transcript, and the recordings."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for speaker in range(SPEAKERS):
        for number in range(UTTERANCES):
            name = f"s{speaker:02}/{number}.wav"
            text = 100 * speaker + number
            with AudioWriter(folder / name, 16_000, 1) as file:
                file.write(synthetic_voice(seconds=SECONDS, speaker=speaker, seed=text)[None])
            rows.append(
                {
                    "path": name,
                    "utterance": f"s{speaker:02}-{number}",
                    "speaker": f"s{speaker:02}",
                    "split": "train" if speaker % 2 else "eval",
                    "sex": "F" if fundamental_hz(speaker) > 150 else "M",
                    "transcript": f"number {number}" if number else "",
                }
            )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="session")
def work(tmp_path_factory) -> Path:
    """Originals are embedded once for all tests."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def panel():
    """``panel(backends=..., **settings)``: a protocol on the frozen d-vector."""

    def make(backends=("cosine", "wccn"), **settings) -> Protocol:
        given = {
            "data": DataPlan(enrolment=3),
            "attributes": AttributePlan(("sex",), ("dvector",), 4),
            "populations": (2, 5),
            "lengths": (1, 2),
            "resamples": 100,
            "probe_voices": 3,
        }
        return Protocol("test", attackers=(AttackerPlan("dvector", backends),), **given | settings)

    return make
