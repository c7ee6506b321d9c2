"""All runs of a configuration in one file, without anything of a single person."""

from __future__ import annotations

import json
from pathlib import Path

from recipes.common import say, write


def write_summary(runs: Path, target: Path) -> None:
    """Collect what is there.

    Args:
        runs: Folder of the files that runs left.
        target: JSON with ``runs`` and ``audits``, each a list.
    """
    found = {path.name: json.loads(path.read_text()) for path in sorted(runs.glob("*.json"))}
    configuration = json.loads((runs.parent / "configuration.json").read_text())
    collected = {
        **configuration,
        "runs": [run for name, run in found.items() if not name.startswith("audit-")],
        "audits": [run for name, run in found.items() if name.startswith("audit-")],
    }
    write(collected, target)
    say(f"{len(found)} runs in {target}")
