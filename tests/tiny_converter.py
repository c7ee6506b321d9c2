"""The converter's network with few and random weights, and a pool of voices for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from voxguard.models.pool import SpeakerPool, unit_rows
from voxguard.models.shipped import save

SHAPE = {"width": 32, "codebooks": (16, 8, 8, 8), "encoder": (1, 2), "decoder": (1, 2)}
POPULATION = {"level": [-5.0], "mean": [-5.0] * 80, "spread": [2.0] * 80}


def make_network(*, seed: int = 0, **shape: Any) -> Any:
    """A network that speaks about as loud as it hears, with the tilt of speech."""
    import torch

    from voxguard.models.network import Network, NetworkShape

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = Network(NetworkShape(**{**SHAPE, **shape}))
        for level in range(network.quantizer.levels):
            network.quantizer.codebook(level).normal_(std=0.6 * 0.5**level)
        frame = torch.cat([torch.linspace(1.5, -4.0, network.shape.bands), torch.tensor([-1.5])])
        network.decoder.leave.weight *= 2.0
        network.decoder.leave.bias.copy_(torch.cat([frame, frame]))
    return network.half().float().eval().requires_grad_(False)  # as precise as what ships


def save_converter(path: Path, *, metadata: dict[str, Any] | None = None, **shape: Any) -> Path:
    """The file that the training recipe exports; metadata None: that of the network."""
    network = make_network(**shape)
    about = {"shape": network.shape.as_dict(), "population": POPULATION}
    arrays = {name: value.numpy() for name, value in network.state_dict().items()}
    save(path, arrays, about if metadata is None else metadata)
    return path


def save_pool(path: Path, *, women: int = 6, men: int = 6) -> Path:
    """Voices that are far from each other, women above 165 Hz and men below it."""
    rng = np.random.default_rng(5)
    sex = np.array(["F"] * women + ["M"] * men)
    mean = np.where(sex == "F", rng.uniform(5.2, 5.4, sex.size), rng.uniform(4.6, 4.9, sex.size))
    SpeakerPool(
        vectors=unit_rows(rng.standard_normal((sex.size, 256))),
        log_f0_mean=mean.astype(np.float32),
        log_f0_std=rng.uniform(0.12, 0.3, sex.size).astype(np.float32),
        sex=sex,
    ).save(path, overwrite=True)
    return path
