"""What is said as a voiceprint: words and turns of phrase give a speaker away too."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from voxguard.attacks.encoders.base import Encoder, Progress, Vector, digest_of
from voxguard.attacks.encoders.checkpoint import read_checkpoint, write_checkpoint
from voxguard.attacks.options import check_count, check_fraction
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

_VERSION = 1
_COMMON_WORDS = 150


class Transcript(Encoder):
    """Frequencies of character sequences and of the commonest words, in few dimensions.

    No anonymizer of voices changes what is said; this tells how much that alone gives away. Two
    kinds of terms are weighted by inverse document frequency (TF-IDF) and reduced by singular value
    decomposition: sequences of 2 to 4 characters within words, which hold topic and names, and the
    150 commonest words of the training transcripts, which hold style.

    Args:
        dimensions: At most so many; fewer where there are fewer training transcripts.
        style: Weight of the common words against the character sequences, 0 to 1.
        seed: Of the decomposition.

    Raises:
        ConfigurationError: A value outside of its range.
        MissingExtraError: On first use: scikit-learn is not installed (``eval``).

    References:
        The threat: "Content leakage in LibriSpeech and its impact on the privacy evaluation of
        speaker anonymization", 2026, arXiv:2601.13107.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> texts = ["the old sea captain", "the captain of the sea", "a new tax law"]
        >>> said = [Recording(f"{n}", "x", lambda: None, text) for n, text in enumerate(texts)]
        >>> encoder = create_encoder("transcript", dimensions=2).fit(said)
        >>> sea, captain, tax = (encoder.embed(one) for one in said)
        >>> bool(sea @ captain > sea @ tax)
        True
    """

    name: ClassVar[str] = "transcript"
    trainable = True
    reads_transcript = True

    def __init__(self, *, dimensions: int = 200, style: float = 0.5, seed: int = 0) -> None:
        self.dimensions = check_count("dimensions", dimensions)
        self.style = check_fraction("style", style)
        self.seed = check_count("seed", seed, least=0)
        self._learnt: dict[str, npt.NDArray[Any]] | None = None

    def fit(self, recordings: Sequence[Recording], *, progress: Progress | None = None) -> Self:
        """Learn which terms there are; recordings without transcript are passed over.

        Raises:
            ConfigurationError: Fewer than two transcripts.
        """
        texts = [_normal(one.transcript) for one in recordings if one.transcript.strip()]
        if len(texts) < 2:
            raise ConfigurationError(
                f"the transcript encoder is trained on at least 2 transcripts, got {len(texts)} "
                f"among {len(recordings)} recordings; add a column transcript or leave it out"
            )
        svd = optional("sklearn.decomposition", "eval", "the transcript encoder")
        learnt: dict[str, npt.NDArray[Any]] = {}
        for kind, vectorizer in self._vectorizers(None).items():
            vectorizer.fit(texts)
            terms = vectorizer.get_feature_names_out()
            learnt[f"{kind}_terms"] = np.asarray(terms, dtype=str)
            learnt[f"{kind}_idf"] = np.asarray(vectorizer.idf_, dtype=np.float64)
        frequencies = self._frequencies(texts, self._vectorizers(learnt))
        kept = min(self.dimensions, len(texts) - 1, frequencies.shape[1] - 1)
        reduced = svd.TruncatedSVD(max(1, kept), random_state=self.seed).fit(frequencies)
        learnt["axes"] = np.asarray(reduced.components_, dtype=np.float64)
        if progress is not None:
            progress(1.0)
        return self._with(learnt)

    def _with(self, learnt: dict[str, npt.NDArray[Any]]) -> Self:
        trained = copy.copy(self)
        for name in ("fingerprint", "_fitted"):
            trained.__dict__.pop(name, None)
        trained._learnt = learnt
        return trained

    def _vectorizers(self, learnt: dict[str, npt.NDArray[Any]] | None) -> dict[str, Any]:
        """One of character sequences and one of words, empty or as they were fitted."""
        text = optional("sklearn.feature_extraction.text", "eval", "the transcript encoder")
        kinds = {
            "characters": {"analyzer": "char_wb", "ngram_range": (2, 4), "max_features": 20_000},
            "words": {"token_pattern": r"(?u)\b\w+\b", "max_features": _COMMON_WORDS},
        }
        made = {}
        for kind, options in kinds.items():
            terms = None if learnt is None else learnt[f"{kind}_terms"].tolist()
            made[kind] = text.TfidfVectorizer(sublinear_tf=True, vocabulary=terms, **options)
            if learnt is not None:
                made[kind].idf_ = learnt[f"{kind}_idf"]
        return made

    def _frequencies(self, texts: list[str], vectorizers: dict[str, Any]) -> Any:
        sparse = optional("scipy.sparse", "eval", "the transcript encoder")
        characters = vectorizers["characters"].transform(texts) * (1.0 - self.style)
        return sparse.hstack([characters, vectorizers["words"].transform(texts) * self.style])

    @property
    def _ready(self) -> dict[str, npt.NDArray[Any]]:
        if self._learnt is None:
            raise ConfigurationError(f"{self.name} has not been trained: call fit() or restore()")
        return self._learnt

    @cached_property
    def _fitted(self) -> dict[str, Any]:
        return self._vectorizers(self._ready)

    def embed(self, recording: Recording) -> Vector:
        """Vector of what is said.

        Returns:
            ``(d,)`` of unit length; zeros where no known term is said.

        Raises:
            ConfigurationError: Not trained yet, or a recording without transcript.
        """
        learnt = self._ready
        if not recording.transcript.strip():
            raise ConfigurationError(
                f"{recording.id} has no transcript; leave it out, or leave the transcript "
                "encoder out of the panel"
            )
        terms = self._frequencies([_normal(recording.transcript)], self._fitted)
        vector = np.asarray(terms @ learnt["axes"].T, dtype=np.float64)[0]
        length = float(np.linalg.norm(vector))
        return np.asarray(vector / (length or 1.0))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the terms, their weights and the version of the code."""
        learnt = self._ready
        return digest_of(self.name, _VERSION, self.style, *(learnt[k] for k in sorted(learnt)))

    def save(self, path: Path) -> None:
        """Write what was learnt, which holds terms of the transcripts; see the base class."""
        write_checkpoint(path, self, self._ready)

    def restore(self, path: Path) -> Self:
        """Give the trained encoder that was saved; see the base class."""
        return self._with(read_checkpoint(path, self)[0])


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
