"""JSON documents with the name of their schema, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxguard.audio.publish import PartFile
from voxguard.errors import ConfigurationError, OutputError


def write_json(content: Mapping[str, Any], path: str | Path, *, overwrite: bool = False) -> None:
    """Write a document.

    Raises:
        OutputError: The file exists, or cannot be written.
        ConfigurationError: Something in it is no JSON.
    """
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{path}: the content is no JSON: {error}") from None
    part = PartFile(Path(path))
    try:
        part.write(text.encode("utf-8") + b"\n")
        part.publish(overwrite=overwrite)
    finally:
        part.discard()


def read_json(path: str | Path) -> Any:
    """Read a file.

    Raises:
        OutputError: It cannot be read.
        ConfigurationError: It is no JSON.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path} is no JSON") from None


def of_schema(content: Any, schema: str, place: str) -> dict[str, Any]:
    """The content, if it is of a schema.

    Raises:
        ConfigurationError: It is of another one, or no document.
    """
    found = content.get("schema") if isinstance(content, dict) else type(content).__name__
    if found != schema:
        raise ConfigurationError(f"{place} is of schema {found!r}; {schema!r} is wanted")
    document: dict[str, Any] = content
    return document
