"""SpeechBrain's ECAPA-TDNN on its filterbank features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.models.mel import Frames
from voxguard.models.optional import optional
from voxguard.models.short import repeated

if TYPE_CHECKING:
    import torch

BANDS = 80

_PURPOSE = "ECAPA-TDNN"


class EcapaModel:
    """From log filterbank energies to a speaker vector.

    Args:
        channels: Of the convolutions; three times as many in the last.
        embedding: Size of the vector.
        attention: Channels of the attentive pooling.
        device: Where it runs, in torch's words.

    Raises:
        MissingExtraError: speechbrain or torch is not installed (``train``).

    References:
        B. Desplanques, J. Thienpondt, K. Demuynck, "ECAPA-TDNN: emphasized channel attention,
        propagation and aggregation in TDNN based speaker verification", Interspeech 2020.

    Example:
        >>> import voxguard
        >>> from voxguard.models.ecapa import EcapaModel
        >>> model = EcapaModel(channels=16, embedding=8, attention=8)
        >>> model.embed(model.features(voxguard.synthetic_voice(seconds=1.0))).shape
        (8,)
    """

    def __init__(
        self,
        *,
        channels: int = 512,
        embedding: int = 192,
        attention: int = 128,
        device: str = "cpu",
    ) -> None:
        ecapa = optional("speechbrain.lobes.models.ECAPA_TDNN", "train", _PURPOSE)
        lobes = optional("speechbrain.lobes.features", "train", _PURPOSE)
        self.device = device
        self.network: Any = ecapa.ECAPA_TDNN(
            BANDS,
            channels=[channels] * 4 + [3 * channels],
            attention_channels=attention,
            se_channels=min(128, channels),
            lin_neurons=embedding,
        ).to(device)
        self._filterbank = lobes.Fbank(n_mels=BANDS)

    def features(self, samples: Samples) -> Frames:
        """Log filterbank energies.

        Args:
            samples: ``(n,)`` at 16 kHz; less than half a second is repeated.

        Returns:
            ``(1 + n // 160, 80)`` float32 in dB.
        """
        torch = optional("torch", "train", _PURPOSE)
        with torch.inference_mode():
            energies = self._filterbank(torch.from_numpy(np.array(repeated(samples)))[None])
        frames: Frames = energies[0].numpy()
        return frames

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Vectors of a batch, after the mean over time is taken off, with gradients.

        Args:
            features: ``(batch, frames, 80)``.

        Returns:
            ``(batch, embedding)``.
        """
        vectors: torch.Tensor = self.network(features - features.mean(dim=1, keepdim=True))
        return vectors.squeeze(1)

    def embed(self, features: Frames) -> npt.NDArray[np.float64]:
        """Vector of one utterance of any length.

        Args:
            features: ``(frames, 80)``, from :meth:`features`.

        Returns:
            ``(embedding,)`` float64.
        """
        torch = optional("torch", "train", _PURPOSE)
        self.network.eval()
        with torch.inference_mode():
            vectors = self(torch.from_numpy(features)[None].to(self.device))
        vector: npt.NDArray[np.float64] = vectors[0].double().cpu().numpy()
        return vector
