"""SpeechBrain's recognisers by name or folder, such as the one of the VoicePrivacy Challenge."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.utility.recognisers.base import SAMPLE_RATE, Recogniser

_PURPOSE = "the recogniser speechbrain"
INTERFACES = ("EncoderASR", "EncoderDecoderASR", "WhisperASR")


class SpeechBrain(Recogniser):
    """A recogniser of M. Ravanelli et al., "SpeechBrain: A General-Purpose Speech Toolkit", 2021.

    ``speechbrain/asr-wav2vec2-librispeech`` is the one by which the VoicePrivacy Challenge 2024
    (N. Tomashenko et al., arXiv 2404.02677) measures the word error rate.

    Args:
        model: A repository on the hub, or a folder with ``hyperparams.yaml``. That file can run
            code: load only what you trust. A name is downloaded on first use.
        interface: The class that its model card names: ``"EncoderASR"`` (CTC),
            ``"EncoderDecoderASR"`` or ``"WhisperASR"``.
        device: As torch names it.
    """

    name = "speechbrain"

    def __init__(self, *, model: str, interface: str = "EncoderASR", device: str = "cpu") -> None:
        if interface not in INTERFACES:
            raise ConfigurationError(
                f"interface takes {', '.join(INTERFACES)}; got {interface!r}: see the model card"
            )
        self.model = model
        self.interface = interface
        self.device = device

    def load(self) -> Any:
        """Load the model, from its folder, the cache of the hub, or the hub."""
        package = optional("speechbrain.inference.ASR", "train", _PURPOSE)
        try:
            model = getattr(package, self.interface).from_hparams(
                self.model, run_opts={"device": self.device}
            )
            # an interface that does not fit the model would only show when it is used
            self.recognise(model, np.zeros(SAMPLE_RATE, np.float32))
        except Exception as error:  # the hub, the YAML and what it calls: each has its own
            raise ConfigurationError(
                f"speechbrain cannot load {self.model!r} as {self.interface} "
                f"({type(error).__name__}: {error}); give a repository or a folder with "
                "hyperparams.yaml, and the interface that the model card names"
            ) from error
        return model

    def recognise(self, model: Any, samples: Samples) -> str:
        """The words of the best hypothesis."""
        torch = optional("torch", "train", _PURPOSE)
        batch = torch.from_numpy(samples)[None].to(self.device)
        with torch.inference_mode():
            words, _ = model.transcribe_batch(batch, torch.ones(1, device=self.device))
        first = words[0]
        return first if isinstance(first, str) else " ".join(first)

    def files(self) -> list[Path]:
        """The model's files, where it is a folder."""
        folder = Path(self.model)
        return sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []

    @property
    def how(self) -> str:
        """The version of the package, and the model."""
        optional("speechbrain", "train", _PURPOSE)
        return f"speechbrain {version('speechbrain')} {self.model}"
