"""Several encoders as one, against each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError, UnknownNameError
from voxguard.evaluation.store import Store

TINY = {"encoder": "ecapa", "options": {"channels": 16, "embedding": 8, "epochs": 1,
                                        "segment_s": 0.5}}  # fmt: skip


def told(stage, total):
    pass


def test_the_cosine_is_the_mean_of_the_cosines(make_recordings):
    parts = [create_encoder(name) for name in ("level", "prosody", "acoustic")]
    joined = create_encoder("joined", of=["level", "prosody", "acoustic"])
    one, other = make_recordings(speakers=2, each=1)

    def cosine(encoder):
        a, b = encoder.embed(one), encoder.embed(other)
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert cosine(joined) == pytest.approx(np.mean([cosine(part) for part in parts]), abs=1e-9)
    assert np.linalg.norm(joined.embed(one)) == pytest.approx(1.0)


def test_it_is_what_its_parts_are():
    text = create_encoder("joined", of=["level", "transcript"])
    assert text.trainable
    assert text.reads_transcript
    plain = create_encoder("joined", of=["level", {"encoder": "prosody"}])
    assert not plain.trainable
    assert not plain.reads_transcript
    assert create_encoder("joined", **plain.options).options == plain.options
    assert plain.fingerprint == create_encoder("joined", **plain.options).fingerprint
    assert plain.fingerprint != create_encoder("joined", of=["prosody", "level"]).fingerprint
    with pytest.raises(ConfigurationError, match="joined encoder is not trainable"):
        plain.fit([])
    for attempt in (plain.save, plain.restore):
        with pytest.raises(ConfigurationError, match="joined encoder is not trainable"):
            attempt("x")


def test_those_that_can_be_trained_are(make_recordings, tmp_path):
    pytest.importorskip("torch")
    said = make_recordings(speakers=3, each=2)
    shares = []
    untrained = create_encoder("joined", of=["level", TINY])
    with pytest.raises(ConfigurationError, match="has not been trained"):
        untrained.embed(said[0])
    trained = untrained.fit(said, progress=shares.append)
    assert trained.embed(said[0]).shape == (4 + 8,)
    assert shares[-1] == 1.0
    assert min(shares) >= 0.5
    with pytest.raises(ConfigurationError, match="has not been trained"):
        _ = untrained.fingerprint
    trained.save(tmp_path / "kept")
    again = untrained.restore(tmp_path / "kept")
    assert again.fingerprint == trained.fingerprint
    assert np.array_equal(again.embed(said[1]), trained.embed(said[1]))


def test_what_was_trained_or_heard_alone_is_not_trained_or_heard_again(
    make_recordings, tmp_path, monkeypatch
):
    pytest.importorskip("torch")
    said = [
        Recording(r.id, r.speaker, r.samples, digest=f"{n:064d}")
        for n, r in enumerate(make_recordings(speakers=3, each=2))
    ]
    store = Store(tmp_path)
    alone = store.trained(create_encoder("ecapa", **TINY["options"]), said, told)
    vectors = store.embed(alone, said, told).vectors

    def never(*_, **__):
        raise AssertionError("trained or heard again")

    monkeypatch.setattr(type(alone), "fit", never)
    monkeypatch.setattr(type(alone), "embed", never)
    joined = store.trained(create_encoder("joined", of=["level", TINY]), said, told)
    found = store.embed(joined, said, told).vectors
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(found[:, 4:], unit / np.sqrt(2.0))


def test_a_recording_that_one_of_them_cannot_use_is_left_out(tmp_path):
    spoken = Recording("a", "s", lambda: np.ones(16_000, np.float32), "words")
    mute = Recording("b", "s", lambda: np.ones(16_000, np.float32))
    store = Store(tmp_path)
    joined = create_encoder("joined", of=["level", "transcript"])
    trained = joined.with_parts(
        [joined.parts[0], joined.parts[1].fit([spoken, Recording("c", "t", spoken.samples, "no")])]
    )
    assert [r.id for r in store.embed(trained, [spoken, mute], told).recordings] == ["a"]
    assert "no transcript" in store.excluded[0].reason


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ("level", "two encoders or more"),
        (["level"], "two encoders or more"),
        ([], "two encoders or more"),
        (["level", 3], "takes names of encoders"),
        (["level", {"options": {}}], "takes names of encoders"),
        (["level", {"encoder": "prosody", "weight": 2}], "takes names of encoders"),
        (["level", {"encoder": "prosody", "options": {"colour": 1}}], "no option 'colour'"),
    ],
)
def test_what_it_does_not_take(of, says):
    with pytest.raises(ConfigurationError, match=says):
        create_encoder("joined", of=of)


def test_an_unknown_part():
    with pytest.raises(UnknownNameError, match="ivector"):
        create_encoder("joined", of=["level", "ivector"])
