"""PocketSphinx: weak and small, and its model comes with it, so it runs without a download."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.models.optional import optional
from voxguard.utility.recognisers.base import SAMPLE_RATE, Recogniser

_PURPOSE = "the recogniser pocketsphinx"


class PocketSphinx(Recogniser):
    """The recogniser of D. Huggins-Daines et al., "PocketSphinx", ICASSP 2006, with its own model.

    US English, 16 kHz, trigrams over 134 000 words. On read speech about every fourth word is
    wrong, so its figure says something as a difference to that of the originals, not by itself.

    Every utterance is heard as the first one is: nothing carries over from the one before.

    Example:
        >>> from voxguard.utility.recognisers import create_recogniser
        >>> create_recogniser("pocketsphinx")
        PocketSphinx()
    """

    name = "pocketsphinx"

    def load(self) -> Any:
        """Load the decoder with its model."""
        package = optional("pocketsphinx", "eval", _PURPOSE)
        return package.Decoder(samprate=SAMPLE_RATE, cmn="batch", loglevel="FATAL")

    def recognise(self, model: Any, samples: Samples) -> str:
        """The words, in lower case."""
        integers = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
        model.reinit_feat()  # even with cmn=batch the last utterance would tinge the next one
        model.start_utt()
        try:
            model.process_raw(integers.tobytes(), no_search=False, full_utt=True)
        finally:
            model.end_utt()
        found = model.hyp()
        return str(found.hypstr) if found else ""

    def files(self) -> list[Path]:
        """The acoustic model, the dictionary and the language model of the package."""
        folder = Path(optional("pocketsphinx", "eval", _PURPOSE).get_model_path()) / "en-us"
        return sorted(path for path in folder.rglob("*") if path.is_file())

    @property
    def how(self) -> str:
        """The version of the package; the model is part of it."""
        optional("pocketsphinx", "eval", _PURPOSE)
        return f"pocketsphinx {version('pocketsphinx')} en-us"
