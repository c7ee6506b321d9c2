"""What the network for live signals hears: recordings normalised as they go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recipes.common import told
from recipes.train_voice_conversion.data import CHUNK, Array, Batches, Recorded
from recipes.train_voice_conversion.perturb import elsewhere
from voxguard.models.running import RunningEnvelope

Population = Mapping[str, Sequence[float]]

VERSIONS = 4  # of each recording, in other voices and rooms


class LiveBatches(Batches):
    """Chunks whose views are what a live signal's network hears at this place of a recording.

    Level, channel and dynamics are those of what was heard until then, right or wrong, as they will
    be when it is used.

    Args:
        recorded: Where they come from.
        versions: What is heard of each recording, from :func:`heard_live`.
        size: Of a batch.
        seed: As for all batches.
        few: Likewise.
        ahead: Frames that are heard before the first is to be said.
    """

    def __init__(
        self,
        recorded: list[Recorded],
        versions: list[list[Array]],
        size: int,
        seed: int | Sequence[int],
        *,
        few: float = 0.4,
        ahead: int = 0,
    ) -> None:
        super().__init__(recorded, size, seed, few=few)
        self._versions, self._ahead = versions, ahead

    def view(self, k: int, start: int) -> Array:
        """Of any version."""
        heard = self._versions[int(self._rng.integers(len(self._versions)))][k]
        start += self._ahead
        return np.ascontiguousarray(heard[start : start + CHUNK].T, np.float32)


def versions(
    recorded: list[Recorded], population: Population, count: int, seed: int
) -> list[list[Array]]:
    """Recordings as they are, and so many less one in other voices and rooms."""
    rng = np.random.default_rng(seed)
    every = [(r, version > 0) for version in range(count) for r in recorded]
    heard = [
        heard_live(elsewhere(r.raw - np.float32(r.level), rng) + r.level if other else r.raw,
                   population)
        for r, other in told("heard live", every)
    ]  # fmt: skip
    return [heard[start : start + len(recorded)] for start in range(0, len(heard), len(recorded))]


def heard_live(mel: Array, population: Population) -> Array:
    """A recording's log mel envelope, ``(frames, bands)``, frame by frame."""
    envelope = RunningEnvelope(population)
    heard = [envelope.normalise(frame) for frame in mel.astype(np.float32)]
    return np.stack(heard).astype(np.float16)
