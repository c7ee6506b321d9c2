"""Strategies with a real client app, its mods and the real SecAgg+ protocol, in one process."""

import io

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs voxguard[dp]")
pytest.importorskip("flwr", reason="needs voxguard[fl]")

from flwr import app as flwr
from tiny_federation import INITIAL, LocalGrid, update_of

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated import AdaptiveClipping, SpeakerDPFedAvg, SpeakerDPSecAgg
from voxguard.privacy.ledger import Ledger

EXACT = {
    "noise_multiplier": 0.0,
    "sampling_rate": 1.0,
    "population": 4,
    "clipping_norm": 1.0,
    "seed": 2,
}
NOISY = {**EXACT, "noise_multiplier": 2.0}
BOTH = pytest.mark.parametrize("kind", [SpeakerDPFedAvg, SpeakerDPSecAgg])


def record(arrays=INITIAL):
    return flwr.ArrayRecord({name: flwr.Array(array) for name, array in arrays.items()})


def train(strategy, rounds=1, nodes=4, grid=None, **config):
    return strategy.start(
        grid=grid or LocalGrid(nodes),
        initial_arrays=record(),
        num_rounds=rounds,
        train_config=flwr.ConfigRecord(config),
        wait_s=0.0,
    )


def flat(result):
    arrays = {name: array.numpy() for name, array in result.arrays.items()}
    return np.array([*arrays["w"][0], arrays["b"]])


def by_hand(nodes):
    """The sum of clipped updates over the denominator of 4."""
    total = np.zeros(4)
    for node in nodes:
        total += update_of(node) / max(1.0, np.linalg.norm(update_of(node)))
    return total / 4


@BOTH
def test_one_round_is_what_it_is_by_hand(kind):
    result = train(kind(**EXACT))
    np.testing.assert_allclose(flat(result), by_hand(range(4)), atol=1e-6)
    assert result.arrays["w"].numpy().dtype == np.float32
    assert result.arrays["b"].numpy().shape == ()
    assert result.arrays["seen"].numpy() == 7  # the clients counted on


@BOTH
def test_a_client_that_fails_is_lost_and_not_the_round(kind):
    strategy = kind(**EXACT)
    np.testing.assert_allclose(flat(train(strategy, fails=2)), by_hand([0, 1, 3]), atol=1e-6)
    assert strategy.history[0].replied == 3


@BOTH
def test_all_fail(kind):
    class Broken(LocalGrid):
        def send_and_receive(self, messages, *, timeout=None):
            return [flwr.Message(flwr.Error(2, "no"), reply_to=message) for message in messages]

    strategy = kind(**NOISY)
    assert np.all(flat(train(strategy, grid=Broken(4))) != 0)  # of noise alone
    assert strategy.ledger.steps == 1


@BOTH
def test_frozen_arrays_are_sent_and_stay(kind):
    strategy = kind(**NOISY, frozen=["b"])
    result = train(strategy, rounds=2)
    assert result.arrays["b"].numpy() == 0.0
    assert np.all(result.arrays["w"].numpy() != 0.0)


@pytest.mark.parametrize("rate", [1.0, 0.2])
def test_secure_aggregation_gives_what_plain_aggregation_gives(rate):
    options = {**EXACT, "sampling_rate": rate, "adaptive": AdaptiveClipping()}
    plain, masked = SpeakerDPFedAvg(**options), SpeakerDPSecAgg(**options)
    np.testing.assert_allclose(flat(train(plain, 4)), flat(train(masked, 4)), atol=1e-5)
    assert plain.clipping_norm == pytest.approx(masked.clipping_norm, rel=1e-5)
    sizes = [len(done.cohort) for done in plain.history]
    assert sizes == [len(done.cohort) for done in masked.history]
    assert sizes == [done.replied for done in masked.history]
    if rate < 1:  # rounds that could hide nobody without bystanders
        assert {0, 1, 2} <= set(sizes)


def test_under_secure_aggregation_no_reply_holds_an_update():
    grids = {kind: LocalGrid(4) for kind in (SpeakerDPFedAvg, SpeakerDPSecAgg)}
    for kind, grid in grids.items():
        train(kind(**EXACT), grid=grid)
    (one,) = [m for m in grids[SpeakerDPFedAvg].sent if m.metadata.src_node_id == 1003]
    np.testing.assert_allclose(one.content["arrays"]["w"].numpy()[0], update_of(3)[:3], atol=1e-6)
    masked = []
    for reply in grids[SpeakerDPSecAgg].sent:
        assert not any(len(record) for record in reply.content.array_records.values())
        found = reply.content.config_records["secaggplus_configs"].get("masked_params", [])
        masked += [np.load(io.BytesIO(part)) for part in found]
    vectors = np.stack([vector for vector in masked if vector.size == 5])
    assert len(vectors) == 4
    levels = (vectors / 2**32 * 10).astype(int)  # an update lies within 2^22: all in the first
    assert len(np.unique(levels)) > 5


@BOTH
def test_what_clients_say_about_themselves_is_not_gathered(kind):
    grid = LocalGrid(4)
    result = train(kind(**EXACT), grid=grid)
    assert set(result.train_metrics_clientapp[1]) == {"epsilon", "clipping-norm"}
    told = {
        name
        for reply in grid.sent
        for metrics in reply.content.metric_records.values()
        for name in metrics
    }
    assert told <= {"voxguard-unclipped", "num_examples"}
    for reply in grid.sent:  # the legacy form has a place for it: one, for everyone
        for metrics in reply.content.metric_records.values():
            assert metrics.get("num_examples", 1) == 1


def test_a_cohort_of_two_is_not_masked_for_want_of_a_third():
    with pytest.raises(ConfigurationError, match="3 are needed"):
        train(SpeakerDPSecAgg(**EXACT), nodes=2)


def test_the_budget_ends_training_with_the_model_there_is():
    options = {**NOISY, "noise_multiplier": 60.0, "population": 1000}
    with Ledger(None, unit="client", population=1000, max_epsilon=0.1) as ledger:
        strategy = SpeakerDPFedAvg(**options, ledger=ledger)
        result = train(strategy, rounds=100)
        done = ledger.steps
        assert 0 < done == strategy.rounds < 100
        assert result.train_metrics_clientapp[done]["epsilon"] == ledger.epsilon() <= 0.1
        np.testing.assert_array_equal(
            flat(result), [*strategy.arrays["w"][0], strategy.arrays["b"]]
        )


@BOTH
def test_a_restarted_server_goes_on_at_its_round(kind, tmp_path):
    def run(folder, rounds):
        folder.mkdir(exist_ok=True)
        with Ledger(folder / "ledger.json", unit="client", population=4) as ledger:
            strategy = kind(**NOISY, ledger=ledger, state=folder / "model.npz")
            return strategy, train(strategy, rounds)

    _, whole = run(tmp_path / "whole", 4)
    run(tmp_path / "parts", 1)
    strategy, result = run(tmp_path / "parts", 4)
    assert [done.number for done in strategy.history] == [2, 3, 4]
    assert strategy.ledger.steps == 4
    np.testing.assert_allclose(flat(result), flat(whole), atol=1e-5)  # masking rounds at random
    again, result = run(tmp_path / "parts", 4)
    assert not again.history
    np.testing.assert_allclose(flat(result), flat(whole), atol=1e-5)


def test_evaluation_is_the_servers():
    seen = []

    def evaluate(number, arrays):
        seen.append((number, float(arrays["b"].numpy())))
        return flwr.MetricRecord({"b": seen[-1][1]})

    result = SpeakerDPFedAvg(**EXACT).start(
        grid=LocalGrid(4), initial_arrays=record(), num_rounds=2, evaluate_fn=evaluate
    )
    assert [number for number, _ in seen] == [0, 1, 2]
    assert result.evaluate_metrics_serverapp[2]["b"] == seen[-1][1] > seen[1][1] > 0
