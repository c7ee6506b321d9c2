"""Hugging Face datasets: a function for ``Dataset.map`` that anonymizes a column of recordings."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import numpy as np

from voxguard.anonymizers.base import Anonymizer, create
from voxguard.audio import encode
from voxguard.errors import ConfigurationError, CorruptAudioError, UnsupportedAudioError
from voxguard.files.memory import anonymize_bytes
from voxguard.models.optional import optional

# Where datasets says how a function is hashed.
_hashing: Any = optional("datasets.utils._dill", "datasets", "the map over Hugging Face datasets")

__all__ = ["Anonymize"]


class Anonymize:
    """For ``dataset.map(Anonymize(...))``, batched or not, in one process or in many.

    Cast the column to ``Audio(decode=False)`` first: nothing needs to be decoded for it, and the
    files keep their format. A column that is decoded works too, and gives WAV. What comes out
    holds the anonymized file, and neither the path nor the name of the original; an item that
    cannot be anonymized raises, and ``map`` writes nothing. Other columns stay: names and
    transcripts are yours to remove.

    The fingerprint of the result, of which names of cache files are made, is random: it derives
    from nothing of the anonymizer, so a result is not found again in the cache.

    Args:
        anonymizer: Does the work; by default ``voxguard.create()``.
        column: The column of recordings.
        speaker_column: A column that says who speaks; the same speaker keeps one pseudo-voice.

    Example:
        >>> import voxguard
        >>> from datasets import Audio, Dataset
        >>> from voxguard.audio import encode
        >>> from voxguard.integrations.datasets import Anonymize
        >>> voice = encode(voxguard.synthetic_voice(seconds=0.5)[None], 16_000, "wav")
        >>> dataset = Dataset.from_dict({"audio": [{"bytes": voice, "path": "anna.wav"}]})
        >>> dataset = dataset.cast_column("audio", Audio(decode=False))
        >>> dataset.map(Anonymize(voxguard.McAdams()))[0]["audio"]["path"] is None
        True
    """

    def __init__(
        self,
        anonymizer: Anonymizer | None = None,
        column: str = "audio",
        speaker_column: str | None = None,
    ) -> None:
        self._anonymizer = anonymizer or create()
        self._column = column
        self._speaker_column = speaker_column
        self._mark = secrets.token_hex(16)

    def __call__(self, rows: Any, *_: Any) -> dict[str, Any]:
        """Anonymize a row, or a batch of rows, as ``map`` hands them in.

        Args:
            rows: Of each column a value, or a list of values.

        Returns:
            The new column.

        Raises:
            ConfigurationError: There is no such column.
            VoxguardError: A recording cannot be anonymized.
        """
        audio = self._of(rows, self._column)
        who = None if self._speaker_column is None else self._of(rows, self._speaker_column)
        if not isinstance(audio, list):
            return {self._column: self._anonymized(audio, who)}
        speakers = [None] * len(audio) if who is None else who
        return {
            self._column: [self._anonymized(*pair) for pair in zip(audio, speakers, strict=True)]
        }

    def _of(self, rows: Any, column: str) -> Any:
        try:
            return rows[column]
        except KeyError:
            raise ConfigurationError(
                f"there is no column {column!r}; there are {', '.join(map(str, rows))}"
            ) from None

    def _anonymized(self, value: Any, speaker: Any) -> dict[str, Any] | None:
        if value is None:
            return None  # nothing there
        if self._speaker_column is not None and speaker is None:
            raise ConfigurationError(f"a row has no {self._speaker_column}; whose voice is it?")
        who = None if speaker is None else str(speaker)
        if hasattr(value, "get_all_samples"):  # what a decoded column holds
            heard = value.get_all_samples()
            return self._from_samples(heard.data.numpy(), heard.sample_rate, who)
        if isinstance(value, dict) and value.get("array") is not None:
            return self._from_samples(np.asarray(value["array"]), value["sampling_rate"], who)
        content = anonymize_bytes(_content(value), self._anonymizer, speaker=who)
        return {"bytes": content, "path": None}

    def _from_samples(self, samples: Any, rate: int, speaker: str | None) -> dict[str, Any]:
        made = self._anonymizer(samples, int(rate), speaker=speaker)
        content = encode(np.atleast_2d(made).astype(np.float32), int(rate), "wav")
        return {"bytes": content, "path": None}


def _content(value: Any) -> bytes:
    """The file of a row, as it is there or on the disk."""
    if not isinstance(value, dict) or not {"bytes", "path"} & value.keys():
        raise UnsupportedAudioError(
            f"got {type(value).__name__} for a recording; cast the column to Audio(decode=False)"
        )
    if isinstance(value.get("bytes"), bytes):
        return bytes(value["bytes"])
    path = value.get("path")
    if not isinstance(path, str) or "://" in path:
        raise UnsupportedAudioError(
            "a row holds neither a file nor the path of a local one; load the files into the "
            "dataset first"
        )
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CorruptAudioError(f"a recording cannot be read: {error.strerror}") from None


@_hashing.pklregister(Anonymize)  # type: ignore[untyped-decorator]
def _hash(pickler: Any, function: Anonymize) -> None:
    """The secret of the anonymizer would go into the hash, and the hash into names of files."""
    pickler.save_reduce(str, (function._mark,), obj=function)
