"""Step: a model that has learnt some clips by heart, and lists of them and of others like them.

Members and non-members are clips of recordings that the model before has not been trained on, of
the same speakers and chapters: half of the recordings of each speaker, drawn at random. A recording
is on one side with all its clips. So nothing but memory tells them apart.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recipes.anonymize_then_train.renderings import render
from recipes.train_audio_llm import features
from recipes.train_audio_llm.clips import Clip, Recorded
from recipes.train_audio_llm.cutting import Cut, write_manifest
from recipes.train_voice_conversion.features import load

MEMBERS, OTHERS = "members.csv", "non-members.csv"
_FEWEST_WORDS = 4  # shorter texts are guessed, not remembered


def sides(cuts: Sequence[Cut], most: int, seed: int) -> tuple[list[Cut], list[Cut]]:
    """Members and non-members.

    Args:
        cuts: Clips that nothing has been trained on.
        most: Clips of either kind.
        seed: Of the choice.

    Raises:
        SystemExit: There are not enough.
    """
    usable = [one for one in cuts if len(one.clip.words) >= _FEWEST_WORDS] or [
        one for one in cuts if one.clip.words
    ]
    rng = np.random.default_rng([seed, 1])
    chosen: tuple[list[Cut], list[Cut]] = [], []
    for speaker in sorted({one.clip.source.utterance.speaker for one in usable}):
        own = [one for one in usable if one.clip.source.utterance.speaker == speaker]
        names = rng.permutation(sorted({one.clip.source.utterance.name for one in own})).tolist()
        odd = int(rng.integers(2))  # who has one recording more is a matter of chance, too
        is_in = set(names[odd::2])
        for one in own:
            chosen[one.clip.source.utterance.name not in is_in].append(one)
    members, others = (_some(side, most, rng) for side in chosen)
    if min(len(members), len(others)) < 2:
        raise SystemExit(
            "members and non-members need two clips each with a transcript, in the split eval or "
            f"held out; there are {len(members)} and {len(others)}"
        )
    return members, others


def anonymized(
    members: Sequence[Cut], method: str, hear: features.WhisperFeatureExtractor, folder: Path
) -> tuple[list[Clip], list[Path]]:
    """What is trained on instead of members: each anonymized once, with a draw of its own.

    Args:
        members: The clips.
        method: In voxguard's words.
        hear: The model's feature extractor.
        folder: Where the renderings are kept.
    """
    paths, _ = render([one.path for one in members], method, 0, folder)
    clips = []
    for one, path in zip(members, paths, strict=True):
        mel = features.spectrogram(load(path), hear)
        source = Recorded(one.clip.source.utterance, mel, one.clip.source.aligned)
        clips.append(Clip(source, 0, len(mel), one.clip.words, one.clip.first))
    return clips, paths


def write_lists(folder: Path, members: Sequence[Cut], others: Sequence[Cut]) -> None:
    """``members.csv`` and ``non-members.csv`` beside a model, with copies of the clips."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    for name, side in ((MEMBERS, members), (OTHERS, others)):
        rows = []
        for one in side:
            shutil.copyfile(one.path, folder / "clips" / one.path.name)
            own = {"path": f"clips/{one.path.name}", "member": str(int(name == MEMBERS))}
            rows.append({**one.row, **own})
        write_manifest(rows, folder / name)


def _some(side: list[Cut], most: int, rng: np.random.Generator) -> list[Cut]:
    kept = sorted(rng.permutation(len(side))[:most].tolist())
    return [side[k] for k in kept]
