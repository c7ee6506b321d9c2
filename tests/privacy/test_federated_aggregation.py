"""The pure functions: what decides the sensitivity of a federated round."""

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated import aggregation
from voxguard.privacy.federated.adaptive import AdaptiveClipping


def model(rng):
    return {
        "weight": rng.standard_normal((3, 4)).astype(np.float32),
        "scale": rng.standard_normal(()),
        "seen": np.array(7),
    }


def test_what_is_not_floating_point_is_not_trained():
    arrays = model(np.random.default_rng(0))
    assert aggregation.learned(arrays) == ["weight", "scale"]
    assert aggregation.learned(arrays, ["scale"]) == ["weight"]
    with pytest.raises(ConfigurationError, match="no floating-point"):
        aggregation.learned({"seen": np.array(7)})
    with pytest.raises(ConfigurationError, match="mean"):
        aggregation.learned(arrays, ["mean"])


@pytest.mark.parametrize("length", [0.0, 1e-30, 0.5, 1.0, 7.0, 1e30])
def test_no_update_is_longer_than_the_clipping_norm(length):
    direction = np.random.default_rng(1).standard_normal(20)
    direction *= length / np.linalg.norm(direction)
    update = {"a": direction[:12].reshape(3, 4), "b": direction[12:]}
    clipped, fits = aggregation.clip(update, 1.0)
    assert aggregation.norm_of(clipped) <= 1.0 + 1e-12
    assert fits == (aggregation.norm_of(update) <= 1.0)
    if fits:
        np.testing.assert_array_equal(clipped["b"], update["b"])
    else:  # the direction stays
        np.testing.assert_allclose(clipped["a"] * length, update["a"], rtol=1e-12)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"w": np.zeros(3)},
        {"w": np.zeros(2, np.int64)},
        {"w": np.array([np.nan, 0])},
        {"w": np.array([np.inf, 0])},
        {"w": np.array([1e300, 0])},
    ],
)
def test_nonsense_is_refused(reply):
    with pytest.raises(ConfigurationError, match="the reply"):
        aggregation.update_between({"w": np.zeros(2)}, reply, ["w"])


def test_float16_and_float32_are_subtracted_in_float64():
    before = {"w": np.array([1.0], np.float16)}
    after = {"w": np.array([1.0009765625], np.float16)}
    assert aggregation.update_between(before, after, ["w"])["w"][0] == 0.0009765625


def test_the_noise_is_what_was_asked_for():
    total = {"w": np.full(40_000, 3.0)}
    mean = aggregation.noisy_mean(
        total, deviation=2.0, denominator=4.0, generator=np.random.default_rng(2)
    )["w"]
    assert mean.mean() == pytest.approx(0.75, abs=4 * 0.5 / 200)
    assert mean.std() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("start", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.8])
def test_the_clipping_norm_settles_at_the_quantile(start, quantile):
    """From below and from above; Flower's own runs away from it in both directions."""
    rng = np.random.default_rng(3)
    adaptive = AdaptiveClipping(quantile=quantile, rate=0.2)
    _, deviation = adaptive.split(1.0, expected_cohort=100)
    norm, seen = start, []
    for _ in range(150):
        norms = rng.uniform(0.5, 1.5, size=rng.poisson(100))
        centred = float(np.sum((norms <= norm) - 0.5))
        norm = adaptive.moved(norm, centred, deviation=deviation, denominator=100, generator=rng)
        seen.append(norm)
    assert np.mean(seen[-75:]) == pytest.approx(0.5 + quantile, abs=0.05)


def test_update_and_bits_cost_together_what_is_accounted():
    for noise_multiplier, cohort in ((0.5, 10), (1.0, 100), (8.0, 3)):
        update, bits = AdaptiveClipping().split(noise_multiplier, cohort)
        # Two Gaussian releases: the squares of sensitivity over deviation add up. A bit is +-1/2.
        assert update**-2 + (0.5 / bits) ** 2 == pytest.approx(noise_multiplier**-2)
        assert update > noise_multiplier


def test_bits_cannot_cost_more_than_everything():
    with pytest.raises(ConfigurationError, match="bit_noise"):
        AdaptiveClipping(bit_noise=0.5).split(1.0, 100)
    assert AdaptiveClipping().split(0.0, 100) == (0.0, 0.0)


@pytest.mark.parametrize("options", [{"quantile": 0.0}, {"quantile": 1.0}, {"rate": 0.0}])
def test_options_are_checked(options):
    with pytest.raises(ConfigurationError):
        AdaptiveClipping(**options)
