"""Error rates against an edit distance written out, and what counts as the same words."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.metrics import cer, edits, error_rate, normalize_text, wer

WORDS = st.lists(st.sampled_from(["a", "b", "cc"]), max_size=7).map(" ".join)


def distance(said, heard):
    row = list(range(len(heard) + 1))
    for i, one in enumerate(said, 1):
        row, before = [i], row
        for j, other in enumerate(heard, 1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (one != other)))
    return row[-1]


@settings(max_examples=100, deadline=None)
@given(WORDS, WORDS)
def test_edits_by_definition(said, heard):
    pytest.importorskip("jiwer")
    found = edits([said], [heard])[0].tolist()
    assert found == [distance(said.split(), heard.split()), len(said.split())]
    found = edits([said], [heard], unit="character")[0].tolist()
    assert found == [distance(said, heard), len(said)]


def test_rates_are_of_the_corpus_and_not_means_of_utterances():
    pytest.importorskip("jiwer")
    said, heard = ["one two three four", "five"], ["one two three four", "six seven"]
    np.testing.assert_array_equal(edits(said, heard), [[0, 4], [2, 1]])
    assert wer(said, heard) == 2 / 5
    assert wer(["a"], ["b c d"]) == 3.0
    assert cer(["abcd"], ["abxd"]) == 0.25


def test_an_utterance_without_words_adds_insertions_only():
    pytest.importorskip("jiwer")
    assert wer(["", "a b"], ["oh", "a b"]) == 0.5
    with pytest.raises(ConfigurationError, match="references are empty"):
        wer(["", "!"], ["", "oh"])


def test_normalisation_can_be_left_out():
    pytest.importorskip("jiwer")
    assert wer(["The cat."], ["the cat"]) == 0.0
    assert wer(["The cat."], ["the cat"], normalize=False) == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HELLO,  World!", "hello world"),
        ("it\N{RIGHT SINGLE QUOTATION MARK}s o`clock", "it's o'clock"),
        ("'tis the dogs' \N{LEFT SINGLE QUOTATION MARK}bone\N{RIGHT SINGLE QUOTATION MARK}", None),
        ("mother-in-law \N{EM DASH} twice", "mother in law twice"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE} cafe\N{COMBINING ACUTE ACCENT}", None),
        ("room 101; 3.5 %", "room 101 3 5"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{NO-BREAK SPACE}\tb\n", "a b"),
        ("... ' ''", ""),
        ("Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e", None),
    ],
)
def test_normal_form(text, expected):
    found = normalize_text(text)
    if expected is not None:
        assert found == expected
    assert normalize_text(found) == found
    assert found == found.strip().lower()


def test_normal_form_keeps_letters_of_any_script():
    assert normalize_text("'tis the dogs' bone") == "tis the dogs bone"
    composed, decomposed = (
        "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "cafe\N{COMBINING ACUTE ACCENT}",
    )
    assert normalize_text(composed) == normalize_text(decomposed) == composed
    hindi = "\N{DEVANAGARI LETTER KA}\N{DEVANAGARI VOWEL SIGN I}"
    assert normalize_text(hindi) == hindi


def test_without_jiwer(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(MissingExtraError, match=r"voxguard\[eval\]"):
        wer(["a"], ["b"])


def test_unusable_arguments():
    with pytest.raises(ConfigurationError, match="got 1 for 2"):
        edits(["a", "b"], ["a"])
    with pytest.raises(ConfigurationError, match="'word' or 'character', got 'phone'"):
        edits(["a"], ["a"], unit="phone")
    with pytest.raises(ConfigurationError, match="pairs, got shape"):
        error_rate([1, 2, 3])
