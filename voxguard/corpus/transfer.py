"""Objects on their way from a store and to it."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from voxguard.corpus.storage import StorageError
from voxguard.errors import OutputError, UnsupportedAudioError

_BLOCK = 1 << 20
_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Whatever a store and its client raise leaves as one error, or as an object's absence.

    Args:
        what: Is being done, for the message.

    Raises:
        FileNotFoundError: There is no such object.
        StorageError: Anything else; nothing is said about the object by that.
    """
    try:
        yield
    except (StorageError, MemoryError):
        raise
    except _NOT_THERE as error:
        number = error.errno or errno.ENOENT
        raise OSError(number, os.strerror(number), what) from None
    except Exception as error:  # every store has errors of its own
        raise StorageError(f"{what} failed ({said(error)}); go on when the store answers") from None


def said(error: Exception) -> str:
    """The type of a store's error, and what the store said if it is an error of the system's."""
    text = getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class Download(io.RawIOBase):
    """An object as a stream, whose errors are the store's and not the content's.

    Args:
        files: fsspec's file system.
        path: Of the object.
    """

    def __init__(self, files: Any, path: str) -> None:
        super().__init__()
        self._what = f"reading {path}"
        with store_errors(self._what):
            self._file = files.open(path, "rb")

    def read(self, size: int | None = -1) -> bytes:
        """At most so many bytes."""
        with store_errors(self._what):
            content: bytes = self._file.read(-1 if size is None else size)
            return content

    def readinto(self, buffer: Any) -> int:
        """Into a buffer."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To a place."""
        with store_errors(self._what):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """The place."""
        return int(self._file.tell())

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            with suppress(Exception):
                self._file.close()
        super().close()


class Upload:
    """A nameless local file, put as one object when it is complete.

    Args:
        files: fsspec's file system.
        path: Of the object.
        folders: Whether the store has folders, which must be made.
    """

    closed = False  # asked for by writers of Parquet

    def __init__(self, files: Any, path: str, *, folders: bool) -> None:
        self._files, self._path, self._folders = files, path, folders
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def write(self, data: Any) -> int:
        """Append."""
        return self._file.write(data)

    def flush(self) -> None:
        """To the local file."""
        self._file.flush()

    def tell(self) -> int:
        """How much it is so far."""
        return self._file.tell()

    def close(self) -> None:
        """Left to `publish` and `discard`."""

    def publish(self, *, overwrite: bool) -> None:
        """Put it.

        Args:
            overwrite: Replace what bears the name; else the store refuses a name that is taken, in
                one step where it can.

        Raises:
            OutputError: It could not be put; nothing of it bears the name.
            UnsupportedAudioError: No object can have the name.
        """
        trouble: Exception | None = None
        try:
            self._put(overwrite=overwrite)
        except Exception as error:  # every store has errors of its own
            trouble = error
        finally:
            self._file.close()
        if trouble is None:
            return
        if isinstance(trouble, FileExistsError) and not overwrite:
            raise OutputError(f"{self._path} exists")
        if isinstance(trouble, UnicodeError) or _number(trouble) == errno.ENAMETOOLONG:
            raise UnsupportedAudioError(
                "the store takes no such name (too long, or no text); rename it"
            )
        raise OutputError(f"{self._path} could not be written ({said(trouble)})")

    def discard(self) -> None:
        """Forget it."""
        self._file.close()

    def _put(self, *, overwrite: bool) -> None:
        if self._folders:
            self._files.makedirs(self._path.rpartition("/")[0], exist_ok=True)
        if overwrite:
            self._send("wb")
            return
        if self._files.exists(self._path):
            raise FileExistsError(self._path)
        try:
            self._send("xb")
        except (NotImplementedError, ValueError):  # fsspec's package for it knows no such mode
            self._send("wb")
        except OSError as error:
            if _number(error) != errno.ENOSYS:  # the store does not
                raise
            self._send("wb")

    def _send(self, mode: str) -> None:
        self._file.seek(0)
        there = self._files.open(self._path, mode)
        try:
            shutil.copyfileobj(self._file, there, _BLOCK)
            there.close()
        except BaseException:
            _abandon(there)
            raise


def _number(error: Exception) -> int | None:
    number: int | None = getattr(error, "errno", None)
    return number


def _abandon(there: Any) -> None:
    """Forget an object that is half sent: closing it, which its end does too, would publish it."""
    with suppress(Exception):
        there.closed = True
    with suppress(Exception):
        there.discard()
