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
        nothing = np.zeros((channels, 0), np.float32)
        self._source = nothing  # went in, and has not come out yet
        self._was, self._now = nothing, nothing  # came out, and fills no window yet
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
        was = np.concatenate([self._was, self._source[:, :length]], axis=1)
        now = np.concatenate([self._now, samples], axis=1)
        self._source = self._source[:, length:]
        whole = was.shape[1] // WINDOW * WINDOW
        self._was, self._now = was[:, whole:], now[:, whole:]
        if whole:
            self._judged = True
            copied = _copied(was[:, :whole], now[:, :whole])
        else:
            moves = (was[:, 1:] != was[:, :-1]).any(axis=1)
            copied = final and not self._judged and bool((moves & (was == now).all(axis=1)).any())
        if copied:
            raise VoxguardError("the method changed nothing; the recording is withheld")

    def check(self, source: Samples, samples: Samples) -> None:
        """Compare a whole recording with its rendering, ``(channels, n)`` both.

        Raises:
            VoxguardError: They are, in places or as a whole, the same.
        """
        self.took(source)
        self.gave(samples, final=True)


def _copied(was: Samples, now: Samples) -> bool:
    """Whether a window of ``(channels, whole windows)`` came out as it went in."""
    difference = np.abs(now - was)
    if np.count_nonzero(difference <= ALIKE * np.abs(was).max()) <= SHARE * MOVING:
        return False  # the usual case: too little is the same anywhere
    windows, differences = was.reshape(-1, WINDOW), difference.reshape(-1, WINDOW)
    alike = ALIKE * windows.std(axis=1, keepdims=True)
    moving = np.abs(np.diff(windows, axis=1)) > alike
    moves = moving.sum(axis=1)
    same = (differences[:, 1:] <= alike) & moving
    return bool(((moves >= MOVING) & (same.sum(axis=1) > SHARE * moves)).any())
