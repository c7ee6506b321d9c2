"""What a results document must hold, and what in it must agree.

A shape is written as the document looks: a class stands for values of that class, a list for lists
of its one element, a dictionary for an object with these keys (``"key?"`` need not be there,
``str`` as a key stands for any), a function for a check of its own. Keys that no shape names are
let through, so that a document can say more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.evaluation.protocol import KNOWLEDGE

SCHEMA = "voxguard.evaluation/1"

_WORDS = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}


class _WrongError(Exception):
    """Where and what, for the message."""


def check(document: Any) -> None:
    """Refuse what is not a complete and consistent results document.

    Args:
        document: What was read from JSON.

    Raises:
        ConfigurationError: It is not; the message names the place.

    Example:
        >>> from voxguard.evaluation.schema import check
        >>> check({"schema": "voxguard.evaluation/2"})
        Traceback (most recent call last):
        voxguard.errors.ConfigurationError: the document is of the schema 'voxguard.evaluation/2'...
    """
    if not isinstance(document, dict) or "schema" not in document:
        raise ConfigurationError(
            f"this is not a results document: it is an object with the key schema: {SCHEMA!r}"
        )
    if document["schema"] != SCHEMA:
        raise ConfigurationError(
            f"the document is of the schema {document['schema']!r}, and this version of voxguard "
            f"reads {SCHEMA!r}; run the evaluation again, or use the version that wrote it"
        )
    try:
        _finite(document, "")
        _fits(document, _DOCUMENT, "")
        _agrees(document)
    except _WrongError as wrong:
        raise ConfigurationError(f"the results document is not valid: {wrong}") from None


def _finite(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise _WrongError(
                    f"{where or 'it'} has the key {key!r}, and JSON has only text there"
                )
            _finite(inner, f"{where}.{key}" if where else key)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _finite(inner, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise _WrongError(
            f"{where} is {value}; write null and a 'why' for a figure that could not be computed"
        )
    elif value is not None and not isinstance(value, str | int | float):
        raise _WrongError(f"{where} is a {type(value).__name__}, which JSON does not have")


def _fits(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        _fits_object(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            raise _WrongError(f"{where} is a list, got {value!r}")
        for index, inner in enumerate(value):
            _fits(inner, shape[0], f"{where}[{index}]")
    elif isinstance(shape, type):
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is int):
            raise _WrongError(f"{where} is {_WORDS[shape]}, got {value!r}")
    else:
        shape(value, where)


def _fits_object(value: Any, shape: Mapping[Any, Any], where: str) -> None:
    if not isinstance(value, dict):
        raise _WrongError(f"{where or 'it'} is an object, got {value!r}")
    prefix = f"{where}." if where else ""
    for key, inner in shape.items():
        if key is str:
            for name, found in value.items():
                _fits(found, inner, f"{prefix}{name}")
        elif key.rstrip("?") in value:
            _fits(value[key.rstrip("?")], inner, prefix + key.rstrip("?"))
        elif not key.endswith("?"):
            raise _WrongError(f"{prefix}{key} is missing")


def _number(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongError(f"{where} is a number, got {value!r}")


def _figure(value: Any, where: str) -> None:
    _fits_object(value, {"value": _or_null(_number), "n": int, "why?": str}, where)
    if value["n"] < 0:
        raise _WrongError(f"{where}.n is a count, got {value['n']}")
    low, high = value.get("low"), value.get("high")
    if (low is None) != (high is None):
        raise _WrongError(f"{where} has one end of an interval and not the other")
    if low is not None:
        _number(low, f"{where}.low")
        _number(high, f"{where}.high")
        if low > high:
            raise _WrongError(f"{where} has an interval from {low} down to {high}")
    if value["value"] is None and not value.get("why"):
        raise _WrongError(f"{where} has no value and no 'why'")


def _or_null(shape: Any) -> Callable[[Any, str], None]:
    def fits(value: Any, where: str) -> None:
        if value is not None:
            _fits(value, shape, where)

    return fits


def _one_of(*names: str) -> Callable[[Any, str], None]:
    def fits(value: Any, where: str) -> None:
        if value not in names:
            raise _WrongError(f"{where} is one of {', '.join(names)}; got {value!r}")

    return fits


def _subgroups(value: Any, where: str) -> None:
    _fits(value, {str: dict}, where)
    for axis, groups in value.items():
        for name, found in groups.items():
            inner = f"{where}.{axis}.{name}"
            if name == "worst":
                _fits(found, _or_null(str), inner)
            elif name == "gap":
                _fits(found, _or_null(_number), inner)
            else:
                _fits(found, {str: _figure}, inner)


def _curve(x: str, y: str) -> Callable[[Any, str], None]:
    def fits(value: Any, where: str) -> None:
        _fits(value, {x: [_number], y: [_number]}, where)
        if len(value[x]) != len(value[y]):
            raise _WrongError(f"{where} has {len(value[x])} {x} for {len(value[y])} {y}")

    return fits


def _histogram(value: Any, where: str) -> None:
    _fits(value, {"edges": [_number], "mated": [_number], "non_mated": [_number]}, where)
    edges, bins = value["edges"], {len(value["mated"]), len(value["non_mated"])}
    if bins != {max(len(edges) - 1, 0)}:
        raise _WrongError(f"{where} has {len(edges)} edges, so {len(edges) - 1} bins; got {bins}")
    if any(b < a for a, b in pairwise(edges)):
        raise _WrongError(f"{where}.edges fall")


_ATTACKER = {
    "name": str,
    "knowledge": _one_of(*KNOWLEDGE),
    "encoder": str,
    "backend": str,
    "fingerprint?": _or_null(str),
    "seed?": _or_null(int),
    "metrics": {str: _figure},
    "zebra_tag?": _or_null(str),
    "subgroups?": _subgroups,
    "lengths?": [{"utterances": int, "eer?": _figure, "identification_rate?": _figure}],
    "populations?": [{"population": int, "link_rate?": _figure, "singling_out_rate?": _figure}],
    "det?": _or_null(_curve("false_match", "false_non_match")),
    "histogram?": _or_null(_histogram),
}
_ATTRIBUTE = {
    "attribute": str,
    "features": str,
    "knowledge": _one_of("unprotected", "ignorant", "retrained"),
    "classes?": [str],
    "balanced_accuracy": _figure,
    "advantage?": _figure,
    "blind?": _or_null(_number),
    "recall?": {str: _figure},
    "subgroups?": _subgroups,
}
_UTILITY = {
    "measure": str,
    "original?": _or_null(_figure),
    "anonymized?": _or_null(_figure),
    "how?": str,
    "subgroups?": {str: dict},
}
_DOCUMENT = {
    "voxguard": str,
    "seed": _or_null(int),
    "versions?": {str: str},
    "machine?": dict,
    "command?": str,
    "protocol": {"name": str, "version": int, "description?": str, "settings?": dict},
    "system": {
        "name": str,
        "kind?": str,
        "options?": dict,
        "weights?": {str: str},
        "randomness?": str,
    },
    "data": {
        "speakers": int,
        "trials": int,
        "name?": str,
        "subgroups?": {str: {str: int}},
        "excluded?": [{"utterance": str, "speaker": str, "reason": str}],
    },
    "metrics?": {str: {"title?": str, "unit?": _or_null(str), "source?": _or_null(str)}},
    "headline": {
        "eer": _figure,
        "attacker": _or_null(str),
        "trusted": bool,
        "reasons": [str],
        "checks": [{"check": str, "passed": _or_null(bool), "detail?": str}],
    },
    "attackers": [_ATTACKER],
    "disclosure?": {"g_vd?": _or_null(_figure), "deid?": _or_null(_figure), "how?": str},
    "attributes?": [_ATTRIBUTE],
    "profiles?": [
        {
            "knowledge": str,
            "attributes": [str],
            "unique?": _figure,
            "correct_and_unique?": _figure,
        }
    ],
    "utility?": [_UTILITY],
    "stress?": [
        {
            "axis": str,
            "level": str,
            "attacker?": str,
            "eer?": _or_null(_figure),
            "wer?": _or_null(_figure),
        }
    ],
    "cost?": _or_null({"rtf?": _or_null(_figure), "peak_memory_mib?": _or_null(_number)}),
    "notes?": [str],
}


def _agrees(document: Mapping[str, Any]) -> None:
    """What must hold between the parts."""
    attackers, headline = document["attackers"], document["headline"]
    names = [(one["name"], one.get("seed")) for one in attackers]
    if twice := [name for name in names if names.count(name) > 1]:
        raise _WrongError(f"two attackers are called {twice[0][0]!r} with the seed {twice[0][1]}")
    for index, row in enumerate(document.get("stress", ())):
        if (row.get("eer") or {}).get("value") is not None and not row.get("attacker"):
            raise _WrongError(f"stress[{index}].eer names no attacker")
    if headline["trusted"] and (
        headline["reasons"] or any(one["passed"] is False for one in headline["checks"])
    ):
        raise _WrongError(
            "headline.trusted is true, yet there are reasons against it or failed checks"
        )
    if not headline["trusted"] and not headline["reasons"]:
        raise _WrongError("headline.trusted is false and headline.reasons does not say why")
    if headline["eer"]["value"] is None:
        return
    if not headline["attacker"]:
        raise _WrongError("headline.eer names no attacker")
    # Where nobody attacked anonymized speech, the system is the original speech itself.
    counted = [one for one in attackers if one["knowledge"] != "unprotected"] or attackers
    rivals = {one["name"]: one["metrics"].get("eer", {}).get("value") for one in counted}
    if headline["attacker"] not in rivals:
        raise _WrongError(
            f"headline.attacker {headline['attacker']!r} is not among the attackers on anonymized "
            f"speech: {', '.join(rivals) or 'none'}"
        )
    stronger = [
        n for n, eer in rivals.items() if eer is not None and eer < headline["eer"]["value"]
    ]
    if stronger:
        raise _WrongError(
            f"headline.eer is the lowest of the panel, yet {stronger[0]} has {rivals[stronger[0]]} "
            f"and the headline {headline['eer']['value']}"
        )
