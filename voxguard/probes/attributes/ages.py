"""Ages in words and figures, and the decade that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

DECADES = tuple(f"{least}-{least + 9}" for least in range(10, 90, 10))
WIDEST = 15  # years: a range that is wider names no decade

_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TEN = "|".join(_TENS)
_WORD = re.compile(
    rf"\b(?:(?P<teen>{'|'.join(_TEENS)})"
    rf"|(?P<tens>{'|'.join(word[:-1] + 'ies' for word in _TENS)})"
    rf"|(?P<ten>{_TEN})(?:[ -]?(?P<one>{'|'.join(_ONES)})\b|[ -]?somethings?\b|(?![a-z])))"
)
_PART = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (7, 9), None: (0, 9)}
_AGE = re.compile(
    r"\b(?P<young>teen(?:s|ager|aged?)?|adolescent)\b"
    r"|(?:\b(?P<part>early|mid|middle|late)[ -]*)?(?<![\w.:#])(?P<years>\d{1,3})"
    r"(?P<decade>'?s\b)?(?:ish\b)?"
    r"(?![\d:]|\.\d|[a-z]|\s*(?:%|percent|k?hz\b|db\b|kg\b|ms\b|sec|min|words\b|years? of\b))"
)
_BELOW = re.compile(r"(?:under|below|less than|up to|younger than|not yet)\s+$")
_JOINED = re.compile(
    r"\s*(?:years?(?: old| of age)?)?\s*(?:(-|to)|(and|or)(?: (?:his|her|their))?)\s*$"
)


def decade(years: float) -> str:
    """The decade of an age in years; ``""`` outside of 10 to 89, which have none here.

    Example:
        >>> from voxguard.probes.attributes.ages import decade
        >>> decade(34.5), decade(9)
        ('30-39', '')
    """
    place = int(years // 10) - 1
    return DECADES[place] if 0 <= place < len(DECADES) else ""


def find_ages(text: str) -> list[tuple[int, str]]:
    """Where a text names an age, and of which decade.

    A range is of the decade that its middle lies in, if it is of 15 years or less; a wider one
    names no decade. Percentages, frequencies, durations and years of a calendar are no ages.

    Args:
        text: In lower case.

    Returns:
        ``(place, decade)`` in the text's order.

    Example:
        >>> from voxguard.probes.attributes.ages import find_ages
        >>> find_ages("in her mid-thirties"), find_ages("25 to 34"), find_ages("80 %")
        ([(7, '30-39')], [(0, '20-29')], [])
    """
    spans = list(_spans(_in_figures(text)))
    found, taken = [], -1
    for index, (place, _, low, high) in enumerate(spans):
        if index == taken:
            continue
        for end, following in pairwise(spans[index : index + 2]):
            if _is_range(_in_figures(text), place, end, following):
                high, taken = following[3], index + 1
        if 0 <= high - low <= WIDEST and (name := decade((low + high) / 2)):
            found.append((place, name))
    return found


Span = tuple[int, int, int, int]


def _spans(text: str) -> Iterator[Span]:
    """Start, end, least and most years of each age."""
    for match in _AGE.finditer(text):
        if match["young"]:
            yield match.start(), match.end(), 10, 19
            continue
        years = int(match["years"])
        if _BELOW.search(text[: match.start()]):
            continue
        if match["decade"] or match["part"]:
            first, last = _PART[match["part"]]
            yield match.start(), match.end(), years + first, years + last
        elif years >= 10:  # smaller figures count something else
            yield match.start(), match.end(), years, years


def _is_range(text: str, start: int, first: Span, second: Span) -> bool:
    joined = _JOINED.fullmatch(text[first[1] : second[0]])
    if joined is None or second[3] < first[2]:
        return False
    if joined[2] == "and":
        return bool(re.search(r"between (?:the ages of )?(?:his |her |their )?$", text[:start]))
    return joined[2] is None or second[3] - first[2] <= 9


def _in_figures(text: str) -> str:
    """Number words as figures of the same length, so that places stay; padded on the right."""

    def figures(match: re.Match[str]) -> str:
        if match["teen"]:
            made = str(10 + _TEENS.index(match["teen"]))
        elif match["tens"]:
            made = f"{10 * (2 + [word[:-1] + 'ies' for word in _TENS].index(match['tens']))}s"
        else:
            one = 1 + _ONES.index(match["one"]) if match["one"] else 0
            made = str(10 * (2 + _TENS.index(match["ten"])) + one)
        return made.ljust(len(match[0]))

    return _WORD.sub(figures, text)
