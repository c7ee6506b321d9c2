"""The frozen d-vector as an encoder."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from voxguard.attacks.backends import create_backend
from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.recording import Recording
from voxguard.attacks.verification import verify
from voxguard.audio import read
from voxguard.errors import AudioError, UnsupportedAudioError
from voxguard.metrics.eer import eer

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def encoder():
    return create_encoder("dvector")


def test_a_vector_of_unit_length_whatever_the_recording_is_long(encoder, make_voice):
    for seconds in (0.05, 1.0, 4.0):
        samples = make_voice(seconds=seconds)
        vector = encoder.embed(Recording("u", "s", lambda samples=samples: samples))
        assert vector.shape == (256,)
        assert vector.dtype == np.float64
        assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_made_up_speakers_are_told_apart(encoder, make_voice):
    vectors = np.array(
        [
            encoder.embed(Recording("u", "s", lambda s=s, u=u: make_voice(16_000, 3.0, s, u)))
            for s in range(4)
            for u in range(2)
        ]
    )
    scores = create_backend("cosine").score(vectors[::2], vectors[1::2])
    assert (scores.argmax(axis=1) == np.arange(4)).all()


def test_the_fingerprint_is_of_content(encoder):
    assert encoder.fingerprint == create_encoder("dvector").fingerprint
    assert encoder.fingerprint != create_encoder("dvector", trim=False).fingerprint
    assert len(bytes.fromhex(encoder.fingerprint)) == 32


def test_another_weight_is_another_fingerprint(encoder):
    import torch

    changed = create_encoder("dvector")
    with torch.no_grad():
        changed._model.layers["linear"].bias[0] += 1e-3
    assert changed.fingerprint != encoder.fingerprint


def test_what_has_no_voice(encoder):
    with pytest.raises(UnsupportedAudioError, match="digital silence"):
        encoder.embed(Recording("u", "s", lambda: np.zeros(9000, np.float32)))


def test_an_error_of_reading_goes_through(encoder):
    def damaged():
        raise AudioError("cut short")

    with pytest.raises(AudioError, match="cut short"):
        encoder.embed(Recording("u", "s", damaged))


def test_real_speakers_are_recognised(encoder, shared_data):
    """A known answer: on original LibriSpeech the d-vector is nearly never wrong."""
    with (shared_data / "speech" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "eval"]
    chosen = []
    for role, each in (("enrolment", 2), ("trial", 2)):
        for speaker in sorted({row["speaker"] for row in rows}):
            mine = [row for row in rows if (row["speaker"], row["role"]) == (speaker, role)]
            chosen += sorted(mine, key=lambda row: float(row["seconds"]))[:each]

    def vectors(role):
        mine = [row for row in chosen if row["role"] == role]
        heard = [read(shared_data / "speech" / row["path"])[0][0] for row in mine]
        embedded = [encoder.embed(Recording("u", "s", lambda x=x: x)) for x in heard]
        return np.array(embedded), [row["speaker"] for row in mine], mine

    known, known_speakers, _ = vectors("enrolment")
    tried, tried_speakers, mine = vectors("trial")
    names = [row["utterance"] for row in mine]
    result = verify(create_backend("cosine"), known, known_speakers, tried, tried_speakers, names)
    assert eer(result.mated, result.non_mated) < 0.08
