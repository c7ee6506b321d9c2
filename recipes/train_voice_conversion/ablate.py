"""What each part of the training is good for: short runs that differ in one setting."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from recipes.common import say, write
from recipes.train_voice_conversion import checkpoint
from recipes.train_voice_conversion.data import Recorded
from recipes.train_voice_conversion.probe import probe
from recipes.train_voice_conversion.settings import Settings
from recipes.train_voice_conversion.train import Trainer

VARIANTS: dict[str, dict[str, Any]] = {
    "all": {},
    "no_reading": {"reading_steps": 0},
    "no_phones": {"reading_steps": 0, "phones": 0.0},
    "no_confusion": {"confusion": 0.0},
    "not_apart": {"apart": False},
    "unbounded": {"unbounded": True},
    "no_consistency": {"consistency": 0.0},
    "no_differences": {"differences": 0.0},
    "no_self_conversion": {"self_conversion": 0.0},
    "not_heard": {"converted": 0.0},
    "no_critic": {"critic": 0.0},
    "one_level": {"kept_levels": (1.0, 0.0, 0.0, 0.0, 0.0)},
    "no_quantiser": {"kept_levels": (0.0, 0.0, 0.0, 0.0, 1.0)},
    "causal": {"causal": True},
}
LEVELS: tuple[int | None, ...] = (1, 3, None)
PROBE_STEPS, PROBE_BATCH = 150, 16


def ablate(
    settings: Settings,
    training: list[Recorded],
    development: list[Recorded],
    folder: Path,
    target: Path,
    device: str,
) -> None:
    """Run all variants; what is in the file already, from the same settings, is left as it is.

    Args:
        settings: What the variants have in common.
        training: Utterances to train on.
        development: Utterances of other speakers.
        folder: For the runs.
        target: The JSON file.
        device: Where it runs.
    """
    common = json.loads(json.dumps(asdict(settings)))
    found: dict[str, Any] = {"settings": common, "variants": {}}
    if target.exists():
        before = json.loads(target.read_text())
        if before["settings"] != common:
            raise SystemExit(f"{target} is of other settings; move it away first")
        found = before
    for name, changed in VARIANTS.items():
        if name in found["variants"]:
            continue
        say(f"ablation: {name}")
        chosen = replace(settings, **changed)
        trainer = Trainer(chosen, training, development, folder / name, device)
        trainer.run()
        kept = [x for x in LEVELS if _is_trained(chosen, x)]
        if trainer.held_out is None:
            raise SystemExit("no recording of a dev speaker is long enough to measure anything")
        measured = trainer.measure(kept)
        trainer.network.load_state_dict(trainer.average)
        readable = probe(
            trainer.network,
            training,
            trainer.held_out,
            kept,
            steps=min(PROBE_STEPS, settings.steps),
            batch=PROBE_BATCH,
            device=device,
            seed=settings.seed,
        )
        found["variants"][name] = {
            **{f"mel_{x or 'none'}": measured[f"dev_mel_{x or 'none'}"] for x in kept},
            **readable,
        }
        write(found, target)
        (folder / name / checkpoint.FILE).unlink()  # they are many, and of no more use


def _is_trained(settings: Settings, levels: int | None) -> bool:
    place = len(settings.codebooks) if levels is None else levels - 1
    return settings.kept_levels[place] > 0.0
