"""SpeechT5 voice conversion: from speech and an x-vector to other speech, step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.models.hub import load_once, load_pretrained, pick_device
from voxguard.models.optional import optional

RATE = 16_000
LONGEST = 1.5  # times the input, then generation is stopped

_GRID = RATE // 2  # inputs are filled up to these lengths, and those of one length go together
_BATCH = 8
_GENERATING = Lock()


class SpeechT5Network:
    """The sequence-to-sequence network and its vocoder.

    Args:
        checkpoint: A name on the Hugging Face hub, such as ``"microsoft/speecht5_vc"``, or a folder
            to which a ``SpeechT5ForSpeechToSpeech`` and its feature extractor were saved.
        vocoder: The same for a ``SpeechT5HifiGan``.
        revision: Branch, tag or commit of the checkpoint.
        vocoder_revision: The same for the vocoder.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Raises:
        MissingExtraError: transformers is not installed (``hub``).
        ConfigurationError: Not found, not to be reached, or not such networks.

    References:
        J. Ao et al., "SpeechT5: unified-modal encoder-decoder pre-training for spoken language
        processing", ACL 2022.
    """

    def __init__(
        self,
        checkpoint: str,
        vocoder: str,
        *,
        revision: str | None = None,
        vocoder_revision: str | None = None,
        device: str = "cpu",
        local_files_only: bool = False,
    ) -> None:
        where: dict[str, Any] = {"revision": revision, "local_files_only": local_files_only}
        self.model = load_pretrained(
            "SpeechT5ForSpeechToSpeech", checkpoint, device=device, **where
        )
        self.extractor = load_pretrained("SpeechT5FeatureExtractor", checkpoint, **where)
        where["revision"] = vocoder_revision
        self.vocoder = load_pretrained("SpeechT5HifiGan", vocoder, device=device, **where)
        self.device = device
        config, made = self.model.config, self.vocoder.config
        self.dimensions: int = config.speaker_embedding_dim
        if (made.model_in_dim, made.sampling_rate) != (config.num_mel_bins, RATE):
            raise ConfigurationError(
                f"{vocoder!r} takes {made.model_in_dim} bands and gives {made.sampling_rate} Hz; "
                f"{checkpoint!r} needs {config.num_mel_bins} and {RATE}"
            )
        self._ratio = LONGEST * prod(config.conv_stride) / prod(made.upsample_rates)

    def convert(
        self, segments: Sequence[Samples], vector: npt.NDArray[np.float64], seed: int
    ) -> list[Samples]:
        """Speak segments in another voice.

        The network drops out parts of what it has spoken even when it is not in training (Tacotron
        2, section 2.2), by torch's global generator; here that starts from ``seed`` for each batch,
        so that the same call gives the same, and is put back afterwards.

        Args:
            segments: Each ``(n,)`` at 16 kHz.
            vector: ``(dimensions,)``, the x-vector of the voice.
            seed: 0 to 2**63 - 1.

        Returns:
            For each segment ``(m,)``; m is what the network makes of it, at most about one and a
            half times n.

        Raises:
            ConfigurationError: The vector is not of the checkpoint's size.
            VoxguardError: It gave nothing.
        """
        if vector.shape != (self.dimensions,):
            raise ConfigurationError(
                f"the checkpoint takes x-vectors of {self.dimensions} dimensions, the pool has "
                f"{vector.shape}"
            )
        lengths = defaultdict(list)
        for index, segment in enumerate(segments):
            lengths[-(-segment.size // _GRID)].append(index)
        spoken: dict[int, Samples] = {}
        for alike in lengths.values():
            for first in range(0, len(alike), _BATCH):
                batch = alike[first : first + _BATCH]
                made = self._convert([segments[i] for i in batch], vector, seed)
                spoken.update(zip(batch, made, strict=True))
        if not all(each.size for each in spoken.values()):
            raise VoxguardError("SpeechT5 gave no speech for a part of the recording")
        return [spoken[index] for index in range(len(segments))]

    def _convert(
        self, batch: list[Samples], vector: npt.NDArray[np.float64], seed: int
    ) -> list[Samples]:
        torch = optional("torch", "hub", "SpeechT5")
        inputs = self.extractor(
            batch,
            sampling_rate=RATE,
            padding=True,
            pad_to_multiple_of=_GRID,
            return_attention_mask=True,
            return_tensors="pt",
        ).to(self.device)
        voices = torch.from_numpy(vector).float().to(self.device).expand(len(batch), -1)
        with _GENERATING, torch.inference_mode(), _seeded(torch, self.device, seed):
            spectra, frames = self.model.generate_speech(
                inputs["input_values"],
                voices,
                attention_mask=inputs["attention_mask"],
                maxlenratio=self._ratio,
                return_output_lengths=True,
            )
            return [
                self.vocoder(spectrum[:count]).float().cpu().numpy()
                for spectrum, count in zip(spectra, frames, strict=True)
            ]


@load_once
def load_speecht5(
    checkpoint: str,
    vocoder: str,
    revision: str | None,
    vocoder_revision: str | None,
    device: str,
    local_files_only: bool,
) -> SpeechT5Network:
    """Load a :class:`SpeechT5Network`, or give the one that has been loaded.

    Args:
        checkpoint: As for :class:`SpeechT5Network`.
        vocoder: The same.
        revision: The same.
        vocoder_revision: The same.
        device: The same, or ``"auto"``.
        local_files_only: The same.
    """
    return SpeechT5Network(
        checkpoint,
        vocoder,
        revision=revision,
        vocoder_revision=vocoder_revision,
        device=pick_device(device),
        local_files_only=local_files_only,
    )


@contextmanager
def _seeded(torch: Any, device: str, seed: int) -> Iterator[None]:
    """Start the global generator of the device from a seed; what it was is put back after."""
    where = torch.device(device)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        if where.type == "cuda":
            with torch.cuda.device(where):
                torch.cuda.manual_seed(seed)
        torch.default_generator.manual_seed(seed)
        yield
