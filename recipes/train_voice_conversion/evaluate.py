"""Step 5: words, melody, speed and a first look at privacy, on speakers of the corpus."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recipes.train_voice_conversion import data, privacy, utility
from recipes.train_voice_conversion.anonymize import Anonymize
from recipes.train_voice_conversion.corpus import Utterance, heard
from recipes.train_voice_conversion.settings import Evaluation
from voxguard.models import live as live_model
from voxguard.models.converter import FILE, Converter
from voxguard.models.shipped import pretrained, shipped


def evaluate(
    weights: Path | None,
    utterances: list[Utterance],
    work: Path,
    given: Evaluation,
    device: str,
    *,
    live: bool,
) -> dict[str, Any]:
    """Look at weights.

    Args:
        weights: A file that was exported; None for what ships.
        utterances: Of the corpus; words and melody are those of the dev speakers.
        work: Folder with their features.
        given: How.
        device: Where the attacker's encoder runs, in torch's words.
        live: Whether the weights are those for live signals.

    Returns:
        Figures with intervals, for a JSON file.
    """
    name = live_model.FILE if live else FILE
    found = shipped(name) if weights is None else pretrained(weights, name)
    few = heard(utterances, given.utterances)
    anonymize = Anonymize(weights, given, live=live)
    understood = utility.measure(anonymize, few, given, work / "heard.json")
    ahead = found.metadata["shape"].get("ahead", 0)
    distance = utility.mel_distance(Converter(found), data.load(few, work), given.levels, ahead)
    recognised = privacy.attack(anonymize, utterances, given, device)
    return {
        "weights": found.sha256,
        "steps": found.metadata["steps"],
        "live": live,
        "given": asdict(given),
        "versions": {
            package: version(package) for package in ("voxguard", "torch", "pocketsphinx")
        },
        **understood,
        "mel_distance": distance,
        "eer": recognised,
        **anonymize.speed(),
    }
