"""One rendering for all questions about a clip."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from voxguard.arrays import Samples
from voxguard.audiollm.question import Audio
from voxguard.errors import ConfigurationError


class Renderings:
    """Keeps the latest clips as they are heard.

    An anonymizer draws anew for each call. Questions that are asked in a row are about one draw,
    and what takes longest is done once.

    Args:
        most: Clips that are kept; at least as many as are under way at once.

    Raises:
        ConfigurationError: Fewer than one.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.renderings import Renderings
        >>> noise = lambda: (np.random.default_rng().normal(size=4).astype(np.float32), 16_000)
        >>> heard = Renderings(2).once("raw/clip-1", noise)
        >>> heard()[0] is heard()[0]
        True
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ConfigurationError(f"keeps 1 clip or more, got {most!r}")
        self._most, self._lock = most, Lock()
        self._made: OrderedDict[str, tuple[Samples, int]] = OrderedDict()

    def once(self, name: str, audio: Audio | None) -> Audio | None:
        """The same audio, made once while it is among the latest.

        Args:
            name: Of the clip and how it is heard.
            audio: Makes it; None: no audio part.
        """
        if audio is None:
            return None

        def made() -> tuple[Samples, int]:
            with self._lock:
                if name not in self._made:
                    self._made[name] = audio()
                    while len(self._made) > self._most:
                        self._made.popitem(last=False)
                return self._made[name]

        return made
