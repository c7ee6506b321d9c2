"""The distribution of voices, against the distributions that it was fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.models.voice_distribution import VoiceDistribution


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def correlated(rng, count, columns=30, shared=2):
    axes = rng.normal(size=(shared, columns))
    return rng.normal(size=(count, shared)) @ axes + 0.5 * rng.normal(size=(count, columns))


def test_zeros_means_and_powers_are_those_of_the_voices(rng):
    voices = np.maximum(correlated(rng, 4000) + rng.normal(0.0, 1.0, 30), 0.0)
    drawn = VoiceDistribution.fit(voices).sample(rng, 20_000)
    assert drawn.min() == 0.0
    for measure in (np.mean, np.std):
        np.testing.assert_allclose(measure(drawn, axis=0), measure(voices, axis=0), atol=0.06)
    np.testing.assert_allclose((drawn == 0).mean(0), (voices == 0).mean(0), atol=0.03)


def test_the_gaussian_behind_the_cut_is_found(rng):
    mean, std = np.array([-1.0, 0.0, 1.5, 40.0]), np.array([1.0, 2.0, 0.7, 0.5])
    voices = np.maximum(mean + std * rng.normal(size=(100_000, 4)), 0.0)
    found = VoiceDistribution.fit(voices)
    np.testing.assert_allclose(found.mean, mean, atol=0.03)
    np.testing.assert_allclose(found.std, std, rtol=0.03)
    np.testing.assert_allclose(found.threshold[:3], (-mean / std)[:3], atol=0.05)
    assert found.threshold[3] == -np.inf  # so far above 0 that nothing is cut


def test_columns_with_negative_values_are_not_cut(rng):
    drawn = VoiceDistribution.fit(rng.normal(size=(500, 3))).sample(rng, 500)
    assert drawn.min() < -1.5


def test_what_columns_share_is_kept(rng):
    voices = correlated(rng, 3000)
    drawn = VoiceDistribution.fit(voices, components=2).sample(rng, 20_000)
    wanted, found = np.corrcoef(voices.T), np.corrcoef(drawn.T)
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.99
    alone = VoiceDistribution.fit(voices, components=0).sample(rng, 20_000)
    assert np.abs(np.corrcoef(alone.T) - np.eye(30)).max() < 0.05


def test_the_cut_undoes_what_was_hidden(rng):
    voices = np.maximum(correlated(rng, 50), 0.0)
    model = VoiceDistribution.fit(voices)
    hidden = model.hidden(voices)
    assert (hidden[voices == 0] < 0).all()
    np.testing.assert_array_equal(model.cut(hidden), voices)


def test_a_column_that_is_always_zero_stays_so(rng):
    voices = np.maximum(rng.normal(size=(20, 3)), 0.0) * [1.0, 0.0, 1.0]
    model = VoiceDistribution.fit(voices)
    assert np.isfinite(model.loadings).all()
    assert (model.sample(rng, 100)[:, 1] == 0).all()
    assert (model.hidden(voices)[:, 1] == 0).all()


def test_few_voices_of_many_columns(rng):
    drawn = VoiceDistribution.fit(np.maximum(rng.normal(size=(2, 256)), 0.0)).sample(rng, 3)
    assert drawn.shape == (3, 256)
    assert np.isfinite(drawn).all()
