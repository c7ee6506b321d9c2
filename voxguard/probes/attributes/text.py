"""Answers as plain text: one spelling, no markup, cut into clauses; and phrases found in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_ONE_SPELLING = {
    "'": "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{GRAVE ACCENT}"
    "\N{ACUTE ACCENT}\N{MODIFIER LETTER APOSTROPHE}",
    '"': "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}",
    "-": "\N{EN DASH}\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{HYPHEN}",
    " - ": "\N{EM DASH}",
}
_QUOTES = str.maketrans({odd: usual for usual, all_ in _ONE_SPELLING.items() for odd in all_})
_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_SPELT_OUT = (
    (r"\bcan(?:not|'?t)\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"\bi'm\b", "i am"),
    (r"\b(i|we)'d\b", r"\1 would"),
    (r"\b(it|that|he|she|there|speaker|voice)'s (?=not|no|a|an|likely|probably|most|in|clearly)\b",
     r"\1 is "),
    (r"\bit's\b", "it is"),
    (r"\bph\.\s?d\b\.?", "phd"),
    (r"\b(b|m)\.\s?(sc|a)\b\.?", r"\1\2"),
)  # fmt: skip
_MARKUP = re.compile(r"\*+|#+(?=\s)|^\s*>|~~|\\boxed|[{}\[\]\"]", re.MULTILINE)
_NUMBERED = re.compile(r"^\s*(?:\d{1,2}[.)]|step \d+\s*[:.)-]|[-•])\s+", re.MULTILINE)
_HYPHEN = re.compile(r"(?<!\d)-(?=\w)|(?<=\w)-(?!\d)(?=\w)|/|\\|_")

# Where a new statement begins. A comma alone does not tell: lists have commas.
_SUBJECT = (
    "it|the|i|this|that|there|they|he|she|we|my|given|based|from|if|is|maybe|perhaps|probably|"
    "possibly|likely|most|more|can|so|thus|hence|therefore|sounds|seems|definitely|certainly|but"
)
_CLAUSE = re.compile(
    r"[.!?;\n]+(?:\s+|$)|:\s+|\s+-+\s+"
    rf"|,\s+(?=(?:{_SUBJECT})\b)"
    r"|[,\s]+(?=(?:but|however|although|though|yet|nevertheless|still|whereas|while|therefore)\b)"
    r"|\s+(?=(?:so|because|since) (?:it|the|i|this|that|he|she|my|a|an|most|probably|likely)\b)"
)


def plain(text: str) -> str:
    """An answer in one spelling: lower case, contractions spelt out, no markup, no thoughts.

    What stands between ``<think>`` and ``</think>`` is not part of an answer; where the thought
    does not end, there is no answer. Hyphens stay between figures only; line ends stay.

    Example:
        >>> from voxguard.probes.attributes.text import plain
        >>> plain("It can't be **middle-aged**, 20-29.")
        'it can not be middle aged, 20-29.'
    """
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).lower()
    text = _NUMBERED.sub("", _MARKUP.sub("", _THOUGHT.sub(" ", text)))
    for pattern, full in _SPELT_OUT:
        text = re.sub(pattern, full, text)
    text = _HYPHEN.sub(" ", text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def clauses(text: str) -> list[str]:
    """Cut plain text where a new statement begins.

    Example:
        >>> from voxguard.probes.attributes.text import clauses
        >>> clauses("i can not be sure, but it sounds like a man. low pitch")
        ['i can not be sure', 'but it sounds like a man', 'low pitch']
    """
    return [part.strip(" ,") for part in _CLAUSE.split(text) if part and part.strip(" ,")]


class Phrases:
    """Names, each with the phrases that stand for it.

    Where one phrase is part of another, the longer one is found: ``"not healthy"`` is not
    ``"healthy"``.

    Args:
        phrases: Name to phrases.

    Example:
        >>> from voxguard.probes.attributes.text import Phrases
        >>> Phrases({"ill": ["not healthy"], "healthy": ["healthy"]}).find("she is not healthy")
        [(7, 'ill')]
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        self._name = {plain(p): name for name, given in phrases.items() for p in reversed(given)}
        longest = sorted(filter(None, self._name), key=len, reverse=True)
        either = "|".join(re.escape(phrase) for phrase in longest)
        self._any = re.compile(rf"(?<![\w'])(?:{either})(?!\w)" if either else r"(?!)")

    def find(self, text: str) -> list[tuple[int, str]]:
        """``(place, name)`` of each phrase in a plain text, in its order."""
        return [(match.start(), self._name[match[0]]) for match in self._any.finditer(text)]

    def whole(self, text: str) -> str:
        """The name that a whole text stands for; ``""``: none."""
        return self._name.get(text, "")
