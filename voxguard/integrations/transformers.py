"""Hugging Face processors: what a model gets to hear has been anonymized.

All audio of a processor goes through its feature extractor, however it came: ``audio=``, a chat
template, a transcription request. So that is where the guard sits.
"""

from __future__ import annotations

import copy
import inspect
import numbers
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from voxguard.anonymizers.base import Anonymizer, create
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.optional import optional

if TYPE_CHECKING:
    import transformers
else:
    transformers = optional("transformers", "transformers", "the guard of Hugging Face processors")

__all__ = ["protect"]

ProcessorT = TypeVar("ProcessorT")

_AUDIO_NAMES = ("audio", "audios", "raw_speech", "raw_audio", "speech", "waveform")
_MOST_CHANNELS = 64


def protect(
    processor: ProcessorT, anonymizer: Anonymizer | None = None, *, speaker: str | None = None
) -> ProcessorT:
    """A processor that anonymizes audio before it computes anything from it.

    Args:
        processor: A processor or a feature extractor of ``transformers``; stays as it is.
        anonymizer: Does the work; by default ``voxguard.create()``.
        speaker: Who speaks, to keep one pseudo-voice; by default each recording has one of its own.

    Returns:
        A copy, of the same kind, that can be used, pickled and saved as the original. What is
        saved is the original: protect it again after loading.

    Raises:
        ConfigurationError: There is no feature extractor for audio in it.

    Example:
        >>> import voxguard
        >>> from transformers import WhisperFeatureExtractor
        >>> from voxguard.integrations.transformers import protect
        >>> extractor = protect(WhisperFeatureExtractor(), voxguard.McAdams())
        >>> voice = voxguard.synthetic_voice(seconds=1.0)
        >>> extractor(voice, sampling_rate=16_000)["input_features"][0].shape
        (80, 3000)
    """
    anonymizer = anonymizer or create()
    if _hears(processor):
        return _protected(processor, anonymizer, speaker)  # type: ignore[no-any-return]
    made = copy.copy(processor)
    found = {name: value for name, value in vars(processor).items() if _hears(value)}
    if not found:
        raise ConfigurationError(
            f"{type(processor).__name__} has no feature extractor for audio that could be protected"
        )
    guards = {id(value): _protected(value, anonymizer, speaker) for value in found.values()}
    vars(made).update({name: guards[id(value)] for name, value in found.items()})
    return made


def _hears(value: Any) -> bool:
    return isinstance(value, transformers.FeatureExtractionMixin) and hasattr(
        value, "sampling_rate"
    )


def _protected(extractor: Any, anonymizer: Anonymizer, speaker: str | None) -> Any:
    """A feature extractor whose class anonymizes; its name stays, since it is saved with it."""
    kind = type(extractor)
    if issubclass(kind, _Guard):
        raise ConfigurationError("it is protected already")
    held = {"_guard": (anonymizer, speaker), "__module__": kind.__module__}
    made: Any = object.__new__(type(kind.__name__, (_Guard, kind), held))
    vars(made).update(copy.copy(vars(extractor)))
    return made


def _again(kind: type, state: dict[str, Any], anonymizer: Anonymizer, speaker: str | None) -> Any:
    extractor: Any = object.__new__(kind)
    vars(extractor).update(state)
    return _protected(extractor, anonymizer, speaker)


class _Guard:
    """In front of a feature extractor's class."""

    _guard: tuple[Anonymizer, str | None]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kind = type(self).__mro__[2]
        first = list(inspect.signature(kind.__call__).parameters)[1]
        rate = kwargs.get("sampling_rate") or vars(self).get("sampling_rate")
        if args:
            args = (self._anonymized(args[0], rate), *args[1:])
        for name in {first, *_AUDIO_NAMES} & kwargs.keys():
            kwargs[name] = self._anonymized(kwargs[name], rate)
        return super().__call__(*args, **kwargs)  # type: ignore[misc]

    def _anonymized(self, audio: Any, rate: Any) -> Any:
        """The same structure with each recording in it anonymized."""
        if audio is None:
            return None
        if isinstance(audio, list | tuple):
            if audio and all(isinstance(value, numbers.Real) for value in audio):
                return self._anonymized(np.asarray(audio, np.float32), rate)
            return [self._anonymized(part, rate) for part in audio]
        shape = getattr(audio, "shape", None)
        if shape is None or len(shape) not in (1, 2):
            raise UnsupportedAudioError(
                f"got {type(audio).__name__} for audio; accepted are (time,) or (batch, time) "
                "samples of numpy or torch, and lists of them"
            )
        if len(shape) == 1:
            anonymizer, speaker = self._guard
            return anonymizer(audio, rate, speaker=speaker)
        if shape[1] <= _MOST_CHANNELS:
            raise UnsupportedAudioError(
                f"got audio of shape {tuple(shape)}, which could be (time, channels); pass each "
                "channel as (time,)"
            )
        rows = [self._anonymized(row, rate) for row in audio]
        if isinstance(audio, np.ndarray):
            return np.stack(rows)
        import torch

        return torch.stack(rows)

    def __reduce_ex__(self, _: Any) -> Any:
        return _again, (type(self).__mro__[2], vars(self), *self._guard)
