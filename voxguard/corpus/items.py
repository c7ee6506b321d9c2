"""What a corpus is made of: items, and units of them that are done and written as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from voxguard.errors import UnsupportedAudioError

_DENSE_TEXT = re.compile(r"[A-Za-z0-9+/=_-]{1024}")  # what base64 looks like, and no language does
_SCALARS = (str, bool, int, float)


@dataclass(frozen=True)
class Entry:
    """One recording in a listing.

    Attributes:
        name: Where it lies, relative to the corpus, with ``/``.
        size: Of its file, in bytes.
        speaker: Who speaks, if it is known.
        kept: Side data that go with it.
        problem: Why it cannot be done, if that is clear already.
    """

    name: str
    size: int = 0
    speaker: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Unit:
    """What is retried, written and published as a whole.

    Attributes:
        name: Unique in the corpus and the same in every run: of a shard its path, of a part of a
            listing its number.
        identity: Differs when other files, or files of other sizes, bear the name.
        entries: The recordings, where they are files of their own.
    """

    name: str
    identity: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Item:
    """One recording, to be read when its turn comes.

    Attributes:
        id: Unique in the corpus; names the utterance for keyed draws, and stands in the manifest.
        name: Of the recording within its unit; what is written is named after it.
        read: Gives the content of the audio file.
        speaker: Who speaks, if it is known.
        kept: Side data that go with it.
        problem: Why it cannot be done, if that is clear already.
    """

    id: str
    name: str
    read: Callable[[], bytes]
    speaker: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


def check_name(name: str) -> None:
    """Refuse a name that would lead out of the folder that it is written to.

    Raises:
        UnsupportedAudioError: It is absolute, climbs, is empty, or is kept for voxguard's own.

    Example:
        >>> from voxguard.corpus.items import check_name
        >>> check_name("a/../../b.wav")
        Traceback (most recent call last):
            ...
        voxguard.errors.UnsupportedAudioError: its name leads out of the corpus; rename it
    """
    parts = name.split("/")
    climbs = name.startswith("/") or any(part in ("", ".", "..") for part in parts)
    if os.name == "nt":
        climbs = climbs or "\\" in name or ":" in name
    if climbs or "\0" in name:
        raise UnsupportedAudioError("its name leads out of the corpus; rename it")
    if PurePosixPath(name).name.startswith(".voxguard-"):
        raise UnsupportedAudioError("its name is one of voxguard's temporary files; rename it")


def check_kept(kept: Mapping[str, Any]) -> None:
    """Refuse side data that could be a voice in another form.

    Raises:
        UnsupportedAudioError: A value is not text, a number or a truth value, nor a list of texts,
            or is text as dense as encoded audio.
    """
    for name, value in kept.items():
        texts = value if isinstance(value, list) else [value]
        listed = isinstance(value, list) and not all(isinstance(text, str) for text in value)
        if listed or not all(text is None or isinstance(text, _SCALARS) for text in texts):
            raise UnsupportedAudioError(
                f"its {name!r} is {type(value).__name__}; kept are text, numbers, truth values and "
                "lists of text, which hold no voice"
            )
        if any(isinstance(text, str) and _DENSE_TEXT.search(text) for text in texts):
            raise UnsupportedAudioError(
                f"its {name!r} looks like encoded data, which could hold a voice; do not keep it"
            )
