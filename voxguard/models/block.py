"""A residual block of the live network: compiled where it can be, else in numpy."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.dsp import kernel
from voxguard.models.network_numpy import Layer, silu, unit_power

try:
    _block: Any = import_module("voxguard.models._block")
except ImportError:  # built only where a compiler was at hand, for x86
    _block = None

Floats = npt.NDArray[np.float32]
Halves = tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]

_AT_ONCE = 16  # codes; of more, the products of matrices are faster
_KERNELS = ("avx2", "avx512")
_LANES, _WIDEST = 8, 1024  # of _block.c


@cache
def is_compiled() -> bool:
    """Whether the compiled step is used; ``VOXGUARD_KERNEL`` can name another kernel."""
    return _block is not None and kernel.name() in _KERNELS and bool(_block.available())


class BlockWeights:
    """A layer of the network, for any number of live signals.

    Args:
        layer: From the network's weights.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.halves = _halves(layer) if is_compiled() else None


class LiveBlock:
    """One live signal through a block, which remembers what its taps still need.

    Args:
        weights: Of the block.
        gain: ``(width,)``, of what is heard at unit power.
        bias: ``(width,)``, added to that.
    """

    def __init__(self, weights: BlockWeights, gain: Floats, bias: Floats) -> None:
        layer = weights.layer
        self._layer, self._halves = layer, weights.halves
        self._gain, self._bias = gain, bias
        self.past = Past(np.tile(silu(bias), (layer.reach, 1)))

    def push(self, x: Floats) -> Floats:
        """The next codes, ``(k, width)``."""
        if self._halves is None or len(x) > _AT_ONCE:
            heard = silu(unit_power(x) * self._gain + self._bias)
            return x + self._layer.mixed(self.past.push(heard))
        out = x.copy()
        (taps, mix), (_, taps_bias), (_, mix_bias) = self._halves, self._layer.taps, self._layer.mix
        _block.push(out, self.past.rows, self._gain, self._bias, taps, taps_bias, mix, mix_bias)
        return out


class Past:
    """What a convolution of three taps has heard and still needs.

    Args:
        rows: ``(2 dilation, width)``, oldest first.
    """

    def __init__(self, rows: Floats) -> None:
        self.rows = rows

    def push(self, newest: Floats) -> Floats:
        """Each of ``(k, width)`` beside the two that its taps reach back to, ``(k, 3 width)``."""
        reach, codes = len(self.rows), len(newest)
        heard = np.concatenate([self.rows, newest])
        self.rows = heard[codes:]
        return np.concatenate([heard[tap:][:codes] for tap in (0, reach // 2, reach)], axis=1)


def _halves(layer: Layer) -> Halves | None:
    """Both matrices in float16, if that is what they were shipped in; else None."""
    found = layer.taps[0].astype(np.float16), layer.mix[0].astype(np.float16)
    same = np.array_equal(found[0], layer.taps[0]) and np.array_equal(found[1], layer.mix[0])
    return found if same and layer.width % _LANES == 0 and layer.width <= _WIDEST else None
