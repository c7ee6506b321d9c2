"""Fine-tuning, at a size that takes seconds."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.encoders import finetuning as module
from voxguard.attacks.encoders.finetuning import held_out_speakers
from voxguard.attacks.encoders.sampling import Labelled
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError, OutputError, UnsupportedAudioError

pytest.importorskip("torch")

TINY = {"steps": 3, "batch_size": 4, "crop_s": (0.3, 0.4), "precision": "float32"}


@pytest.fixture(scope="module")
def said(make_recordings):
    return make_recordings(speakers=3, each=2)


@pytest.fixture(scope="module")
def trained(said):
    return create_encoder("dvector-finetuned", **TINY).fit(said)


def test_training_learns_to_tell_the_speakers_apart(make_recordings):
    said = make_recordings(speakers=4, each=3)
    tuned = create_encoder(
        "dvector-finetuned", steps=10, batch_size=8, crop_s=(0.8, 0.8), checks=2
    ).fit(said)
    losses = [entry["loss"] for entry in tuned.history[1:]]
    assert losses[-1] < 0.7 * losses[0]

    def within_minus_between(encoder):
        vectors = np.array([encoder.embed(one) for one in said]).reshape(4, 3, -1)
        similar = np.einsum("aid,bjd->abij", vectors, vectors)
        own = similar[np.arange(4), np.arange(4)].mean()
        return own - similar[~np.eye(4, dtype=bool)].mean()

    assert within_minus_between(tuned) > within_minus_between(create_encoder("dvector"))


def test_the_same_seed_gives_the_same(said, trained):
    again = create_encoder("dvector-finetuned", **TINY).fit(said)
    assert again.fingerprint == trained.fingerprint
    assert again.history == trained.history
    other = create_encoder("dvector-finetuned", **TINY, seed=1).fit(said)
    assert other.fingerprint != trained.fingerprint


def test_fit_leaves_the_untrained_one_and_global_chance_alone(said):
    import torch

    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(1).item(), np.random.random()  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    untrained = create_encoder("dvector-finetuned", **TINY)
    untrained.fit(said)
    assert (torch.rand(1).item(), np.random.random()) == expected  # noqa: NPY002
    with pytest.raises(ConfigurationError, match="not been trained"):
        untrained.embed(said[0])


def test_a_trained_one_can_be_saved_and_restored(said, trained, tmp_path):
    path = tmp_path / "attacker"
    trained.save(path)
    restored = create_encoder("dvector-finetuned", **TINY).restore(path)
    assert restored.fingerprint == trained.fingerprint
    assert restored.history == trained.history
    np.testing.assert_array_equal(restored.embed(said[0]), trained.embed(said[0]))
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_cannot_be_restored(trained, tmp_path):
    path = tmp_path / "attacker"
    trained.save(path)
    with pytest.raises(ConfigurationError, match="trained with steps=3, wanted is steps=4"):
        create_encoder("dvector-finetuned", **{**TINY, "steps": 4}).restore(path)
    with pytest.raises(ConfigurationError, match="holds dvector-finetuned"):
        create_encoder("ecapa").restore(path)
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-500])
    for name in ("cut", "absent"):
        with pytest.raises(ConfigurationError, match="no encoder can be restored from it"):
            create_encoder("dvector-finetuned", **TINY).restore(tmp_path / name)


def test_progress_goes_from_start_to_end(said):
    seen = []
    create_encoder("dvector-finetuned", **TINY).fit(said, progress=seen.append)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_without_held_out_speakers_the_last_weights_are_kept(trained):
    assert [entry["eer"] for entry in trained.history] == [None] * len(trained.history)
    assert [entry["kept"] for entry in trained.history][-1]
    assert sum(entry["kept"] for entry in trained.history) == 1


def test_the_best_on_held_out_speakers_is_kept(make_recordings, monkeypatch):
    rates = iter([0.3, 0.1, 0.2, 0.1])
    monkeypatch.setattr(module.FineTuning, "_try", lambda self, trials: next(rates))
    said = make_recordings(speakers=8, each=1, seconds=0.5)
    tuned = create_encoder("dvector-finetuned", **TINY, checks=3).fit(said)
    assert [entry["step"] for entry in tuned.history if entry["kept"]] == [1]


def test_training_that_harms_is_not_kept(make_recordings):
    """A learning rate that destroys the network: the pretrained weights win, and it says so."""
    said = make_recordings(speakers=8, each=2)
    tuned = create_encoder(
        "dvector-finetuned", **{**TINY, "steps": 2, "learning_rate": 10.0}, checks=2
    ).fit(said)
    first, *later = tuned.history
    assert first["kept"]
    assert first["eer"] < min(entry["eer"] for entry in later)
    frozen = create_encoder("dvector")
    np.testing.assert_allclose(tuned.embed(said[0]), frozen.embed(said[0]), atol=1e-6)


def test_speakers_are_held_out_evenly_over_how_much_they_say():
    counts = [1] * 20 + [30] * 10
    names = [f"s{number}" for number, count in enumerate(counts) for _ in range(count)]
    said = [Recording(f"u{n}", name, lambda: None) for n, name in enumerate(names)]
    data = Labelled.of(said, 2, "a test")
    for seed in range(5):
        held = held_out_speakers(data, 0.2, np.random.default_rng(seed))
        assert len(set(held)) == 6
        sizes = np.bincount(data.labels)[held]
        assert sorted(sizes) == [1, 1, 1, 1, 30, 30]
    few = data.chosen(np.isin(data.labels, range(7)))
    assert held_out_speakers(few, 0.2, np.random.default_rng(0)).size == 0
    assert held_out_speakers(data, 0.0, np.random.default_rng(0)).size == 0


def test_more_recordings_are_drawn_more_often_as_balance_says(make_recordings):
    said = make_recordings(speakers=2, each=1) + make_recordings(1, 4, first_seed=1)
    for balance, expected in ((0.0, [0.5, 0.5]), (1.0, [5 / 6, 1 / 6])):
        options = create_encoder("dvector-finetuned", **TINY, balance=balance)
        run = module.FineTuning(options, Labelled.of(said, 2, "a test"))
        np.testing.assert_allclose(run.odds, expected)


def test_what_cannot_be_trained_on(said):
    encoder = create_encoder("dvector-finetuned", **TINY)
    with pytest.raises(ConfigurationError, match="at least 2 speakers, got 1"):
        encoder.fit(said[:2])
    silent = Recording("x", "s9", lambda: np.zeros(16_000, np.float32))
    with pytest.raises(UnsupportedAudioError, match="digital silence"):
        encoder.fit([*said, silent])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps= takes an integer from 1"),
        ({"learning_rate": 0.0}, "learning_rate= takes a number above 0"),
        ({"crop_s": (2.0, 1.0)}, "crop_s= takes a least and a greatest"),
        ({"crop_s": (0.1, 1.0)}, "crop_s= takes a least and a greatest"),
        ({"balance": 2.0}, "balance= takes 0 to 1"),
        ({"precision": "float16"}, "precision= takes one of auto, float32, bfloat16"),
        ({"seed": -1}, "seed= takes an integer from 0"),
    ],
)
def test_options_that_are_not_taken(options, message):
    with pytest.raises(ConfigurationError, match=message):
        create_encoder("dvector-finetuned", **options)


def test_a_training_that_diverges_leaves_usable_weights(said, make_recordings, monkeypatch):
    """NaN as loss and weights: with and without held-out speakers the pretrained are kept."""
    import torch

    real = module.FineTuning._loss
    monkeypatch.setattr(
        module.FineTuning, "_loss", lambda self, weights: real(self, weights) * torch.nan
    )
    for recordings in (said, make_recordings(speakers=8, each=1, seconds=0.5)):
        tuned = create_encoder("dvector-finetuned", **TINY).fit(recordings)
        assert tuned.history[0]["kept"]
        assert np.isfinite(tuned.embed(said[0])).all()


def test_nowhere_to_save_to(trained, tmp_path):
    with pytest.raises(OutputError, match="the encoder could not be written"):
        trained.save(tmp_path / "absent" / "attacker")
