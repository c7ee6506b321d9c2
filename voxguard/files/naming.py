"""What the anonymized form of a recording is called."""

from __future__ import annotations

from pathlib import PurePosixPath

from voxguard.audio.writer import OUTPUTS


def own_suffix(name: str) -> str | None:
    """The suffix of a name, without dot, if it can be written as such.

    Example:
        >>> from voxguard.files.naming import own_suffix
        >>> own_suffix("a.FLAC"), own_suffix("a.m4a")
        ('flac', None)
    """
    suffix = PurePosixPath(name).suffix.lower().removeprefix(".")
    return suffix if suffix in OUTPUTS else None


def file_name(name: str, suffix: str) -> str:
    """A recording's name with the suffix of what was written; its own where it says the format.

    Example:
        >>> from voxguard.files.naming import file_name
        >>> file_name("a/b.WAV", "wav"), file_name("a.m4a", "wav"), file_name("000001", "flac")
        ('a/b.WAV', 'a.m4a.wav', '000001.flac')
    """
    return name if own_suffix(name) == suffix else f"{name}.{suffix}"
