"""The DP sweep in the small: accounted as asked, audited, and the planted bug is caught."""

import json
import math

import pytest

from recipes.common import filled
from recipes.federated_attributes import settings as shared
from recipes.federated_attributes.settings import Plan
from recipes.federated_dp import tables
from recipes.federated_dp.__main__ import main
from recipes.federated_dp.audit import audit
from recipes.federated_dp.settings import CONFIGS, Settings
from recipes.federated_dp.steps import noise_for
from voxguard.privacy import Mechanism, default_delta, epsilon


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The results of a smoke run."""
    work = tmp_path_factory.mktemp("work")
    main(["synthetic", "--config", "smoke.yaml", "--work", str(work), "--results", str(work)])
    (work / "smoke.json").rename(work / "full.json")
    return work


def test_the_smoke_run_is_accounted_as_asked(done):
    runs = json.loads((done / "full.json").read_text())["runs"]
    private, plain = runs["sex-epsilon1-0"], runs["sex-epsiloninf-0"]
    account = private["account"]
    assert 0.95 < account["epsilon_pld"] <= 1.0 + 1e-6 < account["epsilon_rdp"]
    assert account["unit"] == "speaker"
    assert account["population"] == 14
    assert account["steps"] == 4
    assert plain["account"]["epsilon_pld"] == "inf"
    assert plain["noise_multiplier"] == 0.0 < private["noise_multiplier"]
    assert plain["leakage"]["one update"]["sex"]["value"] > 0.9
    assert private["leakage_server"]["one update"]["sex"]["value"] > 0.9  # DP is not against it
    assert private["leakage"]["one update"]["inversion"]["value"] < 0.6


def test_the_results_make_the_tables(done):
    made = tables.made(done)
    assert "| sex | ∞ | ∞ | 0.00 |" in made["results"]
    assert "so it is caught" in made["results"]
    assert made["flower"] == tables.NONE


def test_the_readme_shows_the_committed_results():
    page = (tables.HERE / "README.md").read_text()
    assert filled(page, tables.made(tables.RESULTS)) == page


@pytest.mark.parametrize("name", ["full.yaml", "smoke.yaml"])
def test_the_dp_configurations_can_be_read(name):
    config = shared.read(name, CONFIGS, Settings)
    assert math.inf in config.settings.epsilons
    if name == "full.yaml":
        assert len(config.settings.seeds) >= 3
        assert config.plan == Plan()


def test_the_noise_is_what_the_accountant_says():
    plan = Plan()
    noise = noise_for(2.0, plan, 200)
    spent = epsilon(Mechanism(noise, plan.cohort, plan.rounds), default_delta(200))
    assert spent == pytest.approx(2.0, abs=0.02)
    assert noise_for(math.inf, plan, 200) == 0.0


@pytest.mark.parametrize(
    ("actual", "low", "high"),
    [(1.0, 0.0, 1.0), (0.25, 1.0, math.inf), (0.0, 2.0, math.inf)],
    ids=["correct", "noise 4x too small", "no noise"],
)
def test_the_audit_tells_a_correct_server_from_a_broken_one(actual, low, high):
    plan = Plan(rounds=8)
    noise = noise_for(1.0, plan, 200)
    found = audit(
        plan,
        noise_multiplier=noise,
        delta=default_delta(200),
        canaries=1500,
        actual_noise=actual,
    )
    assert low <= found["lower"] <= high
