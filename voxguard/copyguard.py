"""Tells output that is its input: a broken method must not let the voice through."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import VoxguardError

WINDOW = 64  # samples judged together: 4 ms at 16 kHz
ALIKE = 1e-3  # of the window's spread: what differs by less is the same
MOVING = 16  # samples that move in a window in which there is something to tell
SHARE = 0.75  # of them that may not be the same


class CopyGuard:
    """Compares what came out with what went in at the same place, window by window.

    A window in which most moving samples come out as they went in is a copy. Where nothing moves (a
    constant, a few clicks) there is no voice, and no telling.

    Args:
        channels: Judged one by one.

    Example:
        >>> import numpy as np
        >>> from voxguard.copyguard import CopyGuard
        >>> voice = np.sin(np.arange(320, dtype=np.float32))[None]
        >>> CopyGuard(1).check(voice, voice)
        Traceback (most recent call last):
            ...
        voxguard.errors.VoxguardError: the method changed nothing; the recording is withheld
    """

    def __init__(self, channels: int) -> None:
        self._source = np.zeros((channels, 0), np.float32)
        self._rest = np.zeros((2, channels, 0), np.float32)
        self._judged = False

    def took(self, samples: Samples) -> None:
        """Remember what went in, ``(channels, n)``."""
        self._source = np.concatenate([self._source, samples], axis=1)

    def gave(self, samples: Samples, *, final: bool = False) -> None:
        """Hold what came out, ``(channels, m)``, against what went in there.

        Raises:
            VoxguardError: It is the same.
        """
        length = samples.shape[1]
        pair = np.stack([self._source[:, :length], samples])
        self._source = self._source[:, length:]
        pair = np.concatenate([self._rest, pair], axis=2)
        whole = pair.shape[2] // WINDOW * WINDOW
        self._rest = pair[:, :, whole:]
        if whole:
            self._judged = True
            windows = pair[:, :, :whole].reshape(2, -1, WINDOW)
            if _copies(windows[0], windows[1]).any():
                raise VoxguardError("the method changed nothing; the recording is withheld")
        elif final and not self._judged:
            was, now = self._rest
            moves = np.count_nonzero(np.diff(was, axis=1), axis=1) > 0
            if (moves & (was == now).all(axis=1)).any():
                raise VoxguardError("the method changed nothing; the recording is withheld")

    def check(self, source: Samples, samples: Samples) -> None:
        """Compare a whole recording with its rendering, ``(channels, n)`` both.

        Raises:
            VoxguardError: They are, in places or as a whole, the same.
        """
        self.took(source)
        self.gave(samples, final=True)


def _copies(was: Samples, now: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which windows, ``(count, WINDOW)``, came out as they went in."""
    alike = ALIKE * was.std(axis=1, keepdims=True)
    moving = np.abs(np.diff(was, axis=1)) > alike
    moves = moving.sum(axis=1)
    same = (np.abs(now - was)[:, 1:] <= alike) & moving
    copies: np.ndarray[tuple[int], np.dtype[np.bool_]] = (moves >= MOVING) & (
        same.sum(axis=1) > SHARE * moves
    )
    return copies
