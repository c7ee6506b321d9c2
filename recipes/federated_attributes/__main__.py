"""Federated training with a speaker a client, by Flower, and what the updates tell.

    python -m recipes.federated_attributes DATA --work WORK [--config full.yaml] [--deployment]

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
from recipes.federated_attributes import corpus, settings, synthetic
from recipes.federated_attributes.steps import STEPS, Job, gather
from voxguard.errors import VoxguardError

RECIPE = "federated_attributes"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    given = _parser().parse_args(arguments)
    try:
        config = settings.read(given.config)
        if given.seed:
            config = replace(config, settings=replace(config.settings, seeds=tuple(given.seed)))
        job = Job(config, read_corpus(given.data, given.work, config.settings), given.work, RECIPE)
        wanted = [given.step] if given.step != "all" else [s for s in STEPS if s != "deployment"]
        for step in [*wanted, *(["deployment"] if given.deployment else [])]:
            say(f"== {step}")
            STEPS[step](job)
        gather(job, given.results or given.work / RECIPE / "results")
    except VoxguardError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None


def read_corpus(data: str, work: Path, given: settings.Settings) -> corpus.Corpus:
    """Of a folder, or of synthetic voices."""
    folder = synthetic.make(work / "synthetic") if data == "synthetic" else Path(data)
    found = corpus.read(folder, held_out=given.held_out, most_clients=given.most_clients)
    say(f"{len(found.clients)} speakers are clients, {len(found.held_out)} are tested on")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = common.parser("recipes.federated_attributes", __doc__, config="full.yaml")
    parser.add_argument("--step", choices=["all", *STEPS], default="all")
    parser.add_argument(
        "--deployment", action="store_true", help="a SuperLink and SuperNodes on loopback as well"
    )
    parser.add_argument(
        "--seed", type=int, action="append", help="instead of the configuration's; may be repeated"
    )
    parser.add_argument("--results", type=Path, help="WORK/federated_attributes/results by default")
    return parser


if __name__ == "__main__":
    main()
