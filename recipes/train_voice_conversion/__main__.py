"""Trains the voice converter that voxguard ships.

    python -m recipes.train_voice_conversion DATA --work WORK [--config offline.yaml]

DATA is a folder with manifest.csv, or "synthetic" for voices that voxguard makes itself, with which
--config smoke.yaml shows in a minute that everything runs. All that is computed is kept in WORK; a
step that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recipes.common import say
from recipes.train_voice_conversion import corpus, settings, synthetic
from recipes.train_voice_conversion.steps import SHIPPED, STEPS, Job
from voxguard.models.hub import pick_device


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    STEPS.main(_parser(), _job, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = STEPS.parser("recipes.train_voice_conversion", __doc__, config="offline.yaml")
    looks = parser.add_argument_group("of --step evaluate")
    looks.add_argument(
        "--weights", default="", help=f'a safetensors file, or "{SHIPPED}" for what the package has'
    )
    for name, kind in (
        ("levels", int),
        ("segments", float),
        ("intonation", float),
        ("tempo", float),
    ):
        looks.add_argument(f"--{name}", type=kind, help="instead of the configuration's")
    return parser


def _job(given: argparse.Namespace) -> Job:
    config = settings.read(given.config)
    chosen = {
        name: getattr(given, name)
        for name in ("levels", "segments", "intonation", "tempo")
        if getattr(given, name) is not None
    }
    config = replace(config, evaluation=replace(config.evaluation, **chosen))
    device = pick_device(given.device)
    say(f"run {config.name} on {device}")
    data = Path(given.data)
    if given.data == "synthetic":
        data = synthetic.make(given.work / "synthetic")
    utterances = corpus.read(
        data,
        dev=config.settings.dev_speakers,
        speakers=config.settings.most_speakers,
        utterances=config.settings.most_utterances,
    )
    return Job(config, utterances, given.work, given.results, device, given.weights)


if __name__ == "__main__":
    main()
