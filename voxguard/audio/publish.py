"""Files that appear under their name only when they are complete.

A `PartFile` is written as ``.voxguard-<random>.part`` beside its destination and held under a lock,
so that what a killed process left behind can be told from what a live one is writing.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voxguard.errors import OutputError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be deleted: that is lock enough
    fcntl = None

__all__ = ["PartFile", "output_error", "remove_abandoned"]

_PREFIX, _SUFFIX = ".voxguard-", ".part"
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextlib.contextmanager
def output_error(path: Path) -> Iterator[None]:
    """Turn what the operating system says while `path` is written into an `OutputError`."""
    try:
        yield
    except OutputError:
        raise
    except FileExistsError:
        raise OutputError(
            f"{path.name} exists: choose another name, or overwrite=True to replace it"
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path.name} could not be written: {error.strerror or error}; nothing was left behind"
        ) from None


def _lock(descriptor: int) -> bool | None:
    """Whether the lock is ours; None where there are no locks, as in some network folders."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class PartFile(io.FileIO):
    """A temporary file in the destination's folder, for libsndfile to write into.

    The first failing write is kept in `error`, since an exception cannot pass through libsndfile,
    which for some formats does not report a full disk either.

    Attributes:
        destination: where the file will appear.
        part: where it is being written.
        limit: size in bytes that it may not exceed; None for no limit.
        error: the first failing write's error.
    """

    def __init__(self, destination: Path, *, limit: int | None = None) -> None:
        """Create the file, and the folders above it where missing.

        Raises:
            OutputError: the folder cannot be created or written.
        """
        self.destination = destination
        self.limit = limit
        self.error: OSError | None = None
        with output_error(destination):
            try:
                destination.parent.mkdir(parents=True, exist_ok=True)
            except FileExistsError:  # not about the destination
                raise NotADirectoryError(errno.ENOTDIR, "its folder is a file") from None
            while True:
                self.part = destination.parent / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
                super().__init__(self.part, "x+")
                locked = _lock(self.fileno())
                if locked is None or (locked and self.part.exists()):
                    return  # what cannot be locked is never taken for dead
                self.close()  # remove_abandoned came between creation and lock, and deletes it

    def write(self, data: Any) -> int:
        """Write all of `data`, or nothing from the first error on."""
        if self.error is not None:
            return 0
        if self.limit is not None and self.tell() + len(data) > self.limit:
            self.error = OSError(
                errno.EFBIG,
                "4 GiB is all that this format holds; write .rf64, .w64 or .flac instead",
            )
            return 0
        view = memoryview(data)
        try:
            while view:
                view = view[super().write(view) :]
        except OSError as error:
            self.error = error
            return 0
        return len(data)

    def publish(self, *, overwrite: bool) -> None:
        """Flush to disk and give the file its name, in one step.

        Args:
            overwrite: replace what bears the name.

        Raises:
            OutputError: the name is taken, or the file system refused.
        """
        with output_error(self.destination):
            if self.error is not None:
                raise self.error
            os.fsync(self.fileno())
            if fcntl is None:
                self.close()  # Windows renames no open file
            if overwrite:
                self.part.replace(self.destination)
            else:
                self._link()
        self.close()  # only now the lock: until here the part file is a live one

    def _link(self) -> None:
        try:
            os.link(self.part, self.destination)  # refuses a taken name, which rename does not
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            os.close(os.open(self.destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            try:
                self.part.replace(self.destination)
            except OSError:
                self.destination.unlink()
                raise
        else:
            self.part.unlink()

    def discard(self) -> None:
        """Remove the file; for errors, and harmless after `publish`."""
        if fcntl is None:
            self.close()
        with contextlib.suppress(OSError):
            self.part.unlink()
        self.close()


def remove_abandoned(folder: Path) -> int:
    """Delete the temporary files that killed processes left in a folder.

    Args:
        folder: looked through without its sub-folders.

    Returns:
        How many were deleted. Files that a live process is writing stay.
    """
    removed = 0
    for part in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError), part.open("rb+") as stream:
            if not _lock(stream.fileno()):
                continue
            if fcntl is None:
                stream.close()
            part.unlink()
            removed += 1
    return removed
