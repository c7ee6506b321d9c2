"""A small JSON file that one process owns, and that is whole whenever the power fails."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from voxguard.errors import ConfigurationError, OutputError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["LedgerFile"]

_FORMAT = "voxguard privacy ledger 1"


class LedgerFile:
    """The file behind a :class:`~voxguard.privacy.Ledger`; opening it takes it.

    The lock is held on a file of its own, since the account itself is replaced at each write. It
    is the operating system's and goes with the process, however that ends.

    Args:
        path: The account. Its folder is made if need be.

    Raises:
        ConfigurationError: Another process has it open.
        OutputError: The folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lock = path.with_name(path.name + ".lock")
        self._lock: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            if fcntl is None:
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ConfigurationError(
                f"{path} is in use by another training ({error.strerror}): one at a time; wait "
                "for it to end, or give this one a ledger of its own"
            ) from None
        self._lock = descriptor

    def read(self) -> dict[str, Any] | None:
        """What was written last; None where there is no file.

        Raises:
            ConfigurationError: It is damaged.
        """
        try:
            content = json.loads(self.path.read_bytes())
            digest = content.pop("sha256")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.damaged(error.strerror or "it cannot be read") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            raise self.damaged("it is not the JSON that was written") from None
        if content.get("format") != _FORMAT:
            raise self.damaged(f"its format is {content.get('format')!r}, not {_FORMAT!r}")
        if digest != _digest(content):
            raise self.damaged("its content does not match its checksum")
        return {str(name): value for name, value in content.items()}

    def write(self, content: dict[str, Any]) -> None:
        """Replace what is there; when this returns, it is on the disk.

        Raises:
            OutputError: It could not be written; what was there still is.
        """
        if self._lock is None:
            raise ConfigurationError(f"{self.path} is closed; open the ledger again")
        content = {"format": _FORMAT, **content}
        text = json.dumps({**content, "sha256": _digest(content)}, indent=1) + "\n"
        part = self.path.with_name(self.path.name + ".part")
        try:
            with part.open("w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self.path)
            if fcntl is not None:  # a folder is a file too, with a cache of its own
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise self._unwritable(error) from None

    def close(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            if fcntl is not None:  # a forked worker may hold a copy of the descriptor
                fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    def damaged(self, reason: str) -> ConfigurationError:
        """The error that keeps a damaged account from being taken for an empty one."""
        return ConfigurationError(
            f"the privacy ledger {self.path} is damaged: {reason}. What was spent is not known, "
            "so training cannot go on; restore it from a copy. Deleting it does not undo what "
            "was released: count the interrupted training as spent in full"
        )

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"the privacy ledger {self.path} could not be written ({error.strerror or error}); "
            "no step may be taken until it can"
        )


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
