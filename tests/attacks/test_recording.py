"""Recordings and pieces of them."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.recording import SAMPLE_RATE, Recording, split
from voxguard.errors import ConfigurationError, NonFiniteAudioError, UnsupportedAudioError


def recording(samples, **more):
    return Recording("u", "s", lambda: samples, **more)


def test_samples_are_read_anew_each_time():
    reads = []
    one = Recording("u", "s", lambda: reads.append(1) or np.ones(5, np.float32))
    assert one.samples().size == one.samples().size == 5
    assert len(reads) == 2


@pytest.mark.parametrize(
    "samples", [np.ones((1, 5), np.float32), np.ones(5), np.ones(0, np.float32), np.ones(5, int)]
)
def test_other_layouts_are_refused(samples):
    with pytest.raises(UnsupportedAudioError, match=r"u: an attacker takes \(n,\) float32"):
        recording(samples).samples()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_samples_are_refused(bad):
    with pytest.raises(NonFiniteAudioError, match="u: NaN"):
        recording(np.array([0, bad], np.float32)).samples()


@pytest.mark.parametrize(("seconds", "count"), [(5.9, 1), (6.0, 2), (8.9, 2), (20.0, 6)])
def test_pieces_cover_everything_once(seconds, count):
    samples = np.arange(round(seconds * SAMPLE_RATE), dtype=np.float32)
    pieces = split(recording(samples, transcript="words", labels={"sex": "F"}, digest="ab"), 3.0)
    assert len(pieces) == count
    np.testing.assert_array_equal(np.concatenate([one.samples() for one in pieces]), samples)
    assert len({one.id for one in pieces}) == len({one.digest for one in pieces}) == count
    assert {one.speaker for one in pieces} == {"s"}
    assert pieces[0].labels == {"sex": "F"}


def test_a_piece_has_no_transcript_and_no_digest_of_its_own_accord():
    pieces = split(recording(np.ones(100_000, np.float32), transcript="words"))
    assert [one.transcript for one in pieces] == ["", ""]
    assert [one.digest for one in pieces] == ["", ""]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_lengths_that_are_none(seconds):
    with pytest.raises(ConfigurationError, match="above 0"):
        split(recording(np.ones(5, np.float32)), seconds)
