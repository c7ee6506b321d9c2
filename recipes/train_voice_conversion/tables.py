"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.train_voice_conversion.tables
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipes.common import publish
from recipes.train_voice_conversion.checkpoint import read_log

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."
VOCODERS = {
    "original": "the recordings themselves",
    "source_filter": "voxguard's source-filter vocoder, 80 bands, 10 ms",
    "world_10ms": "WORLD, 10 ms",
    "world_5ms": "WORLD, 5 ms",
}
VARIANTS = {
    "all": "all parts",
    "no_reading": "without the reading phase",
    "no_phones": "without phones at all",
    "no_confusion": "without the adversary",
    "unbounded": "adversary by gradient reversal, unbounded",
    "no_consistency": "without consistency of two views",
    "no_differences": "without differences in time and frequency",
    "no_self_conversion": "without self-conversion",
    "not_heard": "without a listener to conversions",
    "not_apart": "with a reader that knows speakers by their words",
    "no_critic": "without the critic",
    "one_level": "trained for one level only",
    "no_quantiser": "trained without the quantiser",
    "causal": "causal",
}
Results = dict[str, Any]


def evaluations(results: Path) -> str:
    """One row a file of ``--step evaluate``."""
    lines = [
        "| weights | levels | WER | EER ignorant | EER lazy | EER WCCN | pitch correlation | "
        "mel distance | RTF |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    files = sorted(results.glob("*-levels*.json"))
    for path in files:
        found = json.loads(path.read_text())
        cells = [_percent(found["wer"])]
        cells += [_percent(found["eer"][name]) for name in ("ignorant", "lazy", "wccn")]
        cells += [f"{found['pitch_correlation']['value']:.2f}", f"{found['mel_distance']:.2f}"]
        cells.append(f"{found['rtf']:.3f}")
        levels = str(found["given"]["levels"] or "no quantiser")
        if segments := found["given"].get("segments"):
            levels += f", {segments:g} segments a second"
        if tempo := found["given"].get("tempo"):
            levels += f", tempo {tempo:g}"
        name = path.stem.rpartition("-levels")[0]
        lines.append(f"| {name} | {levels} | {' | '.join(cells)} |")
    if files:
        original = _percent(json.loads(files[0].read_text())["wer_original"])
        lines += ["", f"WER of the recordings themselves: {original}."]
    return "\n".join(lines) if files else NONE


def ablations(results: Path) -> str:
    """One row a variant of ``--step ablate``."""
    path = results / "ablations.json"
    if not path.exists():
        return NONE
    found = json.loads(path.read_text())
    steps = f"{found['settings']['steps']} steps"
    lines = [
        f"| {steps} | mel, 1 level | 3 levels | phones, 1 level | 3 levels | no quantiser | "
        "speaker, 1 level | 3 levels | no quantiser |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in found["variants"].items():
        cells = [_number(row.get(f"mel_{x}"), ".3f") for x in ("1", "3")]
        cells += [_number(row.get(f"phones_{x}"), ".1%") for x in ("1", "3", "none")]
        cells += [_number(row.get(f"speaker_{x}"), ".1%") for x in ("1", "3", "none")]
        lines.append(f"| {VARIANTS.get(name, name)} | {' | '.join(cells)} |")
    chance = next(iter(found["variants"].values()))["speaker_chance"]
    return "\n".join([*lines, "", f"Speakers by chance: {chance:.1%}."])


def content(results: Path) -> str:
    """One row for each amount of content that passes, of each file of ``--step content``.

    What words tell without a network comes last, once.
    """
    files = sorted(results.glob("content-*.json"))
    lines = [
        "| weights | what passes | bits a second | EER of an attacker on it | phones read |",
        "|---|---|---|---|---|",
    ]
    words: Results = {}
    for path in files:
        name, found = path.stem.removeprefix("content-"), json.loads(path.read_text())
        words.update(found.get("words", {}))
        for what, row in found["content"].items():
            cells = [_number(row["bits_per_second"], ".0f"), _percent(row["eer"])]
            lines.append(
                f"| {name} | {what} | {' | '.join(cells)} | {_number(row['phones'], '.1%')} |"
            )
    lines += [f"| no network | {x} | - | {_percent(row['eer'])} | - |" for x, row in words.items()]
    return "\n".join(lines) if files else NONE


def vocoders(results: Path) -> str:
    """One row a vocoder."""
    path = results / "vocoders.json"
    if not path.exists():
        return NONE
    lines = ["| | WER | RTF of analysis and synthesis |", "|---|---|---|"]
    for name, row in json.loads(path.read_text()).items():
        lines.append(f"| {VOCODERS[name]} | {_percent(row['wer'])} | {row['rtf']:.3f} |")
    return "\n".join(lines)


def training(results: Path) -> str:
    """The curve, and one row a log."""
    logs = sorted(results.glob("log-*.jsonl"))
    if not logs:
        return NONE
    lines = [
        "| run | steps | minutes | dev mel distance, 1 level | 3 levels | dev phones, 1 level | "
        "3 levels |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in logs:
        log = read_log(path)
        seconds = max(line.get("seconds", 0.0) for line in log)
        last = next(line for line in reversed(log) if "dev_mel_1" in line)
        cells = [str(last["step"]), f"{seconds / 60:.0f}"]
        cells += [_number(last[f"dev_mel_{x}"], ".3f") for x in (1, 3)]
        cells += [_number(last[f"dev_right_{x}"], ".1%") for x in (1, 3)]
        lines.append(f"| {path.stem.removeprefix('log-')} | {' | '.join(cells)} |")
    if (results / "training.svg").exists():
        lines += ["", "![the training, over steps](results/training.svg)"]
    return "\n".join(lines)


TABLES = {
    "training": training,
    "evaluation": evaluations,
    "content": content,
    "ablations": ablations,
    "vocoders": vocoders,
}


def made(results: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(results) for mark, table in TABLES.items()}


def _percent(figure: Results) -> str:
    if figure["value"] is None:
        return "-"
    shown = f"{100 * figure['value']:.1f} %"
    if figure["low"] is None or figure["high"] is None:
        return shown
    return f"{shown} [{100 * figure['low']:.1f}, {100 * figure['high']:.1f}]"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form).replace("%", " %")


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
