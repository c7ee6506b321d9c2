"""Signs of audio in long texts: found by places, exactly as a regular expression finds them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from voxguard.payloads import signs

INSIDE = re.compile(r"UklGR[\w+/-]{5,6}XQVZF|ZkxhQwAAACI|T2dnUwAC")
PIECES = ["data:", "DATA:", "dAta: ", "audio", "Video", "application/ogg", ",", " ", "x" * 16, "İ",
          ";base64", "UklGR", "AAAAA", "AAAAAA", "XQVZF", "ZkxhQwAAACI", "ZkxhQwAA", "T2dnUwAC",
          "T2dn", "\n", "a" * 201]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join)


@given(TEXTS)
def test_a_uri_is_found_wherever_it_stands(text):
    assert signs._holds_uri(text) == bool(signs._URI.search(text))


@given(TEXTS)
def test_a_file_is_found_wherever_it_stands(text):
    assert signs._holds_file(text) == bool(INSIDE.search(text))


def test_pieces_are_joined_to_what_is_found():
    assert signs._holds_uri("say data:audio/wav;base64," + "x" * 16)
    assert signs._holds_uri("İ DATA: Video/mp4," + "x" * 16)
    assert signs._holds_file("A" * 7 + "UklGR" + "A" * 6 + "XQVZF")
    assert not signs._holds_file("A" * 7 + "UklGR" + "A" * 7 + "XQVZF")
