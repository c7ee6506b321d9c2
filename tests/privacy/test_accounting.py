"""Epsilon against closed forms, another library, and itself."""

import math
import warnings

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.privacy import (
    Mechanism,
    default_delta,
    epsilon,
    noise_multiplier_for,
    population_for,
)

pytest.importorskip("dp_accounting")

KEYWORDS = Mechanism(noise_multiplier=1.183, sampling_rate=0.1016, steps=300)


def gaussian(noise, steps, delta):
    """Balle and Wang, "Improving the Gaussian mechanism for differential privacy", ICML 2018."""
    mu = math.sqrt(steps) / noise

    def excess(eps):
        other = math.exp(eps + norm.logcdf(-mu / 2 - eps / mu))
        return norm.cdf(mu / 2 - eps / mu) - other - delta

    return brentq(excess, 0, mu**2 + 20 * mu)


@pytest.mark.parametrize(("noise", "steps", "delta"), [(1, 1, 1e-5), (5, 100, 1e-4), (2, 3, 0.01)])
def test_without_sampling_it_is_the_gaussian_mechanism(noise, steps, delta):
    exact = gaussian(noise, steps, delta)
    got = epsilon(Mechanism(noise, 1.0, steps), delta)
    assert exact - 1e-9 <= got <= exact * 1.002
    assert got < epsilon(Mechanism(noise, 1.0, steps), delta, accountant="rdp") < 1.4 * exact


def test_the_accountants_of_opacus_agree():
    accountants = pytest.importorskip("opacus.accountants")
    theirs = {}
    for kind in ("rdp", "prv", "gdp"):
        with warnings.catch_warnings():  # of GDP they warn themselves
            warnings.simplefilter("ignore")
            accountant = accountants.create_accountant(kind)
        accountant.history = [(1.183, 0.1016, 300)]
        theirs[kind] = accountant.get_epsilon(delta=1e-4)
    ours = epsilon(KEYWORDS, 1e-4)
    assert ours == pytest.approx(8.14, abs=0.005)
    assert theirs["prv"] == pytest.approx(ours, abs=0.02)
    assert epsilon(KEYWORDS, 1e-4, accountant="rdp") == pytest.approx(theirs["rdp"], abs=0.05)
    assert theirs["gdp"] < ours - 0.3  # why it is refused


def test_gdp_is_refused_with_the_reason():
    with pytest.raises(ConfigurationError, match=r"known: pld, rdp \(.* below the true"):
        epsilon(KEYWORDS, 1e-4, accountant="gdp")


def test_a_monte_carlo_of_the_release_does_not_beat_the_bound():
    # One release of a subsampled Gaussian: the hockey-stick divergence by integration.
    import numpy as np

    q, sigma, delta = 0.3, 0.8, 0.01
    x = np.linspace(-12, 14, 400_001)
    with_unit = (1 - q) * norm.pdf(x, 0, sigma) + q * norm.pdf(x, 1, sigma)
    without = norm.pdf(x, 0, sigma)

    def worst(eps):
        gain = [np.maximum(p - math.exp(eps) * r, 0).sum() * (x[1] - x[0])
                for p, r in ((with_unit, without), (without, with_unit))]  # fmt: skip
        return max(gain) - delta

    exact = brentq(worst, 0.01, 5)
    assert epsilon(Mechanism(sigma, q, 1), delta) == pytest.approx(exact, abs=2e-3)


def test_releases_add_up_in_any_order_and_division():
    a, b = Mechanism(2.0, 0.1, 50), Mechanism(1.0, 0.05, 30)
    whole = epsilon([a, b], 1e-5)
    assert whole == epsilon([b, Mechanism(2.0, 0.1, 20), Mechanism(2.0, 0.1, 30)], 1e-5)
    assert max(epsilon(a, 1e-5), epsilon(b, 1e-5)) < whole < epsilon(a, 1e-5) + epsilon(b, 1e-5)


def test_nothing_costs_nothing_and_no_noise_costs_everything():
    assert epsilon([], 1e-5) == 0.0
    assert epsilon(Mechanism(1.0, 0.5, 0), 1e-5) == 0.0
    assert epsilon(Mechanism(0.0, 0.5, 0), 1e-5) == 0.0
    assert epsilon([KEYWORDS, Mechanism(0.0, 0.1, 1)], 1e-5) == math.inf


@pytest.mark.parametrize("accountant", ["pld", "rdp"])
@pytest.mark.parametrize(
    "mechanism", [Mechanism(0.01, 0.5, 100), Mechanism(1.0, 1.0, 10**6), Mechanism(0.001, 1.0, 10)]
)
def test_hardly_any_noise_needs_no_memory_to_speak_of(mechanism, accountant):
    # A grid of 1e-4 over all these losses would have 1e9 points and more.
    assert 1e5 < epsilon(mechanism, 1e-3, accountant=accountant) < math.inf


def test_much_noise_is_resolved():
    # Ten thousand releases, each far below the grid that epsilons of 1 need: q sqrt(T) / sigma
    # is 1e-3, and so is about epsilon.
    assert epsilon(Mechanism(100.0, 0.001, 10_000), 1e-5) == pytest.approx(0.0019, abs=2e-4)


def test_more_steps_never_cost_less():
    costs = [epsilon(Mechanism(0.7, 0.2, steps), 1e-3) for steps in (1, 2, 5, 20)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


@pytest.mark.parametrize("accountant", ["pld", "rdp"])
@pytest.mark.parametrize("budget", [0.5, 5.0])
def test_the_noise_for_an_epsilon_is_enough_and_hardly_more(budget, accountant):
    found = noise_multiplier_for(budget, 1e-3, sampling_rate=0.05, steps=100, accountant=accountant)
    kept = epsilon(Mechanism(found, 0.05, 100), 1e-3, accountant=accountant)
    assert kept <= budget
    assert epsilon(Mechanism(found * 0.999, 0.05, 100), 1e-3, accountant=accountant) > budget


def test_the_population_for_an_epsilon_is_the_least():
    plan = {"noise_multiplier": 1.5, "cohort": 100, "steps": 1000}
    units = population_for(8.0, **plan)

    def cost(population):
        return epsilon(Mechanism(1.5, 100 / population, 1000), default_delta(population))

    assert cost(units) <= 8.0 < cost(units - 1)
    assert population_for(8.0, **plan, most=units) == units
    assert population_for(8.0, **plan, most=units - 1) is None
    assert population_for(1000.0, **plan) == 100  # the cohort is everybody


def test_figures_of_the_literature():
    # VoxCeleb1 dev, 1,211 speakers, 100 a round, 1000 rounds, epsilon 8.
    found = noise_multiplier_for(8, default_delta(1211), sampling_rate=100 / 1211, steps=1000)
    assert found == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Mechanism(-1.0, 0.1, 1),
        lambda: Mechanism(math.nan, 0.1, 1),
        lambda: Mechanism(math.inf, 0.1, 1),
        lambda: Mechanism(1.0, 0.0, 1),
        lambda: Mechanism(1.0, 1.1, 1),
        lambda: Mechanism(1.0, math.nan, 1),
        lambda: Mechanism(1.0, 0.1, -1),
        lambda: Mechanism(1.0, 0.1, 1.5),
        lambda: epsilon(KEYWORDS, 0.0),
        lambda: epsilon(KEYWORDS, 1.0),
        lambda: epsilon(KEYWORDS, math.nan),
        lambda: noise_multiplier_for(0.0, 1e-3, sampling_rate=0.1, steps=1),
        lambda: noise_multiplier_for(math.inf, 1e-3, sampling_rate=0.1, steps=1),
        lambda: noise_multiplier_for(1.0, 1e-3, sampling_rate=0.1, steps=0),
        lambda: default_delta(1),
        lambda: population_for(0.0, noise_multiplier=1.0, cohort=1, steps=1),
        lambda: population_for(1.0, noise_multiplier=1.0, cohort=0, steps=1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ConfigurationError):
        call()


def test_many_recordings_of_one_person_are_not_hidden_by_hiding_each():
    # The figures in the docstring of ExampleDP; k recordings are in a sample Binomial(k, q) times.
    import dp_accounting
    from dp_accounting.pld import PLDAccountant
    from scipy.stats import binom

    def cost(recordings):
        present = list(range(recordings + 1))
        chances = binom.pmf(present, recordings, 0.05).tolist()
        accountant = PLDAccountant(value_discretization_interval=0.01)
        event = dp_accounting.dp_event.MixtureOfGaussiansDpEvent(1.0, present, chances)
        return accountant.compose(event, 400).get_epsilon(1e-5)

    assert cost(1) == pytest.approx(6.7, abs=0.2)
    assert cost(1) >= epsilon(Mechanism(1.0, 0.05, 400), 1e-5)
    assert cost(20) == pytest.approx(418, rel=0.01)
