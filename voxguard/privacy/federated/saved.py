"""What a restarted server goes on from: one file, written whole or not at all."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated.aggregation import Arrays


@dataclass
class Saved:
    """The state after a round. All of it has been released, so none of it needs to be secret.

    Attributes:
        run: Name of this training in its ledger.
        rounds: How many are done.
        clipping_norm: That of the next round.
        arrays: The model.
        momentum: The server's, of the trained arrays; empty without.
    """

    run: str
    rounds: int
    clipping_norm: float
    arrays: Arrays
    momentum: Arrays


def write_saved(saved: Saved, path: Path) -> None:
    """To a file of its own, flushed to the disk, then renamed over the old one.

    Args:
        saved: The state.
        path: An ``.npz`` file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {
        "run": np.array(saved.run),
        "rounds": np.array(saved.rounds),
        "clipping_norm": np.array(saved.clipping_norm),
    }
    members |= {f"array/{name}": array for name, array in saved.arrays.items()}
    members |= {f"momentum/{name}": array for name, array in saved.momentum.items()}
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **members)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def read_saved(path: Path) -> Saved:
    """The state in a file.

    Args:
        path: As it was given to :func:`write_saved`.

    Raises:
        ConfigurationError: It is no such file.
    """
    try:
        # Opened here: numpy leaves a damaged file open
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            members = {name: file[name] for name in file.files}
        run, rounds = str(members.pop("run")), int(members.pop("rounds"))
        saved = Saved(run, rounds, float(members.pop("clipping_norm")), {}, {})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{path} holds no saved federated training ({type(error).__name__}); give another path"
        ) from error
    for member, array in members.items():
        kind, _, name = member.partition("/")
        (saved.arrays if kind == "array" else saved.momentum)[name] = array
    return saved
