"""The channel of what is said."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from voxguard.attacks.backends import create_backend
from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.recording import Recording
from voxguard.attacks.verification import verify
from voxguard.errors import ConfigurationError
from voxguard.metrics.eer import eer

pytest.importorskip("sklearn")

SEA = ["the captain of the ship set sail", "a storm at sea took the mast of the ship"]
TAX = ["a levy upon income is due in april", "income above the limit is taxed in full"]


def spoken(texts, speaker="s"):
    return [
        Recording(f"{speaker}-{n}", speaker, lambda: None, text) for n, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def trained():
    return create_encoder("transcript", dimensions=3).fit(spoken([*SEA, *TAX]))


def test_what_is_about_the_same_is_alike(trained):
    sea, ship, levy, limit = (trained.embed(one) for one in spoken([*SEA, *TAX]))
    assert sea @ ship > max(sea @ levy, sea @ limit) + 0.1
    assert levy @ limit > max(levy @ sea, levy @ ship) + 0.1
    assert np.linalg.norm(sea) == pytest.approx(1.0)


def test_case_and_spacing_do_not_matter(trained):
    one, two = spoken([SEA[0], f"  {SEA[0].upper()}\n"])
    np.testing.assert_allclose(trained.embed(one), trained.embed(two))


def test_nothing_known_is_a_vector_too(trained):
    assert np.isfinite(trained.embed(spoken(["7777"])[0])).all()


def test_the_audio_is_not_read():
    def never():
        raise AssertionError

    said = [Recording(f"u{n}", "s", never, text) for n, text in enumerate(SEA)]
    create_encoder("transcript").fit(said).embed(said[0])


def test_recordings_without_transcript(trained):
    silent = Recording("u7", "s", lambda: None, "  ")
    with pytest.raises(ConfigurationError, match="u7 has no transcript"):
        trained.embed(silent)
    with pytest.raises(ConfigurationError, match="at least 2 transcripts, got 1 among 2 record"):
        create_encoder("transcript").fit([silent, *spoken(SEA[:1])])
    mixed = create_encoder("transcript", dimensions=3).fit([silent, *spoken([*SEA, *TAX])])
    assert mixed.fingerprint == trained.fingerprint


def test_saved_and_restored(trained, tmp_path):
    trained.save(tmp_path / "attacker")
    restored = create_encoder("transcript", dimensions=3).restore(tmp_path / "attacker")
    assert restored.fingerprint == trained.fingerprint
    for one in spoken([*SEA, "something new about the sea"]):
        np.testing.assert_allclose(restored.embed(one), trained.embed(one), atol=1e-12)


def test_other_texts_are_another_encoder(trained):
    other = create_encoder("transcript", dimensions=3).fit(spoken(TAX))
    assert other.fingerprint != trained.fingerprint
    with pytest.raises(ConfigurationError, match="not been trained"):
        create_encoder("transcript").embed(spoken(SEA)[0])


def test_what_is_read_from_a_book_gives_its_reader_away(shared_data):
    """LibriSpeech readers are known by their books: far better than chance."""
    with (shared_data / "speech" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["transcript"]]
    made = {
        role: [
            Recording(row["utterance"], row["speaker"], lambda: None, row["transcript"])
            for row in rows
            if (row["role"] or row["split"]) == role
        ]
        for role in ("train", "enrolment", "trial")
    }
    encoder = create_encoder("transcript").fit(made["train"])
    known, tried = (np.array([encoder.embed(r) for r in made[k]]) for k in ("enrolment", "trial"))
    result = verify(
        create_backend("cosine"),
        known,
        [one.speaker for one in made["enrolment"]],
        tried,
        [one.speaker for one in made["trial"]],
        [one.id for one in made["trial"]],
    )
    assert eer(result.mated, result.non_mated) < 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dimensions": 0}, "dimensions= takes an integer from 1"), ({"style": 2}, "style= takes 0")],
)
def test_options_that_are_not_taken(options, message):
    with pytest.raises(ConfigurationError, match=message):
        create_encoder("transcript", **options)
