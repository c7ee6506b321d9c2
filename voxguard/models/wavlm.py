"""WavLM up to a layer: features that hold what is said and who says it, 50 a second."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.models.hub import load_once, load_pretrained, pick_device
from voxguard.models.optional import optional
from voxguard.models.precision import autocast

if TYPE_CHECKING:
    import torch


class WavLM:
    """The hidden states of one layer; the layers after it are dropped.

    Args:
        source: Name on the Hugging Face hub, such as ``"microsoft/wavlm-large"``, or a folder.
        layer: Which hidden states, 1 to the number of layers; kNN-VC uses 6 of the large model.
        revision: Branch, tag or commit on the hub.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Raises:
        MissingExtraError: transformers is not installed (``hub``).
        ConfigurationError: Not found, not to be reached, no WavLM, or no such layer.

    References:
        S. Chen et al., "WavLM: large-scale self-supervised pre-training for full stack speech
        processing", 2022.
    """

    def __init__(
        self,
        source: str,
        layer: int,
        *,
        revision: str | None = None,
        device: str = "cpu",
        local_files_only: bool = False,
    ) -> None:
        self.model = load_pretrained(
            "WavLMModel",
            source,
            revision=revision,
            device=device,
            local_files_only=local_files_only,
        )
        config = self.model.config
        if not 1 <= layer <= config.num_hidden_layers:
            raise ConfigurationError(
                f"layer= takes 1 to {config.num_hidden_layers} of {source!r}, got {layer!r}"
            )
        del self.model.encoder.layers[layer:]
        if config.do_stable_layer_norm:  # then there is a norm after the last layer, not for this
            self.model.encoder.layer_norm = optional("torch.nn", "hub", "WavLM").Identity()
        self.device = device
        self.dimensions: int = config.hidden_size
        self.samples_per_frame = prod(config.conv_stride)
        self._field = 1
        for kernel, stride in zip(config.conv_kernel[::-1], config.conv_stride[::-1], strict=True):
            self._field = (self._field - 1) * stride + kernel

    def features(self, samples: Samples) -> torch.Tensor:
        """Features of recordings of one length.

        Frame ``m`` starts at sample ``m * samples_per_frame``; silence is added at the end, as in
        the training of kNN-VC's vocoder. The samples go in as they are, as they do there.

        Args:
            samples: ``(batch, n)`` at 16 kHz.

        Returns:
            ``(batch, ceil(n / samples_per_frame), dimensions)`` float32, on the device.
        """
        library = optional("torch", "hub", "WavLM")
        hop = self.samples_per_frame
        whole = -(-samples.shape[1] // hop) * hop + max(0, self._field - hop)
        padded = np.pad(samples, ((0, 0), (0, whole - samples.shape[1])))
        with library.inference_mode(), autocast(self.device):
            states = self.model(library.from_numpy(padded).to(self.device)).last_hidden_state
        given: torch.Tensor = states.float()
        return given


@load_once
def load_wavlm(
    source: str, layer: int, revision: str | None, device: str, local_files_only: bool
) -> WavLM:
    """Load a :class:`WavLM`, or give the one that has been loaded.

    Args:
        source: As for :class:`WavLM`.
        layer: The same.
        revision: The same.
        device: The same, or ``"auto"``.
        local_files_only: The same.
    """
    return WavLM(
        source,
        layer,
        revision=revision,
        device=pick_device(device),
        local_files_only=local_files_only,
    )
