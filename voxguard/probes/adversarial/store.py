"""Perturbations in a folder, so that what took minutes is not computed again."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio.publish import PartFile
from voxguard.errors import ConfigurationError

_KEPT = 64


class Perturbations:
    """Made once: kept in a folder if there is one, and the last few in memory.

    A perturbation is no recording, and yet follows the clip it was made for: keep the folder where
    the recordings are.

    Args:
        folder: It is made if it is not there; None: memory alone.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self._folder = None if folder is None else Path(folder)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._last: OrderedDict[str, Samples] = OrderedDict()

    def get(self, name: str, length: int, make: Callable[[], Samples]) -> Samples:
        """The perturbation of this name, made if it is new.

        Args:
            name: File name without suffix; it stands for the clip and all that decides the attack.
            length: Samples that it has to have.
            make: Makes it.

        Raises:
            ConfigurationError: The folder holds something else under this name.
            OutputError: It cannot be written.
        """
        if name not in self._last:
            self._last[name] = self._read_or_make(name, length, make)
            while len(self._last) > _KEPT:
                self._last.popitem(last=False)
        return self._last[name]

    def _read_or_make(self, name: str, length: int, make: Callable[[], Samples]) -> Samples:
        if self._folder is None:
            return make()
        path = self._folder / f"{name}.npy"
        if path.exists():
            return _read(path, length)
        made = make()
        content = io.BytesIO()
        np.save(content, made, allow_pickle=False)
        part = PartFile(path)
        try:
            part.write(content.getvalue())
            part.publish(overwrite=True)
        finally:
            part.discard()
        return made


def _read(path: Path, length: int) -> Samples:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ConfigurationError(f"{path} is no perturbation: {error}; delete it") from None
    if found.dtype != np.float32 or found.shape != (length,):
        raise ConfigurationError(
            f"{path} is of another clip: {found.dtype} {found.shape}; take another folder"
        )
    return np.asarray(found, dtype=np.float32)
