"""Whether an answer is the one that was wanted: word by word, no judge."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text, without case and punctuation.

    Example:
        >>> from voxguard.probes.adversarial.answers import words
        >>> words("  A man, I'd say. ")
        ['a', 'man', "i'd", 'say']
    """
    return _WORD.findall(text.casefold())


def begins_with(answer: str, wanted: str) -> bool:
    """Whether an answer is, or begins with, the words wanted.

    Example:
        >>> from voxguard.probes.adversarial.answers import begins_with
        >>> begins_with("A man.", "a man"), begins_with("A manager.", "a man")
        (True, False)
    """
    told = words(wanted)
    return bool(told) and words(answer)[: len(told)] == told
