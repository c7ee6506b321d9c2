"""The network in numpy is the network in torch."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_converter

from voxguard.models.network_numpy import NumpyNetwork
from voxguard.models.shipped import pretrained

torch = pytest.importorskip("torch")

DEEP = {"encoder": (1, 2, 4, 1), "decoder": (2, 1, 4), "width": 48, "codebooks": (8, 4, 4, 4)}


@pytest.fixture(scope="module", params=[False, True], ids=["ahead", "causal"])
def both(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("numpy") / "w.safetensors"
    tiny_converter.save_converter(path, causal=request.param, **DEEP)
    network = tiny_converter.make_network(causal=request.param, **DEEP)
    return network, NumpyNetwork(pretrained(path, ""))


@pytest.mark.parametrize("frames", [2, 6, 200])
@pytest.mark.parametrize("levels", [1, 2, 3, 4, None])
def test_it_is_what_torch_gives(both, levels, frames):
    rng = np.random.default_rng(frames)
    mel, pitch, vector = (rng.standard_normal(s).astype(np.float32)
                          for s in ((frames, 80), (frames, 3), 256))  # fmt: skip
    vector /= np.linalg.norm(vector)
    with torch.inference_mode():
        wanted, _ = both[0](
            torch.from_numpy(mel.T[None].copy()),
            torch.from_numpy(pitch.T[None].copy()),
            torch.from_numpy(vector[None]),
            levels,
        )
    made = both[1].convert(mel, pitch, vector, levels)
    assert made.dtype == np.float32
    assert np.abs(made - wanted[0].numpy().T).max() < 1e-5


def test_the_context_is_what_is_heard(both):
    """A frame beyond it changes nothing, the last within it does."""
    network = both[1]
    frames, middle = 400, 200
    mel, pitch = np.zeros((frames, 80), np.float32), np.zeros((frames, 3), np.float32)
    vector = np.full(256, 1 / 16, np.float32)
    before = network.convert(mel, pitch, vector, None)[middle]
    changed = []
    for frame in (middle - network.context - 2, middle - network.context):
        heard = mel.copy()
        heard[frame] += 1.0
        now = network.convert(heard, pitch, vector, None)[middle]
        changed.append(not np.array_equal(now, before))
    assert changed == [False, True]
