"""Whisper's log-mel spectrogram in torch, so that a gradient goes through it to the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.optional import optional

if TYPE_CHECKING:
    import torch

_PARTS = ("mel_filters", "n_fft", "hop_length", "nb_max_frames", "sampling_rate")
_FLOOR = 1e-10
_RANGE = 8.0  # decades below the loudest that are kept


class LogMel:
    """The features of a ``WhisperFeatureExtractor``, differentiable in the samples.

    Args:
        extractor: Of transformers; any one with Whisper's mel filters will do.

    Attributes:
        sample_rate: Hz.
        most: Samples that fit its window.

    Raises:
        ConfigurationError: It is no extractor of this kind.

    References:
        A. Radford et al., "Robust speech recognition via large-scale weak supervision", ICML 2023,
        arXiv:2212.04356.

    Example:
        >>> import torch
        >>> from transformers import WhisperFeatureExtractor
        >>> from voxguard.probes.adversarial import LogMel
        >>> extractor = WhisperFeatureExtractor(feature_size=64, chunk_length=2)
        >>> samples = torch.zeros(16_000, requires_grad=True)
        >>> features = LogMel(extractor)(samples)
        >>> features.shape, features.requires_grad
        (torch.Size([1, 64, 200]), True)
    """

    def __init__(self, extractor: Any) -> None:
        if missing := [name for name in _PARTS if not hasattr(extractor, name)]:
            raise ConfigurationError(
                f"{type(extractor).__name__} has no {missing[0]}: only the log-mel features of "
                "Whisper's extractor can be differentiated"
            )
        self._torch = optional("torch", "hub", "adversarial audio")
        self._size, self._hop = int(extractor.n_fft), int(extractor.hop_length)
        self._filters = self._torch.as_tensor(extractor.mel_filters).float().T
        self.sample_rate = int(extractor.sampling_rate)
        self.most = int(extractor.nb_max_frames) * self._hop

    def __call__(self, samples: torch.Tensor, frames: int | None = None) -> torch.Tensor:
        """Features as the extractor gives them for one clip.

        Args:
            samples: ``(n,)`` at :attr:`sample_rate`.
            frames: How many there are to be, with zeros after the clip; None: the whole window.

        Returns:
            ``(1, mels, frames)``.

        Raises:
            UnsupportedAudioError: Another shape, or a clip that is longer than that.
        """
        lib = self._torch
        length = self.most if frames is None else frames * self._hop
        if samples.ndim != 1 or len(samples) > length:
            raise UnsupportedAudioError(
                f"needs one channel of at most {length / self.sample_rate:g} s, got shape "
                f"{tuple(samples.shape)}; cut the clip"
            )
        padded = lib.nn.functional.pad(samples, (0, length - len(samples)))
        window = lib.hann_window(self._size, device=samples.device)
        spectrum = lib.stft(padded, self._size, self._hop, window=window, return_complex=True)
        # The sum of squares and not abs() ** 2, whose slope is no number in digital silence.
        power = lib.view_as_real(spectrum[:, :-1]).square().sum(-1)
        levels = (self._filters.to(samples.device) @ power).clamp(min=_FLOOR).log10()
        kept = lib.maximum(levels, levels.max() - _RANGE)
        features: torch.Tensor = ((kept + 4.0) / 4.0)[None]
        return features
