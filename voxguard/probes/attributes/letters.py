"""The letter of an option, as answers give it."""

from __future__ import annotations

import re

LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # without I, which answers use for themselves

_WHOLE = re.compile(
    r"\W*(?:(?:the )?(?:option|choice|letter|answer)\W*(?:is\W*)?)?([A-Za-z])\W*", re.I
)
_SHOWN = re.compile(
    r"\(([A-Za-z])\)"  # (b)
    r"|(?:^|(?<=[\s\"'*]))([A-Z])[.):](?=[\s*]|$)"  # B) or B. or B:
    r"|(?:^|(?<=\n))\W*([A-Z])(?=\s+[-=]\s)"  # B - male
    r"|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\W{1,3}([A-Z])\b"
    r"|\b(?:option|choice|letter)\W{1,3}([b-hj-z])\b"
    r"|(?<![\w'.])([B-HJ-Z])(?![\w'.]|\s+\w+'s)(?!\.\w)"  # a capital alone, A excepted: an article
    r"|(?<![\w'])(A)(?=(?:\s*[/,]\s*|\s+(?:or|and|nor)\s+)[B-HJ-Z]\b)"  # A or B
    r"|(?:is|be|say|choose|pick|select|with|for)\W{1,3}(A)(?=\W*(?:$|\n|,|;))"
)
_DENIED = re.compile(r"(?:not|n't|nor|than|exclud\w+|rul\w+ out)\W+(?:option\W+)?$", re.I)
_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.I)


def letter(text: str, options: int) -> str | None:
    """The one letter that an answer chooses; None: none, or several.

    Args:
        text: The answer, as it was written.
        options: How many were offered.

    Example:
        >>> from voxguard.probes.attributes.letters import letter
        >>> letter("**B)** male", 2), letter("A man, I think.", 2), letter("A or B", 2)
        ('B', None, None)
    """
    text = _THOUGHT.sub(" ", text).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    for part in (text, lines[-1] if lines else ""):  # alone, or alone on the last line
        if (whole := _WHOLE.fullmatch(part)) and whole[1].upper() in LETTERS[:options]:
            return whole[1].upper()
    chosen = {
        next(filter(None, match.groups())).upper()
        for match in _SHOWN.finditer(text)
        if not _DENIED.search(text[: match.start()])
    }
    chosen &= set(LETTERS[:options])
    return chosen.pop() if len(chosen) == 1 else None
