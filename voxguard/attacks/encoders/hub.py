"""Speaker encoders that others have trained, from a model hub or a folder."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from voxguard.arrays import Samples
from voxguard.attacks.encoders.base import Encoder, Vector, digest_of
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.hub import (
    load_speechbrain,
    load_transformers,
    state_arrays,
    transformer_vector,
)
from voxguard.models.optional import optional
from voxguard.models.short import repeated

_VERSION = 1


class _Pretrained(Encoder):
    """A frozen encoder that is loaded when it is first needed."""

    def __init__(
        self,
        *,
        source: str,
        revision: str | None = None,
        device: str = "cpu",
        local_files_only: bool = False,
    ) -> None:
        if not source:
            raise ConfigurationError("source= takes a name on a model hub or a folder, got ''")
        self.source = source
        self.revision = revision
        self.device = device
        self.local_files_only = local_files_only

    @property
    def _where(self) -> dict[str, Any]:
        return {
            "revision": self.revision,
            "device": self.device,
            "local_files_only": self.local_files_only,
        }

    @property
    @abstractmethod
    def _network(self) -> Any:
        """What holds the weights."""

    @abstractmethod
    def _vector(self, samples: Samples) -> Vector:
        """Vector of an utterance that is not too short."""

    @property
    @abstractmethod
    def _settings(self) -> list[Any]:
        """What else decides the vectors."""

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights that were loaded, the settings and the version of the code."""
        return digest_of(self.name, _VERSION, self._settings, *state_arrays(self._network))

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance; shorter than half a second, it is repeated.

        Raises:
            ConfigurationError: The encoder cannot be loaded.
            MissingExtraError: A package that it runs on is not installed.
            AudioError: The audio cannot be read, or gives no finite vector.
        """
        vector = self._vector(repeated(recording.samples()))
        if not np.isfinite(vector).all():
            raise UnsupportedAudioError(f"{recording.id}: {self.source} gives no finite vector")
        return vector


class SpeechBrainEncoder(_Pretrained):
    """A speaker encoder of SpeechBrain, frozen.

    Args:
        source: Name on the Hugging Face hub, such as ``"speechbrain/spkrec-ecapa-voxceleb"``, or a
            folder with ``hyperparams.yaml`` and weights. That file says which code is run: take it
            from people you trust.
        revision: Branch, tag or commit on the hub.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Raises:
        ConfigurationError: On first use: not found, not to be reached, or no speaker encoder.
        MissingExtraError: On first use: speechbrain is not installed (``train``).

    References:
        M. Ravanelli et al., "SpeechBrain: a general-purpose speech toolkit", 2021.

    Example:
        >>> from voxguard.attacks.encoders import create_encoder
        >>> create_encoder("speechbrain", source="speechbrain/spkrec-ecapa-voxceleb").name
        'speechbrain'
    """

    name: ClassVar[str] = "speechbrain"

    @cached_property
    def _classifier(self) -> Any:
        return load_speechbrain(self.source, **self._where)

    @property
    def _network(self) -> Any:
        torch = optional("torch", "train", "a SpeechBrain encoder")
        used = ("compute_features", "mean_var_norm", "embedding_model")
        return torch.nn.ModuleList([self._classifier.mods[name] for name in used])

    @property
    def _settings(self) -> list[Any]:
        return [version("speechbrain")]

    def _vector(self, samples: Samples) -> Vector:
        torch = optional("torch", "train", "a SpeechBrain encoder")
        with torch.inference_mode():
            vectors = self._classifier.encode_batch(torch.from_numpy(np.array(samples))[None])
        return np.asarray(vectors.double().cpu().numpy()).reshape(-1)


class TransformersEncoder(_Pretrained):
    """An audio model of transformers, frozen: its x-vector, or its mean hidden state.

    Args:
        source: Name on the Hugging Face hub, such as ``"microsoft/wavlm-base-plus-sv"``, or a
            folder to which a model and its feature extractor were saved.
        layer: Which hidden states are averaged over time (0 is the input of the first layer); None:
            the x-vector if the model has one, else the last layer. Lower layers hold more of the
            speaker.
        revision: Branch, tag or commit on the hub.
        device: Where it runs, in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.

    Raises:
        ConfigurationError: On first use: not found, not to be reached, or no audio model.
        MissingExtraError: On first use: transformers is not installed (``hub``).

    References:
        S. Chen et al., "WavLM: large-scale self-supervised pre-training for full stack speech
        processing", 2022.

    Example:
        >>> from voxguard.attacks.encoders import create_encoder
        >>> create_encoder("transformers", source="microsoft/wavlm-base-plus-sv", layer=4).layer
        4
    """

    name: ClassVar[str] = "transformers"

    def __init__(
        self,
        *,
        source: str,
        layer: int | None = None,
        revision: str | None = None,
        device: str = "cpu",
        local_files_only: bool = False,
    ) -> None:
        super().__init__(
            source=source, revision=revision, device=device, local_files_only=local_files_only
        )
        self.layer = layer

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        return load_transformers(self.source, **self._where)

    @property
    def _network(self) -> Any:
        return self._loaded[0]

    @property
    def _settings(self) -> list[Any]:
        return [self.layer, self._loaded[1].to_dict(), version("transformers")]

    def _vector(self, samples: Samples) -> Vector:
        return transformer_vector(*self._loaded, samples, self.layer)
