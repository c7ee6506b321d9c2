"""Every error that voxguard raises, as one tree.

    VoxguardError
    ├── ConfigurationError    an argument, option, key or method name is not usable
    │   ├── UnknownNameError      a name that no registry entry bears
    │   └── MissingExtraError     an optional dependency is not installed
    ├── AudioError            the audio is not usable
    │   ├── UnsupportedAudioError codec, container, layout, type or rate that is not accepted
    │   │   └── PayloadError          audio in a request, in a place or form that is not understood
    │   ├── CorruptAudioError     the file is damaged, cut short or lies about itself
    │   └── NonFiniteAudioError   NaN or infinity among the samples
    ├── OutputError           the result could not be written (it exists, the disk is full ...)
    ├── ModelError            an audio LLM could not be asked, or gave no answer
    └── StreamError           a live session broke; it has been silent since

A message says what was got, what is accepted and what to do. Messages never hold samples, keys
or anything derived from them. Where a Python built-in says the same thing (``ValueError``,
``KeyError``, ``ImportError``, ``OSError``), the class derives from it too, so that callers who know
only the built-in still catch it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

__all__ = [
    "AudioError",
    "ConfigurationError",
    "CorruptAudioError",
    "MissingExtraError",
    "ModelError",
    "NonFiniteAudioError",
    "OutputError",
    "PayloadError",
    "PrivacyWarning",
    "StreamError",
    "UnknownNameError",
    "UnsupportedAudioError",
    "VoxguardError",
    "one_tree",
]


class VoxguardError(Exception):
    """Base of everything that voxguard raises on purpose."""


class ConfigurationError(VoxguardError, ValueError):
    """An argument, option, key or method name that cannot be used."""


class UnknownNameError(ConfigurationError, KeyError):
    """A name that no registry entry bears."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        listed = ", ".join(sorted(known)) or "none"
        self._message = f"unknown {kind} {name!r}; known: {listed}"
        super().__init__(self._message)

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return self._message


class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str, purpose: str) -> None:
        super().__init__(
            f'{purpose} needs {module}, which is not installed: pip install "voxguard[{extra}]"'
        )


class AudioError(VoxguardError, ValueError):
    """Audio that cannot be used."""


class UnsupportedAudioError(AudioError):
    """A codec, container, array layout, sample type or rate that is not accepted."""


class PayloadError(UnsupportedAudioError):
    """Audio in a request, in a place or form that is not understood, so that it is not sent.

    Args:
        message: For people.
        param: Place in the request, such as ``messages[0].content[1]``.
    """

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class CorruptAudioError(AudioError):
    """A file that is damaged, cut short, or whose header does not match its content."""


class NonFiniteAudioError(AudioError):
    """NaN or infinity among the samples."""


class OutputError(VoxguardError, OSError):
    """The result could not be written; no partial file bears its name."""


class ModelError(VoxguardError, RuntimeError):
    """An audio LLM could not be asked, or gave no answer; asking again may help."""


class StreamError(VoxguardError, RuntimeError):
    """A live session broke; it has given silence since."""


class PrivacyWarning(UserWarning):
    """Something that was asked for weakens the protection; the result still is anonymized."""


@contextmanager
def one_tree(what: str) -> Iterator[None]:
    """Whatever breaks within leaves as a VoxguardError.

    Of a foreign error only the type and the system's own words are told: its message could hold
    samples, or a draw.

    Args:
        what: The recording or the method, for the message.
    """
    try:
        yield
    except VoxguardError:
        raise
    except MemoryError:
        raise VoxguardError(f"{what}: not enough memory; split the recording") from None
    except Exception as error:
        system = getattr(error, "strerror", None)
        reason = f"{type(error).__name__}: {system}" if system else type(error).__name__
        raise VoxguardError(f"{what}: could not be anonymized ({reason})") from None
