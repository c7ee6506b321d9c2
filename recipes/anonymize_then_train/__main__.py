"""Trains a recogniser of words on raw and on anonymized speech, and looks at what each tells.

    python -m recipes.anonymize_then_train DATA --work WORK [--config full.yaml]

DATA is the folder "recordings" of the Free Spoken Digit Dataset, a folder with manifest.csv, or
"synthetic" for voices that voxguard makes itself, with which --config smoke.yaml shows in a minute
that everything runs. Every part that is done is kept in WORK; the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recipes import common
from recipes.anonymize_then_train import settings
from recipes.anonymize_then_train.recogniser import Recipe
from recipes.anonymize_then_train.renderings import render
from recipes.anonymize_then_train.settings import Config
from recipes.anonymize_then_train.study import RAW, Corpus, study, tensor
from recipes.common import say, write
from recipes.dp_keyword import corpus, synthetic
from recipes.dp_keyword.corpus import Clip
from recipes.dp_keyword.envelopes import envelopes
from recipes.dp_keyword.features import plain
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
        say(f"{config.name}: {len(clips)} clips, {device}")
        found = [
            result
            for method in (RAW, *config.methods)
            for result in _of_method(method, config, clips, given.work, device)
        ]
        write(found, (given.results or given.work / "results") / f"{config.name}.json")
    except VoxguardError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on from here") from None


def _of_method(
    method: str, config: Config, clips: list[Clip], work: Path, device: str
) -> list[dict[str, Any]]:
    """All seeds."""
    runs = work / "runs" / config.name
    targets = {seed: runs / f"{method}-seed{seed}.json" for seed in config.seeds}
    if not all(target.exists() for target in targets.values()):
        made, seconds = _corpus(method, config, clips, work)
        recipe = Recipe(len(corpus.words(clips)), config.hidden, config.epochs, device)
        for seed, target in targets.items():
            if target.exists():
                continue
            result = study(made, recipe, seed, pairs=config.pairs, splits=config.splits)
            write({"method": method, "seed": seed, "rendering_seconds": seconds} | result, target)
            say(f"{method}, seed {seed}: accuracy {result['accuracy']}, {result['seconds']:.0f} s")
    return [json.loads(target.read_text()) for target in targets.values()]


def _corpus(method: str, config: Config, clips: list[Clip], work: Path) -> tuple[Corpus, float]:
    """Features of the recordings and of their renderings; the seconds that these took now."""
    paths = [clip.path for clip in clips]
    sources, seconds = [paths], 0.0
    for copy in range(config.copies if method != RAW else 0):
        made, spent = render(paths, method, copy, work / "anonymized")
        sources.append(made)
        seconds += spent
    raw, *views = [
        tensor(plain(envelopes(some, work / "envelopes", f"envelopes, {method}")))
        for some in sources
    ]
    known = corpus.words(clips)
    is_tested = np.array([clip.split == "test" for clip in clips])
    return Corpus(
        raw,
        tuple(views),
        np.array([known.index(clip.word) for clip in clips]),
        np.array([clip.speaker for clip in clips]),
        np.flatnonzero(~is_tested),
        np.flatnonzero(is_tested),
    ), round(seconds, 1)


def _parser() -> argparse.ArgumentParser:
    parser = common.parser("recipes.anonymize_then_train", __doc__, config="full.yaml")
    parser.add_argument("--seed", type=int, help="instead of all seeds of the configuration")
    parser.add_argument("--device", default="auto", help="auto takes a GPU where there is one")
    parser.add_argument("--results", type=Path, help="WORK/results by default")
    return parser


if __name__ == "__main__":
    main()
