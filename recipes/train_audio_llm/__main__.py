"""Trains a small audio LLM in minutes, for probes of what such models tell and remember.

    python -m recipes.train_audio_llm DATA --work WORK [--config base.yaml]

DATA is a folder with manifest.csv, or "synthetic" for voices that voxguard makes itself, with which
--config smoke.yaml shows in a minute that everything runs. All that is computed is kept in WORK; a
step that was interrupted goes on where it was. The model is WORK/<configuration>/model, in the
format of transformers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from recipes.common import say
from recipes.train_audio_llm import corpus, settings, synthetic
from recipes.train_audio_llm.job import Job
from recipes.train_audio_llm.steps import STEPS
from voxguard.anonymizers.base import methods
from voxguard.models.hub import pick_device


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    STEPS.main(_parser(), _job, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = STEPS.parser("recipes.train_audio_llm", __doc__, config="base.yaml")
    parser.add_argument(
        "--anonymizer",
        default="",
        choices=methods(),
        help="what the members go through before they are trained on, in --step members",
    )
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    return parser


def _job(given: argparse.Namespace) -> Job:
    config = settings.read(given.config, given.seed)
    device = pick_device(given.device)
    say(f"run {config.name} on {device}, {torch.get_num_threads()} threads")
    data = Path(given.data)
    if given.data == "synthetic":
        data = synthetic.make(given.work / "synthetic")
    utterances = corpus.read(
        data,
        speakers=config.settings.most_speakers,
        utterances=config.settings.most_utterances,
    )
    return Job(config, utterances, given.work, given.results, device, given.anonymizer)


if __name__ == "__main__":
    main()
