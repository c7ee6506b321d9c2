"""The causal network piece by piece: each block remembers what its taps still need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.block import BlockWeights, LiveBlock, Past
from voxguard.models.network_numpy import NumpyNetwork, silu, times, unit_power
from voxguard.models.shipped import Weights

Floats = npt.NDArray[np.float32]


class LiveNetwork(NumpyNetwork):
    """Weights of a network that hears nothing ahead, or next to nothing, shared by all signals.

    Args:
        weights: From the training recipe, with ``causal: true``.

    Attributes:
        ahead: Frames that are to be heard before the first is said.
        hearing: The encoder's blocks, as live signals take them.
        saying: The decoder's.

    Raises:
        ConfigurationError: They are of another network, or of one that hears what comes later.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        if not self.causal:
            raise ConfigurationError(
                "these weights hear what comes later; a live signal takes those that were trained "
                "with causal: true"
            )
        self.ahead = int(weights.metadata["shape"].get("ahead", 0))
        self.hearing = [BlockWeights(layer) for layer in self.encoder]
        self.saying = [BlockWeights(layer) for layer in self.decoder]


class NetworkStream:
    """One live signal through the network.

    Args:
        network: What it goes through.
        vector: ``(256,)`` of the voice.
        levels: Levels of the quantiser that pass; None for no quantiser.
    """

    def __init__(self, network: LiveNetwork, vector: Floats, levels: int | None) -> None:
        self._network, self._levels = network, levels
        self._level = network.level_of(levels)
        self._entries = [
            Past(np.zeros((2, matrix.shape[1] // 3), np.float32)) for matrix, _ in network.enter
        ]
        self._encoder = [
            LiveBlock(weights, weights.layer.scale, np.zeros_like(weights.layer.scale))
            for weights in network.hearing
        ]
        self._decoder = [
            LiveBlock(weights, weights.layer.scale * gain, bias)
            for weights, (gain, bias) in zip(
                network.saying, network.films(vector.astype(np.float32)), strict=True
            )
        ]

    def push(self, mel: Floats, pitch: Floats) -> Floats:
        """The next codes: envelope ``(2 k, bands)``, pitch ``(2 k, 3)`` to ``(2 k, bands + 1)``."""
        network = self._network
        codes = len(mel) // 2
        x = self._entered(0, mel.reshape(codes, -1))
        for block in self._encoder:
            x = block.push(x)
        content = unit_power(times(network.leave[0], silu(x)))
        content = network.quantised(content, self._levels)
        said = np.concatenate([content, pitch.reshape(codes, -1)], axis=1)
        x = self._entered(1, said) + self._level
        for block in self._decoder:
            x = block.push(x)
        return times(network.leave[1], silu(x)).reshape(2 * codes, -1)

    def _entered(self, part: int, newest: Floats) -> Floats:
        return times(self._network.enter[part], self._entries[part].push(newest))
