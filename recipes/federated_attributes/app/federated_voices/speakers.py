"""The examples of some speakers: what one node holds, or what a model is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Speakers:
    """Examples of speakers.

    Attributes:
        names: Of the speakers.
        sexes: Of the speakers, ``F`` or ``M``.
        x: ``(n, features)`` float32.
        y: ``(n,)`` class of each example.
        who: ``(n,)`` its speaker, as an index into ``names``.
        part: ``(n,)`` 0 or 1: the first or the second half of what the speaker said.
    """

    names: tuple[str, ...]
    sexes: tuple[str, ...]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    who: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]

    @classmethod
    def read(cls, path: Path | str) -> Speakers:
        """From a file that :meth:`write` made."""
        with np.load(path, allow_pickle=False) as found:
            return cls(
                tuple(map(str, found["names"])),
                tuple(map(str, found["sexes"])),
                *(found[name] for name in ("x", "y", "who", "part")),
            )

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, **vars(self))
        unfinished.rename(path)

    def of(self, number: int, part: int | None = None) -> tuple[Any, Any]:
        """Examples and classes of one speaker, or of one half of them."""
        mine = self.who == number
        if part is not None:
            mine &= self.part == part
        return self.x[mine], self.y[mine]

    def some(self, numbers: list[int]) -> Speakers:
        """Only these speakers, in this order."""
        place = {number: k for k, number in enumerate(numbers)}
        mine = np.isin(self.who, numbers)
        return Speakers(
            tuple(self.names[k] for k in numbers),
            tuple(self.sexes[k] for k in numbers),
            self.x[mine],
            self.y[mine],
            np.array([place[int(k)] for k in self.who[mine]], np.int64),
            self.part[mine],
        )
