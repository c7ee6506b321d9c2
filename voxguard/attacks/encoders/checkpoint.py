"""Trained encoders in files, each with the options that it was trained with."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.encoders.base import Encoder
from voxguard.errors import ConfigurationError, OutputError

_FORMAT = "voxguard.encoder/1"
_FREE = ("device", "precision")  # of no consequence for what can be done with the result

Arrays = dict[str, npt.NDArray[Any]]


def write_checkpoint(
    path: Path, encoder: Encoder, arrays: Mapping[str, npt.NDArray[Any]], notes: Any = None
) -> None:
    """Write under a temporary name, then rename: a file of this name is always whole.

    Args:
        path: Where to; replaced if it is there.
        encoder: Whose name and options go along.
        arrays: What was learnt.
        notes: Anything that JSON can say.

    Raises:
        OutputError: The file could not be written.
    """
    about = {
        "format": _FORMAT,
        "encoder": encoder.name,
        "options": _options(encoder),
        "notes": notes,
    }
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            whole: dict[str, Any] = {f"_{name}": array for name, array in arrays.items()}
            np.savez(file, about=np.array(json.dumps(about)), **whole)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: the encoder could not be written ({error})") from error


def read_checkpoint(path: Path, encoder: Encoder) -> tuple[Arrays, Any]:
    """Read what :func:`write_checkpoint` wrote; runs no code from the file.

    Returns:
        The arrays and the notes.

    Raises:
        ConfigurationError: Missing, damaged, of another encoder or trained with other options.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            arrays = {name[1:]: file[name] for name in file.files if name != "about"}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{path}: no encoder can be restored from it ({type(error).__name__}); train again"
        ) from error
    if about["format"] != _FORMAT or about["encoder"] != encoder.name:
        raise ConfigurationError(
            f"{path}: holds {about['encoder']} as {about['format']}, wanted is {encoder.name} as "
            f"{_FORMAT}"
        )
    wanted, found = _options(encoder), about["options"]
    if differing := [name for name in wanted if found.get(name) != wanted[name]]:
        name = differing[0]
        raise ConfigurationError(
            f"{path}: trained with {name}={found.get(name)!r}, wanted is {name}={wanted[name]!r}; "
            "train again or take that option"
        )
    return arrays, about["notes"]


def _options(encoder: Encoder) -> Any:
    kept = {name: value for name, value in encoder.options.items() if name not in _FREE}
    return json.loads(json.dumps(kept))  # tuples become lists, as they do in the file
