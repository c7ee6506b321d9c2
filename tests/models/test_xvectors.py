"""Pools of x-vectors: pseudo-speakers are means of several, and as far apart as speakers are."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.models.xvectors import XVectorPool


@pytest.fixture
def pool():
    rng = np.random.default_rng(0)
    return XVectorPool(rng.standard_normal((60, 64)) + 3.0 * rng.standard_normal(64))


def spread(vectors):
    return (vectors - vectors.mean(axis=0)).std()


def test_nobody_is_copied(pool):
    rng = np.random.default_rng(1)
    centre = pool.vectors.mean(axis=0)
    own = pool.vectors - centre
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    for mix, most in ((3, 0.85), (5, 0.75), (20, 0.6)):
        for _ in range(50):
            drawn = pool.mixture(rng, mix)
            assert np.linalg.norm(drawn) == pytest.approx(1.0)
            away = drawn - centre
            assert (own @ (away / np.linalg.norm(away))).max() < most


def test_averaging_does_not_draw_voices_together(pool):
    rng = np.random.default_rng(1)
    drawn = np.stack([pool.mixture(rng, 10) for _ in range(200)])
    assert 0.85 < spread(drawn) / spread(pool.vectors) < 1.1


def test_vectors_of_one_speaker_count_as_one(pool):
    """A pool of many utterances of few people must not be mistaken for many people."""
    speakers = np.arange(60) % 5
    with pytest.raises(ConfigurationError, match="x-vectors of 5 speakers"):
        XVectorPool(pool.vectors, speakers).mixture(np.random.default_rng(0), 3)
    six = XVectorPool(np.eye(6).repeat(10, axis=0), np.arange(6).repeat(10))
    for seed in range(20):  # three different people, so three dimensions
        drawn = six.mixture(np.random.default_rng(seed), 3)
        assert (drawn > drawn.mean()).sum() == 3


@pytest.mark.parametrize("mix", [1, 2, 31])
def test_too_few_to_mix(pool, mix):
    with pytest.raises(ConfigurationError, match=f"got mix={mix} and x-vectors of 60 speakers"):
        pool.mixture(np.random.default_rng(0), mix)


def test_files(pool, tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    np.save(tmp_path / "pool.npy", pool.vectors)
    speakers = np.arange(60) // 2
    save_file({"vectors": pool.vectors, "speakers": speakers}, tmp_path / "pool.safetensors")
    np.testing.assert_allclose(XVectorPool.load(tmp_path / "pool.npy").vectors, pool.vectors)
    loaded = XVectorPool.load(tmp_path / "pool.safetensors")
    np.testing.assert_allclose(loaded.vectors, pool.vectors)
    assert np.array_equal(loaded.speakers, speakers)


def test_unusable_files(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no pool")
    save_file({"other": np.ones((3, 3))}, tmp_path / "other.safetensors")
    for name in ("objects.npy", "text.npy", "other.safetensors", "absent.npy"):
        with pytest.raises(ConfigurationError, match="no pool of x-vectors"):
            XVectorPool.load(tmp_path / name)


@pytest.mark.parametrize(
    "wrong", [np.ones(5), np.zeros((5, 2)), np.full((5, 2), np.nan)], ids=["flat", "zero", "nan"]
)
def test_unusable_vectors(wrong):
    with pytest.raises(ConfigurationError, match="finite and not zero"):
        XVectorPool(wrong)
    with pytest.raises(ConfigurationError, match="one for each of 2"):
        XVectorPool(np.ones((2, 3)), np.arange(3))
