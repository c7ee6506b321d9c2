"""What every speech recogniser is, and how one is made by name."""

from __future__ import annotations

import hashlib
import inspect
import json
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.registry import Registry
from voxguard.utility.checks import one_channel

SAMPLE_RATE = 16_000
_SHORTEST = 400  # samples: a window, below which there is nothing to recognise


class Recogniser(ABC):
    """Turns speech into words.

    Options are keyword-only and kept in attributes of the same name. The model itself is loaded
    when it is first needed, once in every process: a recogniser can be sent to another process.
    """

    name: ClassVar[str]

    @abstractmethod
    def load(self) -> Any:
        """Load the model.

        Raises:
            MissingExtraError: The package that runs it is not installed.
            ConfigurationError: There is no such model, or it cannot be loaded.
        """

    @abstractmethod
    def recognise(self, model: Any, samples: Samples) -> str:
        """The words in samples ``(n,)`` at 16 kHz of 25 ms or more, in the model's spelling."""

    @property
    @abstractmethod
    def how(self) -> str:
        """Package, version and model, as a report names them."""

    def files(self) -> list[Path]:
        """The files of the model, as far as they lie in one place; they go into the fingerprint."""
        return []

    @cached_property
    def fingerprint(self) -> str:
        """Hash, in hex, of name, options, versions and model: names what is cached."""
        digest = hashlib.sha256(json.dumps([self.name, self.how, self.options]).encode())
        for path in self.files():
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def transcribe(self, samples: Samples) -> str:
        """Recognise one utterance, whatever was recognised before.

        Args:
            samples: ``(n,)`` float at 16 kHz, full scale 1.0.

        Returns:
            The words, in the model's own spelling; ``""`` if it hears none.

        Raises:
            UnsupportedAudioError: Another shape or type.
            NonFiniteAudioError: NaN or infinity.
            MissingExtraError: The package that runs the model is not installed.
            ConfigurationError: There is no such model, or it cannot be loaded.
        """
        single = one_channel(samples)
        return self.recognise(self._model, single) if len(single) >= _SHORTEST else ""

    @cached_property
    def _model(self) -> Any:
        return self.load()

    @property
    def options(self) -> dict[str, Any]:
        """The options in force."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_model"}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({shown})"


recognisers: Registry[Recogniser] = Registry(
    "recogniser",
    "voxguard.recognisers",
    {
        "faster-whisper": "voxguard.utility.recognisers.whisper:FasterWhisper",
        "pocketsphinx": "voxguard.utility.recognisers.sphinx:PocketSphinx",
        "speechbrain": "voxguard.utility.recognisers.speechbrain:SpeechBrain",
    },
)


def create_recogniser(spec: str, **options: Any) -> Recogniser:
    """Make a recogniser by name.

    Args:
        spec: ``"pocketsphinx"``, ``"faster-whisper:MODEL"`` or ``"speechbrain:MODEL"``, where MODEL
            is a name on the Hugging Face hub or a folder; or the name of one that a package
            announces in the entry-point group ``voxguard.recognisers``.
        **options: Its own.

    Raises:
        UnknownNameError: No such recogniser.
        ConfigurationError: No such option, or one is missing.

    Example:
        >>> from voxguard.utility.recognisers import create_recogniser
        >>> create_recogniser("faster-whisper:small.en")
        FasterWhisper(model='small.en', language='en', device='cpu', compute_type='default', ...)
    """
    name, _, model = spec.partition(":")
    cls = recognisers.get(name)
    if model:
        options = {"model": model} | options
    accepted = inspect.signature(cls).parameters
    if unknown := [option for option in options if option not in accepted]:
        raise ConfigurationError(
            f"{name} has no option {unknown[0]!r}; it takes {', '.join(accepted) or 'none'}"
        )
    empty = inspect.Parameter.empty
    if [p.name for p in accepted.values() if p.default is empty and p.name not in options]:
        raise ConfigurationError(f"{name} needs a model, as in {name}:MODEL (a name or a folder)")
    return cls(**options)
