"""What becomes of recordings of other kinds."""

from __future__ import annotations

import json

from eval.tables.cells import RESULTS


def robust() -> str:
    """One row a kind of recording, for every system with a result."""
    lines = [
        "| method | recordings | | likeness of the voice | quality before, after | level |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted((RESULTS / "robust").glob("*.json")):
        for kind, found in json.loads(path.read_text())["kinds"].items():
            lines.append(_robust_row(path.stem, kind, found))
    return "\n".join(lines)


def _robust_row(name: str, kind: str, found: dict[str, float]) -> str:
    start = f"| {name} | {kind} | {found['recordings']} |"
    if "level_change_db" not in found:
        stays = found["silent_stays_silent"] == 1.0
        return f"{start} {'stays silent' if stays else '**not silent**'} | | |"
    alike = f"{found['voice_cosine']:.2f}" if "voice_cosine" in found else ""
    quality = f"{found['quality_before']:.1f}, {found['quality_after']:.1f}"
    return f"{start} {alike} | {quality} | {found['level_change_db']:+.1f} dB |"
