"""What lies in a folder: which files are audio, which are not."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import soundfile

from voxguard.errors import ConfigurationError

# Suffixes of libsndfile's formats that differ from the formats' names, or are as common.
_ALIASES = "aif aifc au snd nist sph opus oga wave iff svx 8svx sf bwf".split()  # noqa: SIM905
# Audio and video that libsndfile does not read, some of it with the extra `media`: where it is not
# read that is a failure to be told, not a file to be ignored.
_FOREIGN = (  # noqa: SIM905
    "3gp aac ac3 alac amr ape asf avi awb dsf dts flv gsm m4a m4b m4v mka mkv mov mp2 mp4 mpc mpeg "
    "mpg mts pcm ra raw shn spx tta webm wma wmv wv"
).split()
# Names that libsndfile has for raw samples, and for formats whose suffix means other things.
_NOT_BY_SUFFIX = {"raw", "mat4", "mat5", "htk", "mpc2k", "wavex"}


def audio_suffixes() -> frozenset[str]:
    """Suffixes, with their dot, that are taken for audio, readable or not."""
    formats = {name.lower() for name in soundfile.available_formats()} - _NOT_BY_SUFFIX
    return frozenset(f".{name}" for name in (*formats, *_ALIASES, *_FOREIGN))


def shown(path: str | Path) -> str:
    """A path as text that can be encoded, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace(os.sep, "/")


@dataclass
class Inventory:
    """Relative paths, in order.

    Attributes:
        audio: To be anonymized.
        unreadable: Folders and links that could not be followed, with the reason.
        ignored: How many other files there are.
    """

    audio: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    ignored: int = 0


def scan(source: Path, target: Path) -> Inventory:
    """List a folder, through links, every real folder once.

    Args:
        source: The folder.
        target: Where the results go: refused if it can be reached from the source.

    Raises:
        ConfigurationError: Results would be found among the sources.
    """
    suffixes = audio_suffixes()
    found = Inventory()
    seen: set[str] = set()
    folders, links = deque([source]), deque[Path]()  # links last, so that the real name wins
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        if (real := os.path.realpath(folder)) in seen:
            continue
        seen.add(real)
        _refuse_overlap(folder, real, target)
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            found.unreadable.append((folder.relative_to(source), error.strerror or "unreadable"))
            continue
        for entry in entries:
            path = Path(entry.path)
            kind = _kind(entry)
            if kind == "folder":
                (links if entry.is_symlink() else folders).append(path)
            elif kind == "other" or path.suffix.lower() not in suffixes:
                found.ignored += 1
            elif kind == "file":
                found.audio.append(path.relative_to(source))
            else:
                found.unreadable.append((path.relative_to(source), "a link to nowhere"))
    found.audio.sort()
    return found


def _kind(entry: os.DirEntry[str]) -> Literal["folder", "file", "broken", "other"]:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError:  # a link to itself
        return "broken"
    return "broken" if entry.is_symlink() else "other"  # a pipe, a device: opening one could block


def _refuse_overlap(folder: Path, real: str, target: Path) -> None:
    there = os.path.realpath(target)
    if os.path.commonpath([real, there]) in (real, there):
        raise ConfigurationError(
            f"the target {target} and {folder}, which belongs to the source, lie one within the "
            "other; results would be taken for sources: choose a target outside"
        )
