"""HiFi-GAN as kNN-VC uses it: a generator that makes speech from WavLM's features."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxguard.errors import ConfigurationError
from voxguard.models.hub import find_file
from voxguard.models.optional import optional

if TYPE_CHECKING:
    import torch

WEIGHTS = ("model.safetensors", "prematch_g_02500000.pt", "g_02500000.pt")
CONFIG = "config.json"

_PURPOSE = "HiFi-GAN"
_SLOPE, _LAST_SLOPE = 0.1, 0.01
_KERNEL = 7
_NORMED = (  # magnitude and direction of a weight, as torch names them now and used to
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
    ("weight_g", "weight_v"),
)


@dataclass(frozen=True)
class HifiGanConfig:
    """Sizes of a generator, in the names of the published ``config_v1_wavlm.json``.

    Args:
        upsample_rates: How many samples each stage makes of one.
        upsample_kernel_sizes: Of the transposed convolutions, as long as the rates or longer.
        upsample_initial_channel: Channels before the first stage; each stage halves them.
        resblock_kernel_sizes: Of the residual blocks that each stage averages.
        resblock_dilation_sizes: Dilations in each of them.
        hubert_dim: Dimensions of a feature vector.
        hifi_dim: Dimensions after the linear layer.
        sampling_rate: Hz.
        resblock: Kind of the residual blocks; only ``"1"``.
    """

    upsample_rates: tuple[int, ...] = (10, 8, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (20, 16, 4, 4)
    upsample_initial_channel: int = 512
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5),) * 3
    hubert_dim: int = 1024
    hifi_dim: int = 512
    sampling_rate: int = 16_000
    resblock: str = "1"

    def __post_init__(self) -> None:
        if str(self.resblock) != "1":
            raise ConfigurationError(
                f"a HiFi-GAN with residual blocks of kind {self.resblock!r} is not known; use '1'"
            )

    @classmethod
    def read(cls, path: Path) -> HifiGanConfig:
        """Read from JSON; what the file does not name is as published, what else it has is left."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                **{f.name: _fixed(content[f.name]) for f in fields(cls) if f.name in content}
            )
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} is no HiFi-GAN configuration: {error}") from error


class HifiGan:
    """A generator with its weight normalisation folded in, for synthesis.

    Args:
        config: Its sizes.
        state: Weights by the names of kNN-VC's checkpoints (``lin_pre``, ``conv_pre``, ``ups``,
            ``resblocks``, ``conv_post``), with weight normalisation as torch has had it in old and
            new versions, or without. None: random ones.
        device: Where it runs, in torch's words.

    Raises:
        MissingExtraError: torch is not installed (``hub``).
        ConfigurationError: The weights are not those of such a network.

    References:
        J. Kong et al., "HiFi-GAN: generative adversarial networks for efficient and high fidelity
        speech synthesis", NeurIPS 2020. M. Baas et al., "Voice conversion with just nearest
        neighbors", Interspeech 2023; weights at github.com/bshall/knn-vc, MIT.

    Example:
        >>> import torch
        >>> from voxguard.models.hifigan import HifiGan, HifiGanConfig
        >>> small = HifiGanConfig(upsample_initial_channel=16, hubert_dim=6, hifi_dim=8)
        >>> vocoder = HifiGan(small)
        >>> vocoder(torch.zeros(2, 5, 6)).shape, vocoder.samples_per_frame
        (torch.Size([2, 1600]), 320)
    """

    def __init__(
        self,
        config: HifiGanConfig,
        state: dict[str, torch.Tensor] | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        torch = optional("torch", "hub", _PURPOSE)
        self.config = config
        self.samples_per_frame = prod(config.upsample_rates)
        with torch.random.fork_rng(devices=[]):
            self.layers: Any = _layers(torch, config)
        if state is not None:
            try:
                self.layers.load_state_dict(fold_weight_norm(state))
            except (RuntimeError, KeyError) as error:
                raise ConfigurationError(
                    f"these are not the weights of a HiFi-GAN of {config}: {error}"
                ) from error
        self.layers.to(device).eval().requires_grad_(requires_grad=False)

    @classmethod
    def from_pretrained(
        cls,
        source: str,
        *,
        revision: str | None = None,
        device: str = "cpu",
        local_files_only: bool = False,
    ) -> HifiGan:
        """Load a generator.

        Args:
            source: A file of weights (``.safetensors``, or a ``.pt`` such as kNN-VC's
                ``prematch_g_02500000.pt``, of which nothing but tensors is read), a folder, or a
                name on the Hugging Face hub. Folders and repositories hold ``model.safetensors`` or
                kNN-VC's file. A ``config.json`` beside the weights gives the sizes; without one
                they are kNN-VC's.
            revision: Branch, tag or commit on the hub.
            device: Where it runs, in torch's words.
            local_files_only: Never ask the network; what has been fetched before is found.

        Raises:
            MissingExtraError: A package of the extra ``hub`` is not installed.
            ConfigurationError: Not found, not to be reached, or no such network.
        """
        where: dict[str, Any] = {"revision": revision, "local_files_only": local_files_only}
        path = Path(source)
        if path.is_file():
            beside = path.with_name(CONFIG)
        else:
            path = find_file(source, WEIGHTS, **where)
            try:
                beside = find_file(source, (CONFIG,), **where)
            except ConfigurationError:  # the sizes are then those that were published
                beside = path.with_name(CONFIG)
        config = HifiGanConfig.read(beside) if beside.is_file() else HifiGanConfig()
        return cls(config, _weights(path), device=device)

    def save_pretrained(self, folder: Path | str) -> None:
        """Write ``config.json`` and ``model.safetensors``, which hold no code and load faster."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        (target / CONFIG).write_text(json.dumps(asdict(self.config), indent=2) + "\n", "utf-8")
        state = {name: value.cpu().contiguous() for name, value in self.layers.state_dict().items()}
        optional("safetensors.torch", "hub", _PURPOSE).save_file(state, target / WEIGHTS[0])

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Synthesize.

        Args:
            features: ``(batch, frames, hubert_dim)``.

        Returns:
            ``(batch, frames * samples_per_frame)``, -1 to 1.
        """
        functional = optional("torch.nn.functional", "hub", _PURPOSE)
        signal = self.layers["lin_pre"](features).transpose(1, 2)
        signal = self.layers["conv_pre"](signal)
        blocks = len(self.config.resblock_kernel_sizes)
        for stage, upsample in enumerate(self.layers["ups"]):
            signal = upsample(functional.leaky_relu(signal, _SLOPE))
            parallel = self.layers["resblocks"][stage * blocks : (stage + 1) * blocks]
            signal = sum(_residual(functional, block, signal) for block in parallel) / blocks
        signal = self.layers["conv_post"](functional.leaky_relu(signal, _LAST_SLOPE))
        samples: torch.Tensor = signal.tanh().squeeze(1)
        return samples


def fold_weight_norm(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Replace pairs of magnitude and direction by the weights that they stand for.

    Args:
        state: With ``x.weight_g`` and ``x.weight_v``, or ``x.parametrizations.weight.original0``
            and ``original1``, or neither.

    Returns:
        The state with ``x.weight``.

    Raises:
        KeyError: A direction is missing.

    Example:
        >>> import torch
        >>> from voxguard.models.hifigan import fold_weight_norm
        >>> pair = {"weight_g": torch.tensor([[[10.0]]]), "weight_v": torch.tensor([[[3.0, 4.0]]])}
        >>> fold_weight_norm(pair)
        {'weight': tensor([[[6., 8.]]])}
    """
    folded = dict(state)
    for magnitude, direction in _NORMED:
        for name in [name for name in state if name.endswith(magnitude)]:
            place = name.removesuffix(magnitude)
            length, vector = folded.pop(name), folded.pop(place + direction)
            norm = vector.norm(dim=tuple(range(1, vector.ndim)), keepdim=True)
            folded[place + "weight"] = vector * (length / norm)
    return folded


def _layers(torch: Any, config: HifiGanConfig) -> Any:
    nn = torch.nn
    widths = [config.upsample_initial_channel >> n for n in range(len(config.upsample_rates) + 1)]

    def conv(inputs: int, outputs: int, kernel: int, dilation: int = 1) -> Any:
        reach = dilation * (kernel - 1) // 2
        return nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=reach)

    def residual(width: int, kernel: int, dilations: tuple[int, ...]) -> Any:
        wide = [conv(width, width, kernel, dilation) for dilation in dilations]
        dense = [conv(width, width, kernel) for _ in dilations]
        return nn.ModuleDict({"convs1": nn.ModuleList(wide), "convs2": nn.ModuleList(dense)})

    stages = zip(pairwise(widths), config.upsample_rates, config.upsample_kernel_sizes, strict=True)
    blocks = list(zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True))
    return nn.ModuleDict(
        {
            "lin_pre": nn.Linear(config.hubert_dim, config.hifi_dim),
            "conv_pre": conv(config.hifi_dim, widths[0], _KERNEL),
            "ups": nn.ModuleList(
                nn.ConvTranspose1d(*pair, kernel, rate, padding=(kernel - rate) // 2)
                for pair, rate, kernel in stages
            ),
            "resblocks": nn.ModuleList(
                residual(width, *block) for width in widths[1:] for block in blocks
            ),
            "conv_post": conv(widths[-1], 1, _KERNEL),
        }
    )


def _residual(functional: Any, block: Any, signal: torch.Tensor) -> torch.Tensor:
    for wide, dense in zip(block["convs1"], block["convs2"], strict=True):
        inner = wide(functional.leaky_relu(signal, _SLOPE))
        signal = signal + dense(functional.leaky_relu(inner, _SLOPE))
    return signal


def _weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors by name, from safetensors or from torch's format; no pickled code is run."""
    try:
        if path.suffix == ".safetensors":
            state = optional("safetensors.torch", "hub", _PURPOSE).load_file(path)
        else:
            torch = optional("torch", "hub", _PURPOSE)
            state = torch.load(path, map_location="cpu", weights_only=True)
        state = dict(state.get("generator", state))
        return {name: value.float() for name, value in state.items()}
    except ConfigurationError:
        raise
    except Exception as error:  # torch and safetensors have no common base for a damaged file
        raise ConfigurationError(
            f"{path} cannot be read as weights of a HiFi-GAN ({type(error).__name__}); it takes a "
            ".safetensors, or a .pt that holds tensors and nothing else"
        ) from error


def _fixed(value: Any) -> Any:
    return tuple(_fixed(part) for part in value) if isinstance(value, list) else value
