"""A private training step on one core: ours and Opacus', beside a step without privacy.

    python -m benchmarks.bench_dp --channels 64 128 --json FILE

The same utterances for all. Ours hide a speaker and clip one gradient a speaker, Opacus' hide an
utterance and clip one gradient an utterance. Every method lives in a process of its own, forked
before it has done anything, and the methods take turns. Times are CPU times of whole steps:
forward, backward, clipping, noise, optimizer. Memory is by how much the process has grown at its
peak. Ratios are taken round by round.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from opacus import PrivacyEngine
from opacus.validators import ModuleValidator
from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.common import cpu_seconds, finish, pin, spread
from voxguard.privacy import SpeakerDP

CLASSES = 10
NOISE, CLIP = 1.0, 1.0
Step = Callable[[], None]


def ecapa(channels: int, *, batch_norm: bool) -> nn.Module:
    """SpeechBrain's ECAPA-TDNN with as many outputs as classes."""
    widths = [channels] * 4 + [3 * channels]
    network = ECAPA_TDNN(80, channels=widths, lin_neurons=CLASSES, attention_channels=64)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # Opacus' hooks refuse it
    if not batch_norm:
        network = ModuleValidator.fix(network)
    return nn.Sequential(network, nn.Flatten())


def small(*, batch_norm: bool) -> nn.Module:
    """A convolutional network of 48,000 parameters for spoken digits."""

    def block(inputs: int) -> list[nn.Module]:
        norm = nn.BatchNorm1d(64) if batch_norm else nn.GroupNorm(8, 64)
        return [nn.Conv1d(inputs, 64, 5, stride=2, padding=2), norm, nn.ReLU()]

    layers = [*block(20), *block(64), *block(64)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def mean_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross entropy."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def plain(model: nn.Module, x: Tensor, y: Tensor) -> Step:
    """No privacy: all utterances, ``(speakers, utterances, ...)``, in one batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        mean_loss(model, (x.flatten(0, 1), y.flatten())).backward()
        optimizer.step()

    return step


def ours(engine: Any) -> Callable[[nn.Module, Tensor, Tensor], Step]:
    """Speaker-level DP with an engine."""

    def made(model: nn.Module, x: Tensor, y: Tensor) -> Step:
        speakers = {f"{i}": list(zip(x[i], y[i], strict=True)) for i in range(len(x))}
        trainer = SpeakerDP(
            model, torch.optim.SGD(model.parameters(), lr=1e-3), speakers,
            lambda said: (torch.stack([a for a, _ in said]), torch.stack([b for _, b in said])),
            mean_loss, noise_multiplier=NOISE, sampling_rate=1.0, clipping_norm=CLIP,
            utterances=x.shape[1], engine=engine,
        )  # fmt: skip
        return lambda: trainer.step() and None

    return made


def opacus(mode: str) -> Callable[[nn.Module, Tensor, Tensor], Step]:
    """Example-level DP of Opacus."""

    def made(model: nn.Module, x: Tensor, y: Tensor) -> Step:
        x, y = x.flatten(0, 1), y.flatten()
        private = PrivacyEngine().make_private(
            module=model, optimizer=torch.optim.SGD(model.parameters(), lr=1e-3),
            criterion=nn.CrossEntropyLoss(), noise_multiplier=NOISE, max_grad_norm=CLIP,
            data_loader=DataLoader(TensorDataset(x, y), batch_size=len(x)),
            poisson_sampling=False, grad_sample_mode=mode,
        )  # fmt: skip
        private_model, optimizer = private[0], private[1]
        criterion = private[2] if mode == "ghost" else nn.CrossEntropyLoss()

        def step() -> None:
            optimizer.zero_grad()
            criterion(private_model(x), y).backward()
            optimizer.step()

        return step

    return made


# Method, and whether it trains with batch normalisation.
METHODS: dict[str, tuple[Callable[[nn.Module, Tensor, Tensor], Step], bool]] = {
    "plain": (plain, False),
    "plain, BatchNorm": (plain, True),
    "speaker-level, microbatch": (ours("microbatch"), False),
    "speaker-level, microbatch, BatchNorm": (ours("microbatch"), True),
    "speaker-level, vectorised": (ours("vectorised"), False),
    "Opacus, hooks": (opacus("hooks"), False),
    "Opacus, ghost": (opacus("ghost"), False),
}


class Worker:
    """A method in a process of its own, which takes a step when asked."""

    def __init__(self, prepare: Callable[[], Step]) -> None:
        fork = multiprocessing.get_context("fork")
        self._ours, theirs = fork.Pipe()
        self._process = fork.Process(target=_serve, args=(prepare, theirs))
        self._process.start()
        theirs.close()

    def step(self) -> float:
        """CPU seconds of one."""
        self._ours.send(True)
        return float(self._ours.recv())

    def end(self) -> float:
        """By how many MiB it had grown at its peak."""
        self._ours.send(False)
        grown = float(self._ours.recv())
        self._process.join()
        return grown


def _serve(prepare: Callable[[], Step], pipe: Any) -> None:
    warnings.simplefilter("ignore")  # Opacus warns of its own hooks
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = prepare()
    while pipe.recv():
        pipe.send(cpu_seconds(step))
    pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def measured(
    build: Callable[..., nn.Module], shape: tuple[int, ...], repeats: int
) -> dict[str, dict[str, Any]]:
    """All methods on one network.

    Args:
        build: Makes it, with or without batch normalisation.
        shape: Speakers, utterances of each, and the shape of an utterance.
        repeats: Rounds that count; one goes before.
    """

    def prepare(name: str) -> Step:
        torch.manual_seed(0)
        method, batch_norm = METHODS[name]
        model = build(batch_norm=batch_norm).train()
        return method(model, torch.randn(shape), torch.randint(CLASSES, shape[:2]))

    workers = {name: Worker(lambda name=name: prepare(name)) for name in METHODS}
    times: dict[str, list[float]] = {name: [] for name in METHODS}
    for turn in range(repeats + 1):
        for name, worker in workers.items():
            seconds = worker.step()
            if turn:
                times[name].append(seconds)
    rows: dict[str, dict[str, Any]] = {}
    base = np.array(times["plain"])
    for name, worker in workers.items():
        taken = np.array(times[name])
        rows[name] = {
            "ms a step": spread(list(taken * 1e3)),
            "ms an utterance": spread(list(taken * 1e3 / (shape[0] * shape[1]))),
            "times plain": spread(list(taken / base)),
            "peak MiB": worker.end(),
        }
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, nargs="+", default=[64], help="of ECAPA-TDNN")
    parser.add_argument("--speakers", type=int, default=8, help="in a step")
    parser.add_argument("--utterances", type=int, default=4, help="of each")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the results")
    options = parser.parse_args()
    pin()
    torch.set_num_threads(1)
    networks: dict[str, tuple[Callable[..., nn.Module], tuple[int, ...]]] = {
        "conv net, 0.5 s": (small, (20, 50)),
        **{
            f"ECAPA-TDNN, C={channels}, 2 s": (
                lambda channels=channels, **kind: ecapa(channels, **kind),
                (200, 80),
            )
            for channels in options.channels
        },
    }
    results: dict[str, Any] = {}
    print(f"{options.speakers} speakers x {options.utterances} utterances a step; CPU time on one "
          f"core, median of {options.repeats}")  # fmt: skip
    for network, (build, utterance) in networks.items():
        shape = (options.speakers, options.utterances, *utterance)
        rows = measured(build, shape, options.repeats)
        size = sum(p.numel() for p in build(batch_norm=False).parameters())
        results[network] = {"parameters": size, "rows": rows}
        print(f"{network}, {size:,} parameters")
        for name, row in rows.items():
            print(
                f"  {name:38s} {row['ms an utterance']['median']:7.2f} ms an utterance"
                f"  {row['times plain']['median']:5.2f} x plain  {row['peak MiB']:6.0f} MiB"
            )
    packages = {name: version(name) for name in ("torch", "opacus", "speechbrain")}
    setting = {"speakers": options.speakers, "utterances": options.utterances,
               "repeats": options.repeats}  # fmt: skip
    finish({**packages, **setting, "networks": results}, options.json)


if __name__ == "__main__":
    main()
