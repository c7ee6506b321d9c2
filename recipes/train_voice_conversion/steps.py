"""The steps of the recipe, each of which goes on where it was interrupted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from recipes.common import say, write
from recipes.staged import Steps
from recipes.train_voice_conversion import (
    ablate,
    checkpoint,
    data,
    evaluate,
    export,
    features,
    labels,
    vocoders,
)
from recipes.train_voice_conversion.corpus import Utterance, heard
from recipes.train_voice_conversion.settings import Config
from recipes.train_voice_conversion.train import Trainer
from voxguard.models import converter, live

SHIPPED = "shipped"


@dataclass(frozen=True)
class Job:
    """What is to be done, and where.

    Attributes:
        config: Settings, and the name of the run.
        utterances: Of the corpus.
        work: Folder that keeps everything between the steps.
        results: Folder for what is published.
        device: In torch's words.
        weights: To evaluate: a file, or ``"shipped"``; "" for those of this run.
    """

    config: Config
    utterances: list[Utterance]
    work: Path
    results: Path
    device: str
    weights: str = ""

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.work / self.config.name

    @property
    def exported(self) -> Path:
        """The file that voxguard loads."""
        return self.run / (live.FILE if self.config.settings.causal else converter.FILE)

    @cached_property
    def training(self) -> list[data.Recorded]:
        """What is trained on."""
        training = [u for u in self.utterances if not u.dev]
        return data.load(training, self.work, recognised=self.config.settings.recognised)

    @cached_property
    def development(self) -> list[data.Recorded]:
        """Other speakers, with transcripts where there are any."""
        dev = [u for u in self.utterances if u.dev]
        return data.load([u for u in dev if u.transcript.split()] or dev, self.work)


def _features(job: Job) -> None:
    features.extract(job.utterances, job.work / "features", job.device)


def _labels(job: Job) -> None:
    labels.align(job.utterances, job.work / "labels")


def _train(job: Job) -> None:
    Trainer(job.config.settings, job.training, job.development, job.run, job.device).run()
    job.results.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.run / checkpoint.LOG, job.results / f"log-{job.config.name}.jsonl")


def _export(job: Job) -> None:
    state = export.finished(job.run)
    sha256 = export.export(state, job.training, job.exported)
    say(f"export: {job.exported}, {job.exported.stat().st_size / 1e6:.1f} MB, SHA-256 {sha256}")


def _evaluate(job: Job) -> None:
    given = job.config.evaluation
    name = job.config.name
    weights: Path | None = job.exported
    if job.weights == SHIPPED:
        name, weights = f"{SHIPPED}-{name}", None
    elif job.weights:
        name, weights = Path(job.weights).stem, Path(job.weights)
    elif not job.exported.exists():
        raise SystemExit(f"{job.exported} is missing: run --step export first")
    found = evaluate.evaluate(
        weights, job.utterances, job.work, given, job.device, live=job.config.settings.causal
    )
    target = job.results / f"{name}-levels{given.levels}.json"
    write(found, target)
    say(f"evaluation: {target}")


def _ablate(job: Job) -> None:
    ablate.ablate(
        job.config.settings,
        job.training,
        job.development,
        job.run,
        job.results / "ablations.json",
        job.device,
    )


def _vocoders(job: Job) -> None:
    given = job.config.evaluation
    found = vocoders.compare(heard(job.utterances, given.utterances), given.seed)
    write(found, job.results / "vocoders.json")


STEPS = Steps(
    {
        "features": _features,
        "labels": _labels,
        "train": _train,
        "export": _export,
        "evaluate": _evaluate,
    },
    {"ablate": _ablate, "vocoders": _vocoders},
)
