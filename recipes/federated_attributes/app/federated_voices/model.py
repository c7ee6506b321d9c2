"""The model: a softmax on features, with a hidden layer if wanted. Numpy alone.

A client's process starts in a fraction of a second, where importing torch costs seconds and half a
gigabyte each; put your own model in place of this file, nothing else knows its inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


def initial(features: int, classes: int, hidden: int = 0, seed: int = 0) -> Arrays:
    """Parameters before training: the output at zero, a hidden layer at random."""
    if not hidden:
        return {
            "input.weight": np.zeros((classes, features), np.float32),
            "input.bias": np.zeros(classes, np.float32),
        }
    rng = np.random.default_rng(seed)
    return {
        "input.weight": rng.normal(0.0, features**-0.5, (hidden, features)).astype(np.float32),
        "input.bias": np.zeros(hidden, np.float32),
        "output.weight": np.zeros((classes, hidden), np.float32),
        "output.bias": np.zeros(classes, np.float32),
    }


def probabilities(arrays: Arrays, x: Floats) -> Floats:
    """``(n, features)`` to ``(n, classes)``."""
    return _forward(arrays, x)[1]


def train(arrays: Arrays, x: Floats, y: Any, *, steps: int, learning_rate: float) -> Arrays:
    """Gradient descent on the mean cross-entropy of all examples; new arrays, the old stay.

    Nothing is drawn, so what a client computes depends on what it was sent and what it has, and a
    run by Flower can be compared with another to the last bit.
    """
    new = {name: array.copy() for name, array in arrays.items()}
    wanted = np.eye(len(new[_last(new)]), dtype=np.float32)[np.asarray(y)]
    for _ in range(steps):
        hidden, likely = _forward(new, x)
        error = (likely - wanted) / len(x)
        if "output.weight" in new:
            back = (error @ new["output.weight"]) * (1.0 - hidden**2)
            _descend(new, "output", error, hidden, learning_rate)
            error = back
        _descend(new, "input", error, x, learning_rate)
    return new


def _last(arrays: Arrays) -> str:
    return "output.bias" if "output.bias" in arrays else "input.bias"


def _forward(arrays: Arrays, x: Floats) -> tuple[Floats, Floats]:
    inner = x @ arrays["input.weight"].T + arrays["input.bias"]
    hidden = inner
    if "output.weight" in arrays:
        hidden = np.tanh(inner)
        inner = hidden @ arrays["output.weight"].T + arrays["output.bias"]
    grown = np.exp(inner - inner.max(axis=1, keepdims=True))
    return hidden, grown / grown.sum(axis=1, keepdims=True)


def _descend(new: Arrays, layer: str, error: Floats, heard: Floats, learning_rate: float) -> None:
    new[f"{layer}.weight"] -= np.float32(learning_rate) * (error.T @ heard)
    new[f"{layer}.bias"] -= np.float32(learning_rate) * error.sum(axis=0)
