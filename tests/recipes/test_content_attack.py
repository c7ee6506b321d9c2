"""The attack on content, on content of which is known what is in it."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from recipes.train_voice_conversion import content, tables
from recipes.train_voice_conversion.data import Recorded
from recipes.train_voice_conversion.labels import UNKNOWN
from voxguard.models.network_numpy import NumpyNetwork

DIMS, PHONES = 8, 5
SOUNDS = np.random.default_rng(7).standard_normal((PHONES, DIMS)).astype(np.float32)


class Plain:
    """A network whose content is its input; the first book has the phones, the second the rest."""

    def __init__(self) -> None:
        fine = 0.4 * np.random.default_rng(8).standard_normal((256, DIMS)).astype(np.float32)
        self.books = [SOUNDS, fine]

    def content(self, mel):
        return mel[::2]

    def quantised(self, x, levels):
        rest = x
        for book in self.books[:levels]:
            rest = rest - book[content.nearest(rest, book)]
        return x - rest


def recorded(speaker, number, offset, *, known=True, slow=None):
    """Phones of 60 ms, each said with the offset of the speaker, and noise.

    One of them may last longer: that which ``slow`` is.
    """
    rng = np.random.default_rng([speaker, number])
    order = rng.integers(PHONES, size=100)
    phones = np.repeat(order, np.where(order == slow, 6, 3))[:300]
    z = SOUNDS[phones] + offset + 0.1 * rng.standard_normal((300, DIMS))
    mel = np.repeat(z, 2, axis=0).astype(np.float32)
    labels = np.repeat(phones, 2) if known else np.full(600, UNKNOWN)
    flat = np.zeros(DIMS, np.float32)
    return Recorded(
        raw=mel,
        mel=mel,
        level=0.0,
        mean=flat,
        spread=flat + 1,
        pitch=np.zeros((3, 600)),
        aperiodicity=np.zeros(600),
        vector=np.zeros(256),
        speaker=speaker,
        phones=labels.astype(np.int8),
    )


def people(first, count, each, spread):
    rng = np.random.default_rng(first)
    offsets = spread * rng.standard_normal((count, DIMS))
    return [recorded(first + k, n, offsets[k]) for k in range(count) for n in range(each)]


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Content so plain is learnt from few chunks, and short ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "SEGMENTS", (10,))
        patch.setattr(content, "BATCH", 8)
        patch.setattr(content, "CHUNK", 75)
        yield


@pytest.fixture(scope="module")
def leaky():
    return content.leaks(Plain(), people(0, 8, 6, 0.3), people(100, 24, 2, 0.3), steps=60, seed=0)


def test_speakers_who_are_in_the_content_are_found(leaky):
    assert leaky["no quantiser"]["eer"]["value"] < 0.15
    assert leaky["2 levels"]["eer"]["value"] < 0.3
    assert leaky["1 level"]["eer"]["value"] > leaky["no quantiser"]["eer"]["value"] + 0.1
    assert all(row["phones"] > 0.8 for row in leaky.values())
    figure = leaky["1 level"]["eer"]
    assert figure["low"] <= figure["value"] <= figure["high"]


def test_speakers_who_are_not_in_it_are_not(leaky):
    found = content.leaks(Plain(), people(0, 8, 6, 0.0), people(100, 24, 2, 0.0), steps=60, seed=0)
    assert all(row["eer"]["value"] > 0.35 for row in found.values())
    assert found["1 level"]["phones"] == pytest.approx(leaky["1 level"]["phones"], abs=0.1)


def test_what_passes_is_counted(leaky):
    rates = {name: row["bits_per_second"] for name, row in leaky.items()}
    assert rates.pop("no quantiser") is None
    assert rates.pop("2 levels") == pytest.approx(50 * (8 + np.log2(5)))
    assert rates.pop("1 level") == pytest.approx(50 * np.log2(5))
    places = -0.2 * np.log2(0.2) - 0.8 * np.log2(0.8)
    for name, bits in (("2 levels", 8 + np.log2(5)), ("1 level", np.log2(5))):
        rate = rates.pop(f"{name}, 10 segments a second")
        assert rate == pytest.approx(10 * bits + 50 * places)
    assert not rates


@pytest.mark.parametrize("counts", [(1, 3), (3, 1), (3, 0)])
def test_too_few_speakers_are_refused(counts):
    attacked, others = (people(k, n, 2, 0.3) if n else [] for k, n in enumerate(counts))
    with pytest.raises(SystemExit, match="takes two speakers or more with several recordings"):
        content.leaks(Plain(), attacked, others, steps=1, seed=0)


def test_phones_that_nobody_knows_are_not_counted():
    both = [
        [recorded(s, n, 0.0, known=False) for s in range(first, first + 3) for n in range(2)]
        for first in (0, 10)
    ]
    found = content.leaks(Plain(), *both, steps=2, seed=0)
    assert all(row["phones"] is None for row in found.values())
    assert not content.words(*both, steps=2, seed=0)


def test_durations_tell_a_speaker_and_are_taken_away():
    def people(first, count, each):
        return [recorded(first + k, n, 0.0, slow=k % PHONES)
                for k in range(count) for n in range(each)]  # fmt: skip

    timed, untimed = content.words(
        people(0, PHONES, 6), people(100, 25, 2), steps=60, seed=0
    ).values()
    assert timed["eer"]["value"] < 0.1
    assert untimed["eer"]["value"] > 0.3


def test_a_phone_is_shown_and_one_that_nobody_knows_is_not():
    one = recorded(0, 0, 0.0)
    one.phones[:20] = UNKNOWN
    timed, untimed = content.said(one, timed=True), content.said(one, timed=False)
    assert not timed[:10].any()
    assert np.array_equal(timed[10:].argmax(axis=1), one.phones[20::2])
    assert len(untimed) % content.LASTING == 0
    assert all(len(np.unique(x, axis=0)) == 1 for x in np.split(untimed, len(untimed) // 4))


def test_a_coarse_book_has_few_rows():
    rng = np.random.default_rng(0)
    book = rng.standard_normal((40, DIMS)).astype(np.float32)
    used = [book[rng.integers(20, size=500)]]
    coarse = content.merged(book, used, 6, 0)
    assert coarse.shape == book.shape
    assert len(np.unique(coarse, axis=0)) <= 6
    groups = np.unique(coarse[:20], axis=0, return_inverse=True)[1]
    counts = np.bincount(content.nearest(used[0], book), minlength=40)[:20]
    for k in range(groups.max() + 1):
        mean = np.average(book[:20][groups == k], axis=0, weights=counts[groups == k])
        assert np.allclose(coarse[:20][groups == k], mean, atol=1e-4)


def test_recordings_shorter_than_a_chunk_are_repeated():
    short, labels = np.arange(40)[:, None], np.arange(40)
    x, phones = content._chunks([short, labels], np.random.default_rng(0))
    assert len(x) == content.CHUNK
    assert np.array_equal(x[:, 0], phones)


def test_the_content_is_what_the_network_quantises(make_voice):
    from voxguard.models.converter import Converter

    network = Converter.shipped().network
    assert isinstance(network, NumpyNetwork)
    mel = np.random.default_rng(0).standard_normal((40, 80)).astype(np.float32)
    found = network.content(mel)
    assert found.shape == (20, network.books[0].shape[1])
    assert np.allclose(np.square(found).mean(axis=1), 1.0, atol=1e-3)


def test_the_table_has_a_row_for_all_that_passes(leaky, tmp_path):
    words = {"the phones": {"eer": leaky["1 level"]["eer"]}}
    for name in ("some", "others"):
        found = {"weights": "x", "content": leaky, "words": words}
        (tmp_path / f"content-{name}.json").write_text(json.dumps(found))
    rows = tables.content(tmp_path).splitlines()
    assert len(rows) == 2 + 2 * 5 + 1
    rows = rows[:2] + rows[7:]
    assert rows[2].startswith("| some | no quantiser | - | ")
    assert rows[4].split("|")[3].strip() == "116"
