"""Results as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(results: Any, target: Path) -> None:
    """As JSON, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(results, indent=1) + "\n")
    unfinished.rename(target)
