"""Rounds on numpy arrays, with the real ledger: sensitivity, dropouts, account, restart."""

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs voxguard[dp]")

from voxguard.errors import ConfigurationError
from voxguard.privacy.accounting import Mechanism, epsilon
from voxguard.privacy.federated.adaptive import AdaptiveClipping
from voxguard.privacy.federated.server import PrivateServer, Reply
from voxguard.privacy.ledger import BudgetExceededError, Ledger

PLAIN = {"noise_multiplier": 0.0, "sampling_rate": 0.5, "population": 20, "clipping_norm": 1.0}
PRIVATE = {**PLAIN, "noise_multiplier": 2.0}


def opened(arrays=None, **options):
    server = PrivateServer(**options)
    server.open({"w": np.zeros(3), "seen": np.array(7)} if arrays is None else arrays)
    return server


def reply(server, update):
    return Reply({"w": server.arrays["w"] + np.asarray(update), "seen": np.array(99)})


def one_round(updates, **options):
    """The model after a round in which every node is drawn and these reply."""
    server = opened(**{**PLAIN, "sampling_rate": 1.0, **options})
    server.begin_round(range(20))
    server.finish_round({node: reply(server, update) for node, update in updates.items()})
    return server


def test_one_client_moves_the_sum_by_no_more_than_the_clipping_norm_whoever_replies():
    rng = np.random.default_rng(0)
    updates = {node: 10.0 ** rng.uniform(-3, 3) * rng.standard_normal(3) for node in range(20)}
    for repliers in (range(20), range(10), range(1), range(0)):  # 0, 10, 19, 20 dropouts
        present = {node: updates[node] for node in repliers}
        for one in present:
            rest = {node: update for node, update in present.items() if node != one}
            moved = one_round(present).arrays["w"] - one_round(rest).arrays["w"]
            assert np.linalg.norm(moved) * 20 <= 1.0 + 1e-9


def test_a_long_update_weighs_as_much_as_a_short_one():
    server = one_round({1: [100.0, 0, 0], 2: [0, 1.0, 0]})
    np.testing.assert_allclose(server.arrays["w"], [0.05, 0.05, 0])


def test_a_client_that_fails_is_lost_alone():
    server = opened(**{**PLAIN, "sampling_rate": 1.0})
    current = server.begin_round([1, 2, 3])
    stranger = reply(server, [0, 0, 1.0])
    server.finish_round(
        {
            1: reply(server, [1.0, 0, 0]),
            2: Reply({"w": np.array([np.nan, 0, 0])}),
            3: Reply({"v": np.zeros(3)}),
            4: stranger,
        }
    )
    np.testing.assert_allclose(server.arrays["w"], [1 / 20, 0, 0])
    assert current.replied == 1
    assert set(current.lost) == {2, 3, 4}


def test_clients_who_changed_nothing_do_not_break_the_round():
    server = one_round({node: np.zeros(3) for node in range(20)})
    np.testing.assert_array_equal(server.arrays["w"], np.zeros(3))


def test_an_empty_cohort_makes_a_round_of_noise():
    server = opened(**PRIVATE)
    server.begin_round([])
    server.finish_round({})
    assert server.rounds == server.ledger.steps == 1
    assert np.all(server.arrays["w"] != 0)


def test_integer_buffers_and_frozen_arrays_stay_as_they_are():
    arrays = {"w": np.zeros(2), "mean": np.ones(2), "seen": np.array(7)}
    server = opened(arrays, **{**PRIVATE, "sampling_rate": 1.0}, frozen=["mean"])
    server.begin_round([1])
    back = {"w": np.array([0.6, 0]), "mean": np.full(2, 1e9), "seen": np.array(99)}
    current = server._under_way
    server.finish_round({1: Reply(back)})
    assert server.arrays["seen"] == 7
    np.testing.assert_array_equal(server.arrays["mean"], 1.0)
    assert current.unclipped == 1.0  # the buffer is not in the norm


def test_noise_does_not_depend_on_how_many_reply():
    """Standard deviation of the model after one round, over many servers."""
    for repliers in (0, 20):
        ends = []
        for seed in range(300):
            server = opened(**{**PRIVATE, "sampling_rate": 1.0}, seed=seed)
            server.begin_round(range(20))
            server.finish_round({node: reply(server, [0, 0, 0]) for node in range(repliers)})
            ends.append(server.arrays["w"])
        assert np.std(ends) == pytest.approx(2.0 / 20, rel=0.1)


def test_the_cohort_is_poisson():
    server = opened(**{**PLAIN, "sampling_rate": 0.3})
    sizes, taken = [], np.zeros(20)
    for _ in range(600):
        cohort = server.begin_round(range(20)).cohort
        server.finish_round({})
        sizes.append(len(cohort))
        taken[list(cohort)] += 1
    assert np.mean(sizes) == pytest.approx(6, abs=0.4)
    assert np.var(sizes) == pytest.approx(20 * 0.3 * 0.7, rel=0.3)  # a fixed size would have none
    assert np.all(np.abs(taken / 600 - 0.3) < 0.09)


def test_without_a_seed_no_two_servers_draw_the_same():
    ends = [tuple(noise_round()) for _ in range(5)]
    assert len(set(ends)) == 5


def noise_round(**options):
    server = opened(**PRIVATE, **options)
    server.begin_round(range(20))
    return server.finish_round({})["w"]


def test_a_seed_makes_it_repeatable():
    np.testing.assert_array_equal(noise_round(seed=5), noise_round(seed=5))


def test_what_is_charged():
    for options, mechanism in (
        ({}, Mechanism(2.0, 0.5, 3)),
        ({"amplification": False}, Mechanism(2.0, 1.0, 3)),
        ({"unit": "speaker"}, Mechanism(2.0, 0.5, 3)),
        ({"unit": "speaker", "one_unit_per_node": False}, Mechanism(1.0, 1.0, 3)),
        ({"adaptive": AdaptiveClipping()}, Mechanism(2.0, 0.5, 3)),
    ):
        server = opened(**PRIVATE, **options)
        for _ in range(3):
            server.begin_round(range(20))
            server.finish_round({})
        assert server.ledger.mechanisms == [mechanism]
        assert server.ledger.epsilon() == pytest.approx(
            epsilon(mechanism, delta=server.ledger.delta)
        )


def test_the_budget_stops_it_and_is_not_passed():
    ledger = Ledger(None, unit="client", population=20, max_epsilon=0.1)
    server = opened(**{**PRIVATE, "noise_multiplier": 60.0}, ledger=ledger, amplification=False)
    affordable = ledger.affordable(60.0, 1.0, 1000)
    for _ in range(affordable):
        server.begin_round(range(20))
        server.finish_round({})
    with pytest.raises(BudgetExceededError):
        server.begin_round(range(20))
    assert 0 < server.rounds == ledger.steps == affordable < 1000
    assert ledger.epsilon() <= 0.1


def test_adaptive_clipping_follows_the_updates_of_clients():
    rng = np.random.default_rng(1)
    options = {**PLAIN, "noise_multiplier": 0.1, "sampling_rate": 0.9, "population": 100}
    server = opened(**{**options, "clipping_norm": 0.1}, adaptive=AdaptiveClipping(), seed=1)
    for _ in range(80):
        cohort = server.begin_round(range(100)).cohort
        server.finish_round({node: reply(server, [rng.uniform(0.5, 1.5), 0, 0]) for node in cohort})
    assert server.clipping_norm == pytest.approx(1.0, abs=0.15)


def test_the_bit_that_a_client_reports_is_believed_where_only_it_can_know():
    for said, grows in ((False, True), (True, False)):
        server = opened(**{**PLAIN, "sampling_rate": 1.0}, adaptive=AdaptiveClipping())
        server.begin_round(range(20))
        clipped = {"w": np.array([1.0, 0, 0]), "seen": np.array(7)}
        server.finish_round({node: Reply(clipped, said) for node in range(20)})
        assert (server.clipping_norm > 1.0) == grows


def test_momentum_and_learning_rate():
    server = opened(
        **{**PLAIN, "sampling_rate": 1.0}, server_learning_rate=2.0, server_momentum=0.5
    )
    for expected in (0.1, 0.1 + 0.15):
        server.begin_round([1])
        server.finish_round({1: reply(server, [1.0, 0, 0])})
        assert server.arrays["w"][0] == pytest.approx(expected)


class TestRestart:
    def server(self, folder, **options):
        ledger = Ledger(folder / "ledger.json", unit="client", population=20)
        return ledger, PrivateServer(
            **{**PRIVATE, "server_momentum": 0.9, "adaptive": AdaptiveClipping(), **options},
            ledger=ledger,
            state=folder / "model.npz",
        )

    def rounds(self, folder, count, crash=False, **options):
        """Rounds of one process; with a crash, it dies between charge and end of the next."""
        ledger, server = self.server(folder, **options)
        with ledger:
            server.open({"w": np.zeros(3), "seen": np.array(7)})
            for _ in range(count):
                server.begin_round(range(20))
                server.finish_round({})
            if crash:
                server.begin_round(range(20))
        return server

    def test_it_goes_on_as_if_nothing_had_been(self, tmp_path):
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        whole = self.rounds(tmp_path / "a", 4, seed=3)
        self.rounds(tmp_path / "b", 2, seed=3, crash=True)
        resumed = self.rounds(tmp_path / "b", 2, seed=3)
        assert resumed.rounds == resumed.ledger.steps == 4
        np.testing.assert_array_equal(resumed.arrays["w"], whole.arrays["w"])
        assert resumed.clipping_norm == whole.clipping_norm
        assert resumed.ledger.mechanisms == whole.ledger.mechanisms

    def test_a_model_that_is_gone_is_not_trained_again_for_free(self, tmp_path):
        self.rounds(tmp_path, 1)
        (tmp_path / "model.npz").unlink()
        with pytest.raises(ConfigurationError, match="released twice"):
            self.rounds(tmp_path, 1)

    def test_a_crash_in_the_first_round_leaves_a_state_to_go_on_from(self, tmp_path):
        self.rounds(tmp_path, 0, crash=True)
        assert self.rounds(tmp_path, 1).ledger.steps == 1

    def test_a_copy_of_the_model_from_earlier_is_refused(self, tmp_path):
        self.rounds(tmp_path, 1)
        old = (tmp_path / "model.npz").read_bytes()
        self.rounds(tmp_path, 2)
        (tmp_path / "model.npz").write_bytes(old)
        with pytest.raises(ConfigurationError, match="copy from earlier"):
            self.rounds(tmp_path, 1)

    def test_a_ledger_that_is_gone_is_noticed(self, tmp_path):
        self.rounds(tmp_path, 2)
        (tmp_path / "ledger.json").unlink()
        with pytest.raises(ConfigurationError, match="not of the same training"):
            self.rounds(tmp_path, 1)

    def test_another_training_of_as_many_rounds_is_refused(self, tmp_path):
        (tmp_path / "other").mkdir()
        self.rounds(tmp_path, 1)
        self.rounds(tmp_path / "other", 1, crash=True)
        (tmp_path / "other" / "ledger.json").replace(tmp_path / "ledger.json")
        with pytest.raises(ConfigurationError, match="another run"):
            self.rounds(tmp_path, 1)

    def test_another_model_is_refused(self, tmp_path):
        self.rounds(tmp_path, 1)
        ledger, server = self.server(tmp_path)
        with ledger, pytest.raises(ConfigurationError, match="is of a model"):
            server.open({"w": np.zeros(4), "seen": np.array(7)})

    def test_a_damaged_state_is_named(self, tmp_path):
        self.rounds(tmp_path, 1)
        whole = (tmp_path / "model.npz").read_bytes()
        (tmp_path / "model.npz").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ConfigurationError, match=r"model\.npz"):
            self.rounds(tmp_path, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise_multiplier": -1.0},
        {"sampling_rate": 0.0},
        {"sampling_rate": 1.5},
        {"population": 0},
        {"clipping_norm": 0.0},
        {"clipping_norm": float("nan")},
        {"server_momentum": 1.0},
        {"server_learning_rate": 0.0},
        {"unit": "utterance"},
        {"one_unit_per_node": False},
        {"population": 21, "ledger": Ledger(None, unit="client", population=20)},
        {"unit": "speaker", "ledger": Ledger(None, unit="client", population=20)},
    ],
)
def test_options_are_checked(wrong):
    with pytest.raises(ConfigurationError):
        PrivateServer(**{**PRIVATE, **wrong})


def test_the_order_of_calls_is_checked():
    server = PrivateServer(**PRIVATE)
    with pytest.raises(ConfigurationError, match="open"):
        server.begin_round([1])
    server.open({"w": np.zeros(3)})
    with pytest.raises(ConfigurationError, match="begin_round"):
        server.finish_round({})
