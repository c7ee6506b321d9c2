"""The recordings, anonymized: kept by content, each with a draw of its own."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from recipes.common import told
from voxguard import anonymize_file, create
from voxguard.errors import VoxguardError

_SEED = 7_000  # recorded here so that the figures can be made again; for research only


def render(paths: Sequence[Path], method: str, copy: int, folder: Path) -> tuple[list[Path], float]:
    """Anonymize recordings, where it is not done.

    Args:
        paths: The recordings.
        method: In voxguard's words, with its defaults.
        copy: Each number gives each recording another draw.
        folder: Where they are kept.

    Returns:
        The renderings, and the seconds of the processor that they took, whenever they were made.

    Raises:
        SystemExit: A recording cannot be anonymized; nothing of it is passed on.
    """
    anonymizer = create(method, seed=_SEED + copy)
    folder = folder / f"{method}-{copy}"
    folder.mkdir(parents=True, exist_ok=True)
    clock = folder / "seconds.txt"
    spent = before = float(clock.read_text()) if clock.exists() else 0.0
    began = time.process_time()
    made = []
    for path in told(f"{method}, copy {copy}", paths):
        target = folder / f"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}.wav"
        made.append(target)
        if target.exists():
            continue
        try:
            anonymize_file(path, target, anonymizer, utterance=target.stem)
        except VoxguardError as error:
            raise SystemExit(f"{path}: {error}") from None
        spent = round(before + time.process_time() - began, 2)  # as it will be read again
        clock.write_text(f"{spent}\n")
    return made, spent
