"""ECAPA-TDNN from scratch, at a size that takes seconds."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.encoders import ecapa_training as module
from voxguard.attacks.encoders.sampling import FeatureCache, Labelled, crop
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(find_spec("speechbrain") is None, reason="needs speechbrain")

TINY = {
    "channels": 8,
    "embedding": 6,
    "epochs": 2,
    "batch_size": 4,
    "segment_s": 0.4,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def said(make_recordings):
    return make_recordings(speakers=3, each=4, seconds=0.8)


@pytest.fixture(scope="module")
def trained(said):
    return create_encoder("ecapa", **TINY).fit(said)


def test_it_learns_from_scratch(make_recordings):
    said = make_recordings(speakers=2, each=4, seconds=0.8)
    tuned = create_encoder(
        "ecapa", **{**TINY, "channels": 16, "epochs": 6}, learning_rate=0.02, held_out=0.25
    ).fit(said)
    assert tuned.history[-1]["loss"] < 0.5 * tuned.history[0]["loss"]
    assert len(tuned.history) == 6
    kept = [entry["error"] for entry in tuned.history if entry["kept"]]
    assert kept == [min(entry["error"] for entry in tuned.history)]


def test_recordings_shorter_than_a_segment(make_recordings):
    short = make_recordings(speakers=2, each=2, seconds=0.15)
    trained = create_encoder("ecapa", **{**TINY, "segment_s": 3.0, "epochs": 1}).fit(short)
    assert np.isfinite(trained.embed(short[0])).all()
    tiny = Recording("t", "s", lambda: np.full(40, 0.1, np.float32))
    assert trained.embed(tiny).shape == (6,)


def test_long_and_short_recordings_give_vectors_of_one_size(trained, make_recordings):
    for seconds in (0.1, 2.5):
        (one,) = make_recordings(1, 1, seconds)
        assert trained.embed(one).shape == (6,)


def test_the_same_seed_gives_the_same(said, trained):
    again = create_encoder("ecapa", **TINY).fit(said)
    assert again.fingerprint == trained.fingerprint
    assert again.history == trained.history
    assert create_encoder("ecapa", **TINY, seed=1).fit(said).fingerprint != trained.fingerprint


def test_global_chance_is_left_alone(said):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1).item()
    torch.manual_seed(5)
    create_encoder("ecapa", **{**TINY, "epochs": 1}).fit(said)
    assert torch.rand(1).item() == expected


def test_a_trained_one_can_be_saved_and_restored(said, trained, tmp_path):
    path = tmp_path / "attacker"
    trained.save(path)
    restored = create_encoder("ecapa", **TINY).restore(path)
    assert restored.fingerprint == trained.fingerprint
    assert restored.history == trained.history
    np.testing.assert_array_equal(restored.embed(said[0]), trained.embed(said[0]))
    with pytest.raises(ConfigurationError, match="trained with epochs=2, wanted is epochs=3"):
        create_encoder("ecapa", **{**TINY, "epochs": 3}).restore(path)


def test_the_rates_of_both_schedules(said):
    def rates(schedule):
        options = create_encoder("ecapa", **TINY, schedule=schedule)
        model = options._new_model()
        run = module.Training(options, model, Labelled.of(said, 2, "a test"))
        return [run.rate(step, 100) for step in range(100)]

    fitted, challenge = rates("fitted"), rates("vpc2024")
    assert max(fitted) == fitted[50] == pytest.approx(0.01)
    assert fitted[0] == challenge[0] == pytest.approx(1e-8)
    assert max(challenge) == challenge[-1] == pytest.approx(0.01 * 99 / 65_000, rel=1e-3)


def test_a_tenth_is_held_out_and_nobody_is_left_without():
    labels = np.repeat(np.arange(12), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 45])
    held = module.held_out_utterances(labels, 0.1, np.random.default_rng(0))
    assert held.sum() == 6
    assert (np.bincount(labels[~held], minlength=12) > 0).all()
    singles = module.held_out_utterances(np.arange(9), 0.5, np.random.default_rng(0))
    assert not singles.any()


def test_nothing_to_hold_out_keeps_the_last_epoch(make_recordings):
    history = create_encoder("ecapa", **TINY).fit(make_recordings(4, 1, 0.5)).history
    assert [entry["error"] for entry in history] == [None, None]
    assert [entry["kept"] for entry in history] == [False, True]


def test_a_training_that_diverges_says_so(said):
    with pytest.raises(ConfigurationError, match=r"diverged.*smaller learning_rate than 1e\+30"):
        create_encoder("ecapa", **TINY, learning_rate=1e30).fit(said)


def test_progress_goes_from_start_to_end(said):
    seen = []
    create_encoder("ecapa", **TINY).fit(said, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_one_speaker_is_too_few(said):
    with pytest.raises(ConfigurationError, match="at least 2 speakers, got 1"):
        create_encoder("ecapa", **TINY).fit(said[:2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 20}, "multiples of 8, got 20"),
        ({"channels": 0}, "channels= takes an integer from 8"),
        ({"schedule": "cosine"}, "fitted or vpc2024, got 'cosine'"),
        ({"batch_size": 1}, "batch_size= takes an integer from 2"),
        ({"held_out": -0.1}, "held_out= takes 0 to 1"),
        ({"segment_s": 0}, "segment_s= takes a number above 0"),
    ],
)
def test_options_that_are_not_taken(options, message):
    with pytest.raises(ConfigurationError, match=message):
        create_encoder("ecapa", **options)


def test_crops_lie_within_and_wrap_round():
    frames = np.arange(10)[:, None]
    rng = np.random.default_rng(0)
    starts = {int(crop(frames, 4, rng)[0, 0]) for _ in range(200)}
    assert starts == set(range(7))
    for _ in range(20):
        wrapped = crop(frames, 25, rng)[:, 0]
        assert ((np.diff(wrapped) == 1) | (np.diff(wrapped) == -9)).all()
    np.testing.assert_array_equal(crop(frames, 10, rng), frames)


def test_features_are_computed_once_while_they_fit():
    computed = []
    said = [Recording(f"u{n}", "s", lambda: None) for n in range(3)]

    def features(recording):
        computed.append(recording.id)
        return np.zeros((1024, 128), np.float32)  # half a MiB

    cache = FeatureCache(features, budget_mib=1.0)
    for _ in range(3):
        for one in said:
            cache(one)
    assert computed == ["u0", "u1", "u2", "u2", "u2"]
