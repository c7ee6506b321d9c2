"""``voxguard keygen``: a new secret key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from voxguard.errors import OutputError


def keygen(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
) -> None:
    """Make a secret key for pseudonyms, readable by you alone.

    With --key-file the same speaker keeps one pseudo-voice. Whoever has the key can link and, for
    some methods, undo what was made with it: keep it away from the recordings.
    """
    from voxguard.pseudonym import generate_key

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise OutputError(
            f"{file} exists and is left as it is: a key that is overwritten is lost; choose "
            "another name"
        ) from None
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(generate_key().hex() + "\n")
    except OSError as error:
        file.unlink(missing_ok=True)
        raise OutputError(f"{file} cannot be written: {error.strerror}") from None
    typer.echo(f"{file}: a new key; use it with  voxguard anonymize IN OUT --key-file {file}")
