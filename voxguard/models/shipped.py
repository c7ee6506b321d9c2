"""Weights: those in the package, and others by path or by the name of a hub's repository."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

_PACKAGE = "voxguard.models.weights"
_METADATA = "voxguard"


@dataclass(frozen=True)
class Weights:
    """Arrays by name, what is said about them, and the SHA-256 of the file they were in."""

    arrays: dict[str, npt.NDArray[Any]]
    metadata: dict[str, Any]
    sha256: str


def shipped(name: str) -> Weights:
    """Read a file of the package and check that it is the one that was released.

    Raises:
        MissingExtraError: safetensors is not installed.
        ConfigurationError: The file is not there, or not what was released.

    Example:
        >>> from voxguard.models.shipped import shipped
        >>> len(shipped("pool.safetensors").sha256)
        64
    """
    folder = files(_PACKAGE)
    try:
        released = (folder / "SHA256SUMS").read_text("ascii")
        content = (folder / name).read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the weights {name} are missing from the package; reinstall voxguard"
        ) from error
    if f"{hashlib.sha256(content).hexdigest()}  {name}" not in released.splitlines():
        raise ConfigurationError(
            f"the weights {name} in the package are not those that were released; "
            "reinstall voxguard"
        )
    return parse(content, name)


def pretrained(source: str | Path, name: str, revision: str | None = None) -> Weights:
    """Read weights from a file, a folder, or a repository of the Hugging Face hub.

    Args:
        source: Path of a safetensors file or of a folder that holds ``name``; else the
            repository, ``"owner/name"``.
        name: File in the folder or repository.
        revision: Commit, tag or branch of the repository. A commit cannot change under you.

    Raises:
        MissingExtraError: safetensors or, for a repository, huggingface_hub is not installed.
        ConfigurationError: Nothing usable is there.
    """
    try:
        path = _found(source, name, revision)
        content = path.read_bytes()
    except ConfigurationError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"no weights at {source}: a file, a folder with {name}, or owner/name of a hub "
            "repository is accepted"
        ) from error
    return parse(content, path.name)


def parse(content: bytes, name: str) -> Weights:
    """Arrays of a safetensors file. Unlike a pickle it can hold no code."""
    numpy = optional("safetensors.numpy", "neural", "reading weights")
    try:
        arrays = numpy.load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        told = json.loads(metadata.get(_METADATA, "{}"))
    except Exception as error:  # its own exceptions have no common base
        raise ConfigurationError(
            f"{name} cannot be read as safetensors ({type(error).__name__})"
        ) from error
    if not isinstance(told, dict):
        raise ConfigurationError(f"{name} says nothing about what it holds that voxguard can read")
    if not all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f"):
        raise ConfigurationError(f"{name} holds NaN or infinity; its training went wrong")
    return Weights(arrays, told, hashlib.sha256(content).hexdigest())


def save(path: Path, arrays: dict[str, npt.NDArray[Any]], metadata: dict[str, Any]) -> str:
    """Write a safetensors file; its SHA-256 is returned."""
    numpy = optional("safetensors.numpy", "neural", "writing weights")
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content: bytes = numpy.save(whole, {_METADATA: json.dumps(metadata, sort_keys=True)})
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _found(source: str | Path, name: str, revision: str | None) -> Path:
    path = Path(source)
    if not path.exists() and _is_repository(str(source)):
        return _downloaded(str(source), name, revision)
    if revision is not None:
        raise ConfigurationError(
            f"revision= is for repositories of the hub, {source} is not one: leave it out"
        )
    return path / name if path.is_dir() else path


def _is_repository(source: str) -> bool:
    """Whether it can be ``owner/name``; a path that is not there is not asked of the network."""
    return (
        source.count("/") == 1
        and not source.startswith(("/", ".", "~"))
        and (Path(source).suffix != ".safetensors")
    )


def _downloaded(repository: str, name: str, revision: str | None) -> Path:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when it is imported
    hub = optional("huggingface_hub", "hub", "loading weights from a hub")
    try:
        return Path(hub.hf_hub_download(repository, name, revision=revision))
    except Exception as error:  # network, name, permission: each has a class of its own
        raise ConfigurationError(
            f"{repository} has no {name} that can be loaded ({type(error).__name__}); give a path, "
            "or the owner/name of a repository that this machine can reach"
        ) from error
