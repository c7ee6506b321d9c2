"""Word and character error rate: whether what was said can still be understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.metrics.scores import IntArray

_APOSTROPHES = (
    "[\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{GRAVE ACCENT}\N{ACUTE ACCENT}\N{MODIFIER LETTER APOSTROPHE}]"
)


def normalize_text(text: str) -> str:
    """What counts as the same words: lower case, no punctuation, single spaces.

    Apostrophes within a word stay, straight; a hyphen or dash separates words. Numbers, spelling
    and abbreviations stay as they are.

    Args:
        text: Any Unicode text.

    Example:
        >>> from voxguard.metrics import normalize_text
        >>> normalize_text("  Don't, she said -- 'well-known'!  ")
        "don't she said well known"
    """
    text = unicodedata.normalize("NFKC", re.sub(_APOSTROPHES, "'", text)).lower()
    kept = (c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in text)
    words = (word.strip("'") for word in "".join(kept).split())
    return " ".join(word for word in words if word)


def edits(
    references: Sequence[str],
    hypotheses: Sequence[str],
    *,
    unit: Literal["word", "character"] = "word",
    normalize: bool = True,
) -> IntArray:
    """Edits and reference length of each utterance.

    Args:
        references: ``(n,)`` what was said.
        hypotheses: ``(n,)`` what was recognised.
        unit: Count words, or characters (spaces included).
        normalize: Put both through :func:`normalize_text` first.

    Returns:
        ``(n, 2)``: substitutions, deletions and insertions together; words or characters of the
        reference. For :func:`error_rate`, and for the bootstrap.

    Raises:
        ConfigurationError: Lists of different lengths, or an unknown unit.
        MissingExtraError: jiwer is not installed (extra ``eval``).

    Example:
        >>> from voxguard.metrics import edits
        >>> edits(["The cat sat.", "Oh!"], ["the cat", "oh no"])
        array([[1, 3], [1, 1]])
    """
    if len(references) != len(hypotheses):
        raise ConfigurationError(
            f"needs a hypothesis for every reference, got {len(hypotheses)} for {len(references)}"
        )
    if unit not in ("word", "character"):
        raise ConfigurationError(f"unit is 'word' or 'character', got {unit!r}")
    try:
        import jiwer
    except ImportError:
        raise MissingExtraError("jiwer", "eval", "the word error rate") from None
    process = jiwer.process_words if unit == "word" else jiwer.process_characters
    rows = np.zeros((len(references), 2), dtype=np.int64)
    for row, pair in zip(rows, zip(references, hypotheses, strict=True), strict=True):
        said, heard = (normalize_text(text) if normalize else text for text in pair)
        out = process(said, heard)
        row[0] = out.substitutions + out.deletions + out.insertions
        row[1] = out.substitutions + out.deletions + out.hits
    return rows


def error_rate(pairs: npt.ArrayLike) -> float:
    """All edits over the length of all references.

    Args:
        pairs: ``(n, 2)`` from :func:`edits`.

    Raises:
        ConfigurationError: Not pairs, or nothing was said in any reference.

    Example:
        >>> from voxguard.metrics import error_rate
        >>> error_rate([[1, 3], [1, 1]])
        0.5
    """
    rows = np.asarray(pairs)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ConfigurationError(f"needs (edits, length) pairs, got shape {rows.shape}")
    edited, length = rows.sum(axis=0)
    if length <= 0:
        raise ConfigurationError("the references are empty, so there is no error rate")
    return float(edited / length)


def wer(references: Sequence[str], hypotheses: Sequence[str], *, normalize: bool = True) -> float:
    r"""Word error rate of a corpus: lower is better.

    .. math:: \frac{S + D + I}{S + D + H}

    with substitutions, deletions, insertions and hits of the best alignment of each utterance,
    summed over all. Long utterances count for more, as is usual. More than 1 is possible: a
    recogniser can invent words.

    Args:
        references: ``(n,)`` what was said.
        hypotheses: ``(n,)`` what was recognised.
        normalize: Put both through :func:`normalize_text` first.

    Raises:
        ConfigurationError: See :func:`edits` and :func:`error_rate`.
        MissingExtraError: jiwer is not installed (extra ``eval``).

    References:
        V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions and reversals",
        Soviet Physics Doklady, 1966.

    Example:
        >>> from voxguard.metrics import wer
        >>> wer(["the cat sat on the mat"], ["The cat sat on a mat, no?"])
        0.3333333333333333
    """
    return error_rate(edits(references, hypotheses, normalize=normalize))


def cer(references: Sequence[str], hypotheses: Sequence[str], *, normalize: bool = True) -> float:
    """Character error rate of a corpus; as :func:`wer`, with characters for words.

    Example:
        >>> from voxguard.metrics import cer
        >>> cer(["abcd"], ["abxd"])
        0.25
    """
    return error_rate(edits(references, hypotheses, unit="character", normalize=normalize))
