"""The pretrained d-vector as it is: what an attacker has who does not train."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from voxguard.attacks.encoders.base import Encoder, Vector, digest_of
from voxguard.attacks.recording import Recording
from voxguard.models.dvector import DVectorModel

_VERSION = 1  # goes up when the same weights come to give other vectors


class DVector(Encoder):
    """The GE2E d-vector of the package resemblyzer, frozen. It works offline.

    Where resemblyzer shortens silences by WebRTC's detector, this goes by the level; see
    :func:`voxguard.models.silence.trim_long_silences`.

    Args:
        trim: Whether to bring quiet recordings up to -30 dBFS and to shorten long silences.
        device: Where it runs, in torch's words.

    Raises:
        MissingExtraError: On first use: torch or resemblyzer is not installed (``eval``).

    References:
        L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=2.0))
        >>> create_encoder("dvector").embed(recording).shape
        (256,)
    """

    name: ClassVar[str] = "dvector"

    def __init__(self, *, trim: bool = True, device: str = "cpu") -> None:
        self.trim = trim
        self.device = device

    @cached_property
    def _model(self) -> DVectorModel:
        return DVectorModel(device=self.device)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights, ``trim`` and the version of the code."""
        weights = {name: value.numpy() for name, value in sorted(self._model.state().items())}
        return digest_of(self.name, _VERSION, self.trim, *weights.values())

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(256,)`` of unit length.

        Raises:
            AudioError: The audio cannot be read, or is digital silence.
        """
        return self._model.embed(recording.samples(), trim=self.trim)
