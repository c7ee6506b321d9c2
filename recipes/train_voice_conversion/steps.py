"""The steps of the recipe, each of which goes on where it was interrupted."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from recipes.common import say, write
from recipes.staged import Steps
from recipes.train_voice_conversion import (
    ablate,
    checkpoint,
    content,
    data,
    evaluate,
    export,
    features,
    labels,
    vocoders,
)
from recipes.train_voice_conversion.corpus import Utterance, heard
from recipes.train_voice_conversion.pupil import Pupil
from recipes.train_voice_conversion.settings import Config
from recipes.train_voice_conversion.train import Trainer
from voxguard.models import converter, live
from voxguard.models.network_numpy import NumpyNetwork
from voxguard.models.shipped import pretrained, shipped

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
        return self.run / self.file

    @property
    def file(self) -> str:
        """Name of the file that voxguard loads."""
        return live.FILE if self.config.settings.causal else converter.FILE

    @property
    def looked_at(self) -> tuple[str, Path | None]:
        """Name and file of the weights that are evaluated; no file for those that ship."""
        name = self.config.name
        if self.weights == SHIPPED:
            return f"{SHIPPED}-{name}", None
        if self.weights:
            return Path(self.weights).stem, Path(self.weights)
        if not self.exported.exists():
            raise SystemExit(f"{self.exported} is missing: run --step export first")
        return name, self.exported

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
    kind = Pupil if job.config.settings.teacher else Trainer
    kind(job.config.settings, job.training, job.development, job.run, job.device).run()
    job.results.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.run / checkpoint.LOG, job.results / f"log-{job.config.name}.jsonl")


def _export(job: Job) -> None:
    state = export.finished(job.run)
    sha256 = export.export(state, job.training, job.exported)
    say(f"export: {job.exported}, {job.exported.stat().st_size / 1e6:.1f} MB, SHA-256 {sha256}")


def _evaluate(job: Job) -> None:
    given = job.config.evaluation
    name, weights = job.looked_at
    found = evaluate.evaluate(
        weights, job.utterances, job.work, given, job.device, live=job.config.settings.causal
    )
    segments = f"-segments{given.segments:g}" if given.segments else ""
    tempo = f"-tempo{given.tempo:g}" if given.tempo else ""
    target = job.results / f"{name}-levels{given.levels}{segments}{tempo}.json"
    write(found, target)
    say(f"evaluation: {target}")


def _content(job: Job) -> None:
    name, file = job.looked_at
    weights = shipped(job.file) if file is None else pretrained(file, job.file)
    counts = Counter(u.speaker for u in job.utterances)
    attacked, others = (
        data.load(
            [u for u in job.utterances if (counts[u.speaker] > 1) == several],
            job.work,
            recognised=True,
        )
        for several in (True, False)
    )
    given = job.config.evaluation
    trained = {"steps": given.content_steps, "seed": given.seed}
    found = content.leaks(NumpyNetwork(weights), attacked, others, **trained)
    words = content.words(attacked, others, **trained)
    write(
        {"weights": weights.sha256, "content": found, "words": words},
        job.results / f"content-{name}.json",
    )


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
    {"content": _content, "ablate": _ablate, "vocoders": _vocoders},
)
