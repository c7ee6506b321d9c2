"""Says whether new weights are kept.

    python -m recipes.train_voice_conversion.compare NEW.json OLD.json

Both are results of ``--step evaluate``. New weights are kept if they are more private or more
intelligible by more than a point (the lowest EER of the attackers that know the method; the WER),
and in neither worse by more than a point; and if the melody and the speed are as good as the old
weights' or as good as was asked for (of live signals less speed is). Exit code 0 if they are kept,
1 if not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

MARGIN = 0.01
PITCH_CORRELATION = 0.6
RTF, LIVE_RTF = 0.05, 0.3
# Two results are of one kind if these are the same: levels, intonation and tempo may differ.
PROTOCOL = ("utterances", "others", "piece_seconds", "seed")


def lowest_eer(results: dict[str, Any]) -> float:
    """Of the attackers that know the method."""
    return min(float(results["eer"][name]["value"]) for name in ("lazy", "wccn"))


def objections(new: dict[str, Any], old: dict[str, Any]) -> list[str]:
    """Why the new weights are not kept; empty if they are.

    Example:
        >>> eer = {"lazy": {"value": 0.4}, "wccn": {"value": 0.3}}
        >>> old = {"eer": eer, "wer": {"value": 0.4}, "pitch_correlation": {"value": 0.7},
        ...        "rtf": 0.03, "given": {}}
        >>> objections(old | {"wer": {"value": 0.37}}, old)
        []
        >>> objections(old | {"rtf": 0.2}, old)
        ['neither EER nor WER is better by more than a point', 'slower: RTF 0.2, not 0.05']
    """
    for name in PROTOCOL:
        if new["given"].get(name) != old["given"].get(name):
            raise SystemExit(
                f"not to be compared: {name} is {new['given'].get(name)!r} in one and "
                f"{old['given'].get(name)!r} in the other; evaluate both in the same way"
            )
    private = lowest_eer(new) - lowest_eer(old)
    clear = old["wer"]["value"] - new["wer"]["value"]
    melody = min(PITCH_CORRELATION, old["pitch_correlation"]["value"])
    slowest = max(LIVE_RTF if new.get("live") else RTF, old["rtf"])
    found = []
    if max(private, clear) <= MARGIN:
        found.append("neither EER nor WER is better by more than a point")
    if private < -MARGIN:
        found.append(f"less private: EER {lowest_eer(new):.1%}, not {lowest_eer(old):.1%}")
    if clear < -MARGIN:
        found.append(f"less clear: WER {new['wer']['value']:.1%}, not {old['wer']['value']:.1%}")
    if round(new["pitch_correlation"]["value"], 2) < round(melody, 2):
        found.append(f"less melody: {new['pitch_correlation']['value']:.2f}, not {melody:.2f}")
    if new["rtf"] > slowest:
        found.append(f"slower: RTF {new['rtf']}, not {slowest}")
    return found


def main() -> None:
    """Compare two files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("new", type=Path)
    parser.add_argument("old", type=Path)
    given = parser.parse_args()
    found = objections(*(json.loads(path.read_text()) for path in (given.new, given.old)))
    print("\n".join(["not kept", *found]) if found else "kept")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
