"""Federated training with speaker-level DP: utility against epsilon, attacks before and after.

    python -m recipes.federated_dp DATA --work WORK [--config full.yaml]

DATA is a folder with manifest.csv, or "synthetic" for voices that voxguard makes itself, with which
--config smoke.yaml shows in a minute that everything runs. All that is computed is kept in WORK; a
step that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recipes import common
from recipes.common import say
from recipes.federated_attributes import settings
from recipes.federated_attributes.__main__ import read_corpus
from recipes.federated_attributes.steps import Job, gather
from recipes.federated_dp.settings import CONFIGS, Settings
from recipes.federated_dp.steps import STEPS
from voxguard.errors import VoxguardError

RECIPE = "federated_dp"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    given = _parser().parse_args(arguments)
    try:
        config = settings.read(given.config, CONFIGS, Settings)
        if given.seed:
            config = replace(config, settings=replace(config.settings, seeds=tuple(given.seed)))
        job = Job(config, read_corpus(given.data, given.work, config.settings), given.work, RECIPE)
        for step in [given.step] if given.step != "all" else STEPS:
            say(f"== {step}")
            STEPS[step](job)
        gather(job, given.results or given.work / RECIPE / "results")
    except VoxguardError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None


def _parser() -> argparse.ArgumentParser:
    parser = common.parser("recipes.federated_dp", __doc__, config="full.yaml")
    parser.add_argument("--step", choices=["all", *STEPS], default="all")
    parser.add_argument(
        "--seed", type=int, action="append", help="instead of the configuration's; may be repeated"
    )
    parser.add_argument("--results", type=Path, help="WORK/federated_dp/results by default")
    return parser


if __name__ == "__main__":
    main()
