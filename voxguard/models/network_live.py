"""The causal network code by code: each layer remembers what its taps still need."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.network_numpy import Layer, NumpyNetwork, silu, times, unit_power
from voxguard.models.shipped import Weights

Floats = npt.NDArray[np.float32]


class LiveNetwork(NumpyNetwork):
    """Weights of a network that hears nothing ahead, or next to nothing, shared by all signals.

    Args:
        weights: From the training recipe, with ``causal: true``.

    Attributes:
        ahead: Frames that are to be heard before the first is said.

    Raises:
        ConfigurationError: They are of another network, or of one that hears what comes later.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.ahead = int(weights.metadata["shape"].get("ahead", 0))
        if not self.causal:
            raise ConfigurationError(
                "these weights hear what comes later; a live signal takes those that were trained "
                "with causal: true"
            )


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
        self._films = network.films(vector.astype(np.float32))
        self._pasts = [
            np.zeros((3, matrix.shape[1] // 3), np.float32) for matrix, _ in network.enter
        ]
        self._encoder = [np.zeros((x.reach + 1, x.width), np.float32) for x in network.encoder]
        self._decoder = [
            np.tile(silu(bias), (layer.reach + 1, 1))
            for layer, (_, bias) in zip(network.decoder, self._films, strict=True)
        ]

    def push(self, mel: Floats, pitch: Floats) -> Floats:
        """One code: envelope ``(2, bands)`` and pitch ``(2, 3)`` to ``(2, bands + 1)``."""
        network = self._network
        x = self._entered(0, mel.reshape(-1))
        for layer, past in zip(network.encoder, self._encoder, strict=True):
            x = x + _newest(layer, unit_power(x) * layer.scale, past)
        content = unit_power(times(network.leave[0], silu(x)))
        content = network.quantised(content, self._levels)
        x = self._entered(1, np.concatenate([content, pitch.reshape(-1)])) + self._level
        for layer, past, (gain, bias) in zip(
            network.decoder, self._decoder, self._films, strict=True
        ):
            x = x + _newest(layer, unit_power(x) * layer.scale * gain + bias, past)
        return times(network.leave[1], silu(x)).reshape(2, -1)

    def _entered(self, part: int, newest: Floats) -> Floats:
        past = _shifted(self._pasts[part], newest)
        return times(self._network.enter[part], past.reshape(-1))


def _newest(layer: Layer, heard: Floats, past: Floats) -> Floats:
    """A layer's branch for the newest code."""
    return layer.mixed(_shifted(past, silu(heard))[:: layer.dilation].reshape(-1))


def _shifted(past: Floats, newest: Floats) -> Floats:
    past[:-1] = past[1:]
    past[-1] = newest
    return past
