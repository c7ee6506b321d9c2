"""The steps of the recipe, each of which goes on where it was interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from recipes.common import say, write
from recipes.staged import Steps
from recipes.train_audio_llm import alignment, evaluate, features, lessons, members
from recipes.train_audio_llm.corpus import TRAINED
from recipes.train_audio_llm.job import Job, there
from recipes.train_audio_llm.wordings import FIRST, TALK

ABOUT = "training.json"


def _align(job: Job) -> None:
    alignment.align(job.to_align(), job.work / "alignments")


def _features(job: Job) -> None:
    given = job.config.settings
    hear = features.extractor(given.mels, given.seconds)
    features.extract(job.utterances, hear, job.shared)


def _listen(job: Job) -> None:
    model, _ = job.untrained()
    recorded = job.load(job.training)
    lessons.listening(model, recorded, job.asker, job.config.settings, job.run, job.device)


def _talk(job: Job) -> None:
    model, processor = job.untrained()
    given = job.config.settings
    heard = _finished(job.run / "listening.pt", "listen", given.listening)
    model.model.audio_tower.load_state_dict(heard["tower"])
    recorded = job.load([u for u in job.training if u.transcript or not u.known])
    target = job.run / "talking.pt"
    spent = lessons.talking(
        model, processor.tokenizer, recorded, job.asker, given, target, job.device
    )
    seconds = {"listening": round(heard["seconds"], 1), "talking": round(spent, 1)}
    if (job.run / "reading.pt").exists():
        read = _finished(job.run / "reading.pt", "listen", given.reading)
        seconds = {"reading": round(read["seconds"], 1), **seconds}
    publish(model, processor, job.model, {"seconds": seconds, "words": list(job.asker.words),
            "speakers": list(job.asker.speakers), "settings": asdict(given)})  # fmt: skip


def _evaluate(job: Job) -> None:
    about = json.loads(there(job.model / ABOUT, "talk").read_text())
    found = evaluate.evaluate(
        job.model,
        job.cuts(),
        job.first_words() if FIRST in job.asker.kinds else [],
        job.asker,
        job.config.asked,
        job.device,
        job.run,
    )
    if TALK in job.asker.kinds:
        say(f"conversations: {job.conversations()}")
    results = {"run": job.config.name, "training": about, **found}
    write(results, job.results / f"{job.config.name}.json")
    for name, figure in found["figures"].items():
        say(f"{name}: {figure}")


def _members(job: Job) -> None:
    given, planted = job.config.settings, job.config.members
    unseen = [one for one in job.cuts() if one.clip.source.utterance.part != TRAINED]
    inside, outside = members.sides(unseen, planted.clips, planted.seed)
    model, processor = job.untrained()
    talked = _finished(job.run / "talking.pt", "talk", given.talking)
    model.load_state_dict(talked["model"])
    name = f"members-{job.anonymizer or 'raw'}"
    learnt, paths = [one.clip for one in inside], [one.path for one in inside]
    if job.anonymizer:
        hear = features.extractor(given.mels, given.seconds)
        folder = job.work / "anonymized"
        learnt, paths = members.anonymized(inside, job.anonymizer, hear, folder)
    base = evaluate.digest(there(job.model, "talk"))
    spent = lessons.remembering(
        model, processor.tokenizer, learnt, given, planted, base, job.run / f"{name}.pt", job.device
    )
    about = {"seconds": round(spent, 1), "members": len(inside), "non-members": len(outside),
             "anonymizer": job.anonymizer, "settings": asdict(planted)}  # fmt: skip
    publish(model, processor, job.run / name, about)
    members.write_lists(job.run / name, inside, outside)
    heard = {"members": [(one, one.path) for one in inside],
             "non-members": [(one, one.path) for one in outside]}  # fmt: skip
    if job.anonymizer:
        heard["members as trained on"] = list(zip(inside, paths, strict=True))
    found = evaluate.remembered(job.run / name, heard, job.config.asked, job.device, job.run)
    target = job.results / f"{job.config.name}-{name}.json"
    write({"run": job.config.name, "training": about, **found}, target)
    for side, figure in found["figures"].items():
        say(f"{side}: {figure}")


def publish(model: Any, processor: Any, folder: Path, about: dict[str, Any]) -> None:
    """Save a model in the format of transformers, whole or not at all."""
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.eval().save_pretrained(unfinished)
    processor.save_pretrained(unfinished)
    (unfinished / ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    say(f"model: {folder}, {size:.1f} million parameters")


def _finished(path: Path, step: str, steps: int) -> dict[str, Any]:
    """The checkpoint of a course that has come to its end."""
    state: dict[str, Any] = torch.load(there(path, step), map_location="cpu", weights_only=True)
    if state["step"] < steps:
        raise SystemExit(f"{path} is at step {state['step']} of {steps}: run --step {step} first")
    return state


STEPS = Steps(
    {
        "align": _align,
        "features": _features,
        "listen": _listen,
        "talk": _talk,
        "evaluate": _evaluate,
    },
    {"members": _members},
)
