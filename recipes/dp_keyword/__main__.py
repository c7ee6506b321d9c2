"""Trains recognisers of single words with differential privacy: accuracy against epsilon.

    python -m recipes.dp_keyword DATA --work WORK [--config full.yaml]

DATA is the folder "recordings" of the Free Spoken Digit Dataset, a folder with manifest.csv, or
"synthetic" for voices that voxguard makes itself, with which --config smoke.yaml shows in a minute
that everything runs. Every training that is done is kept in WORK; the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from recipes import common
from recipes.common import say, write
from recipes.dp_keyword import corpus, settings, synthetic
from recipes.dp_keyword.envelopes import envelopes
from recipes.dp_keyword.experiment import Experiments
from voxguard.errors import VoxguardError
from voxguard.models.hub import pick_device


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    given = _parser().parse_args(arguments)
    try:
        config = settings.read(given.config, given.seed)
        device = pick_device(given.device)
        data = Path(given.data)
        if given.data == "synthetic":
            data = synthetic.make(given.work / "synthetic")
        clips = corpus.read(data, config.most_clips)
        say(f"{config.name}: {len(config.runs)} trainings on {len(clips)} clips, {device}")
        mels = envelopes([clip.path for clip in clips], given.work / "envelopes")
        experiments = Experiments(config, clips, mels, given.work, device)
        found = [experiments.run(run) for run in config.runs]
        results = given.results or given.work / "results"
        write(found, results / f"{config.name}.json")
    except VoxguardError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None


def _parser() -> argparse.ArgumentParser:
    parser = common.parser("recipes.dp_keyword", __doc__, config="full.yaml")
    parser.add_argument("--seed", type=int, help="instead of all seeds of the configuration")
    parser.add_argument("--device", default="auto", help="auto takes a GPU where there is one")
    parser.add_argument("--results", type=Path, help="WORK/results by default")
    return parser


if __name__ == "__main__":
    main()
