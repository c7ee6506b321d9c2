"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m benchmarks.table
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
NAMES = {
    "B2": "VoicePrivacy 2024 B2",
    "numpy": "voxguard, numpy only",
    "avx2": "voxguard, compiled, AVX2",
    "avx512": "voxguard, compiled, AVX-512",
}


def table() -> str:
    """Both tables, as Markdown."""
    rows = json.loads((RESULTS / "mcadams.json").read_text())["rows"]
    lines = ["| recordings, 16 kHz | times real time | against B2 |", "|---|---|---|"]
    for name, shown in NAMES.items():
        speed = 1.0 / rows[name]["rtf"]["median"]
        ratio = rows[name].get("times_b2", {"median": 1.0})["median"]
        lines.append(f"| {shown} | {speed:.0f} | {ratio:.1f} x |")
    lines += [
        "",
        "| live, 10 ms at a time | latency | compute for 10 ms: median, 99 % | streams a core |",
        "|---|---|---|---|",
    ]
    for row in json.loads((RESULTS / "streaming.json").read_text())["rows"]:
        if row["rate"] in (16_000, 48_000) and row["latency_ms"] >= 5.0:
            lines.append(
                f"| {row['rate'] // 1000} kHz | {row['latency_ms']:.0f} ms "
                f"| {row['p50_us']:.0f} µs, {row['p99_us']:.0f} µs | {row['streams_a_core']:.0f} |"
            )
    return "\n".join(lines)


def gateway() -> str:
    """Recordings, then live connections, of every method."""
    methods = json.loads((RESULTS / "gateway.json").read_text())["methods"]
    lines = [
        "| recordings of 10 s | at once | requests a second | times real time "
        "| added: median, 99 % | memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in methods.items():
        lines.extend(
            f"| {name} | {row['at_once']} | {row['per_second']:.1f} "
            f"| {row['times_real_time']:.0f} "
            f"| {row['added_p50_ms']:.0f} ms, {row['added_p99_ms']:.0f} ms "
            f"| {row['memory_mb']:.0f} MB |"
            for row in found["clips"]
        )
    lines += [
        "",
        "| live, 20 ms at a time | streams | lag: median, 99 % | straight to the upstream "
        "| memory |",
        "|---|---|---|---|---|",
    ]
    for name, found in methods.items():
        lines.extend(
            f"| {name} | {row['streams']} "
            f"| {row['lag_p50_ms']:.0f} ms, {row['lag_p99_ms']:.0f} ms "
            f"| {row['direct_lag_p50_ms']:.0f} ms, {row['direct_lag_p99_ms']:.0f} ms "
            f"| {row['memory_mb']:.0f} MB |"
            for row in found["live"]
        )
    return "\n".join(lines)


def fill(mark: str, content: str, page: Path = ROOT / "README.md") -> None:
    """Put a table into a page between its marks; with ``--check`` only say if it is there."""
    old = page.read_text()
    marks = rf"(<!-- {mark} -->\n).*(\n<!-- /{mark} -->)"
    new, count = re.subn(marks, lambda m: m[1] + content + m[2], old, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{page.name} has no place marked for the {mark}")
    if "--check" not in sys.argv:
        page.write_text(new)
    elif new != old:
        sys.exit(f"{page.name} does not show the committed results")


if __name__ == "__main__":
    fill("benchmarks", table())
    fill("gateway", gateway(), ROOT / "benchmarks" / "README.md")
