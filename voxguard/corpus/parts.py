"""The sharded manifest: a part for every unit, whose presence says that the unit is complete."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from voxguard.corpus.items import Unit
from voxguard.corpus.storage import Storage
from voxguard.errors import ConfigurationError

FOLDER = "manifest"
_PREFIX, _SUFFIX = "part-", ".jsonl"
_LONGEST = 180
SCHEMA_VERSION = 1


def part_name(unit: Unit) -> str:
    """What a unit's part is called, without prefix and suffix; its identity comes last.

    Example:
        >>> from voxguard.corpus.items import Unit
        >>> from voxguard.corpus.parts import part_name
        >>> part_name(Unit("train/00001.tar", "5a00"))
        'train%2F00001.tar-5a00'
    """
    name = quote(unit.name, safe="", errors="surrogateescape")
    if len(name) > _LONGEST:
        digest = hashlib.blake2b(unit.name.encode("utf-8", "surrogateescape"), digest_size=16)
        name = f"{name[: _LONGEST - 40]}~{digest.hexdigest()}"
    return f"{name}-{unit.identity}"


def write_part(storage: Storage, unit: Unit, lines: list[dict[str, Any]], seconds: float) -> None:
    """Mark a unit as complete.

    Args:
        storage: Of the target.
        unit: Which.
        lines: One an item: id, status, and output or reason.
        seconds: Of audio anonymized.

    Raises:
        OutputError: It could not be written; the unit is not complete then.
    """
    done = sum(line["status"] == "done" for line in lines)
    head = {
        "schema_version": SCHEMA_VERSION,
        "unit": unit.name,
        "done": done,
        "failed": len(lines) - done,
        "seconds": round(seconds, 3),
    }
    draft = storage.draft(_place(part_name(unit)))
    try:
        for line in (head, *lines):
            draft.write(json.dumps(line).encode("ascii") + b"\n")
        draft.publish(overwrite=True)
    finally:
        draft.discard()
    storage.settle([FOLDER])


def read_head(storage: Storage, part: str) -> dict[str, Any]:
    """The counts of a unit.

    Raises:
        ConfigurationError: The part is not one of this version's.
    """
    with storage.open(_place(part)) as file:
        try:
            head = json.loads(file.readline())
        except ValueError:
            head = None
    if not isinstance(head, dict) or head.get("schema_version") != SCHEMA_VERSION:
        raise ConfigurationError(f"{_place(part)} is not a part of a manifest; delete it")
    return head


def drop_part(storage: Storage, part: str) -> None:
    """Mark a unit as not complete."""
    storage.remove(_place(part))


class Parts:
    """The units that are complete.

    Args:
        storage: Of the target.
    """

    def __init__(self, storage: Storage) -> None:
        self._identity: dict[str, str] = {}
        for name in storage.names(FOLDER):
            if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
                whole = name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
                unit, _, identity = whole.rpartition("-")
                self._identity[unit] = identity

    def hold(self, unit: Unit) -> bool:
        """Whether a unit is complete.

        Raises:
            ConfigurationError: A unit of its name is, that held something else.
        """
        name, _, identity = part_name(unit).rpartition("-")
        known = self._identity.get(name)
        if known is not None and known != identity:
            raise ConfigurationError(
                f"{unit.name} is done already, but was another one then: the source was changed, "
                "and a result does not mix two states of it. Take another target"
            )
        return known is not None


def _place(part: str) -> str:
    return f"{FOLDER}/{_PREFIX}{part}{_SUFFIX}"
