"""Whisper by faster-whisper (CTranslate2): any of its models by name or folder."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.utility.recognisers.base import Recogniser

_PURPOSE = "the recogniser faster-whisper"


class FasterWhisper(Recogniser):
    """A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023.

    Decoded without sampling, so the same speech gives the same words. It writes numbers, cases and
    punctuation of its own accord: compare only normalised words.

    Args:
        model: A name (``"small.en"``, ``"large-v3"``, a repository on the hub) or a folder in the
            format of CTranslate2. A name is downloaded on first use.
        language: Code of the language, as ``"en"``; ``""`` lets the model guess in each utterance.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``.
        compute_type: Arithmetic, in CTranslate2's words, as ``"int8"``.
        beam_size: Hypotheses that are followed.
    """

    name = "faster-whisper"

    def __init__(
        self,
        *,
        model: str,
        language: str = "en",
        device: str = "cpu",
        compute_type: str = "default",
        beam_size: int = 5,
    ) -> None:
        if beam_size < 1:
            raise ConfigurationError(f"beam_size is at least 1, got {beam_size}")
        self.model = model
        self.language = language
        self.device = device
        self.compute_type = compute_type
        self.beam_size = beam_size

    def load(self) -> Any:
        """Load the model, from its folder, the cache of the hub, or the hub."""
        package = optional("faster_whisper", "whisper", _PURPOSE)
        try:
            return package.WhisperModel(
                self.model, device=self.device, compute_type=self.compute_type
            )
        except Exception as error:  # the hub, the file system, CTranslate2: each has its own
            raise ConfigurationError(
                f"faster-whisper cannot load {self.model!r} ({type(error).__name__}: {error}); "
                "give the name of one of its models, or a folder with model.bin and tokenizer.json"
            ) from error

    def recognise(self, model: Any, samples: Samples) -> str:
        """The text of all segments."""
        segments, _ = model.transcribe(
            samples,
            language=self.language or None,
            beam_size=self.beam_size,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments)

    def files(self) -> list[Path]:
        """The model's files, where it is a folder."""
        folder = Path(self.model)
        return sorted(folder.glob("*")) if folder.is_dir() else []

    @property
    def how(self) -> str:
        """The version of the package, and the model."""
        optional("faster_whisper", "whisper", _PURPOSE)
        return f"faster-whisper {version('faster-whisper')} {Path(self.model).name}"
