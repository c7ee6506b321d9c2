"""Trains ECAPA-TDNN for speaker verification with differential privacy.

    python -m recipes.dp_speaker_verification DATA --work WORK [--config full.yaml]

DATA is a folder with manifest.csv or with a folder for each speaker, or "synthetic" for voices that
voxguard makes itself, with which --config smoke.yaml shows in a minute that everything runs. Every
run leaves a file in WORK; what is there is not done again, and what was interrupted goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes import common
from recipes.common import say
from recipes.dp_speaker_verification import corpus, settings, summary, synthetic
from recipes.dp_speaker_verification.features import Features
from recipes.dp_speaker_verification.runs import Runs
from recipes.dp_speaker_verification.speech import Speech
from voxguard.errors import VoxguardError
from voxguard.models.hub import pick_device


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    given = _parser().parse_args(arguments)
    try:
        whole = settings.read(given.config)
        data = Path(given.data)
        if given.data == "synthetic":
            data = synthetic.make(given.work / "synthetic")
        spoken = corpus.read(data, whole.settings)
        features = Features(given.work / "features")
        features.compute(spoken.utterances)
        config = whole.only(methods=given.method, seeds=given.seed)
        device = pick_device(given.device)
        say(
            f"{config.name} on {device}: {len(spoken.public)} public and {len(spoken.private)} "
            f"private speakers, {len({u.speaker for u in spoken.test})} to verify"
        )
        runs = Runs(config, Speech(spoken, features, config.settings), given.work, device)
        runs.check(whole)
        runs.all()
        results = given.results or given.work / "results"
        summary.write_summary(runs.finished, results / f"{config.name}.json")
    except VoxguardError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None


def _parser() -> argparse.ArgumentParser:
    parser = common.parser("recipes.dp_speaker_verification", __doc__, config="full.yaml")
    parser.add_argument("--seed", type=int, action="append", help="only this one; may be repeated")
    parser.add_argument("--method", action="append", help="only this one; may be repeated")
    parser.add_argument("--device", default="cpu", help="auto takes a GPU where there is one")
    parser.add_argument("--results", type=Path, help="WORK/results by default")
    return parser


if __name__ == "__main__":
    main()
