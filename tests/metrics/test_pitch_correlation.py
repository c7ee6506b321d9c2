"""Correlation of melodies that are known."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.metrics import pitch_correlation

TIME = np.arange(400) / 100
MELODY = 120.0 * 2 ** (0.3 * np.sin(2 * np.pi * TIME))


def test_an_interval_and_a_stretched_range_keep_the_melody():
    assert pitch_correlation(MELODY, 1.7 * MELODY) == pytest.approx(1.0)
    assert pitch_correlation(MELODY, 50 * (MELODY / 120) ** 0.4) == pytest.approx(1.0)
    assert pitch_correlation(MELODY, 120**2 / MELODY) == pytest.approx(-1.0)


def test_quadrature_has_none_of_it():
    other = 200.0 * 2 ** (0.1 * np.cos(2 * np.pi * TIME))
    assert pitch_correlation(MELODY, other) == pytest.approx(0.0, abs=1e-9)


def test_known_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20_000))
    f, g = np.exp(5 + 0.1 * x), np.exp(5 + 0.1 * (0.6 * x + 0.8 * y))
    assert pitch_correlation(f, g) == pytest.approx(0.6, abs=0.02)
    assert pitch_correlation(f, g) == pytest.approx(np.corrcoef(np.log(f), np.log(g))[0, 1])


def test_only_frames_voiced_in_both_count():
    f, g = MELODY.copy(), 1.5 * MELODY
    f[::3], g[1::5] = 0.0, 0.0
    g[::3] = 77.0  # voiced here only
    assert pitch_correlation(f, g) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (MELODY[:19], MELODY[:19]),
        (MELODY, np.zeros(400)),
        (MELODY, np.full(400, 110.1)),
        (np.full(400, 333.3), MELODY),
        (np.empty(0), np.empty(0)),
    ],
)
def test_undefined(f, g):
    assert pitch_correlation(f, g) is None


def test_the_number_of_frames_asked_for():
    assert pitch_correlation(MELODY[:19], MELODY[:19], min_frames=19) == pytest.approx(1.0)
    assert pitch_correlation(MELODY[:1], MELODY[:1], min_frames=0) is None


@pytest.mark.parametrize(
    ("f", "g", "said"),
    [
        (MELODY, MELODY[:-1], "same hop and length"),
        (MELODY[None], MELODY[None], "same hop and length"),
        (MELODY, -MELODY, "0 for unvoiced"),
        (MELODY * np.nan, MELODY, "NaN"),
    ],
)
def test_unusable_arguments(f, g, said):
    with pytest.raises(ConfigurationError, match=said):
        pitch_correlation(f, g)
