"""Attacks on model updates: what must be found is found, and noise hides it."""

import numpy as np
import pytest

from voxguard.attacks.update_inversion import invert_first_layer
from voxguard.attacks.updates import flatten_update, infer_from_updates, link_updates
from voxguard.errors import ConfigurationError

CLIENTS = [f"client {k}" for k in range(60)]
SEXES = ["FM"[k % 2] for k in range(60)]
GROUPS = dict(zip(CLIENTS, SEXES, strict=True))


def own(rng, length=40):
    """What each client's updates have of their own."""
    return rng.normal(size=(len(CLIENTS), length))


def test_an_update_is_flat_without_its_integers():
    update = {"a": np.array([[1.0, 2.0]], np.float32), "n": np.array([3]), "b": np.array(4.0)}
    assert flatten_update(update).tolist() == [1.0, 2.0, 4.0]
    assert flatten_update(list(update.values())).dtype == np.float64


@pytest.mark.parametrize("bad", [{}, {"n": np.arange(3)}, {"a": np.array([1.0, np.nan])}])
def test_an_update_of_nothing_is_refused(bad):
    with pytest.raises(ConfigurationError):
        flatten_update(bad)


def test_an_attribute_is_found_by_a_projection_too():
    rng = np.random.default_rng(0)
    axis = rng.normal(size=3000)
    updates = own(rng, 3000) + np.outer([2.0 if s == "F" else -2.0 for s in SEXES], axis)
    result = infer_from_updates(updates, SEXES, CLIENTS, dimensions=64, attribute="sex")
    assert result.attribute == "sex"
    assert result.balanced_accuracy.value > 0.95
    assert result.balanced_accuracy.low > result.blind


def test_what_is_not_there_is_not_found():
    """The interval holds chance: clients are not attacked by what knows them."""
    rng = np.random.default_rng(1)
    twice = np.repeat(own(rng), 2, axis=0) + 0.01 * rng.normal(size=(120, 40))
    names, sexes = (list(np.repeat(values, 2)) for values in (CLIENTS, SEXES))
    result = infer_from_updates(twice, sexes, names).balanced_accuracy
    assert result.low < 0.5 < result.high
    assert result.groups == len(CLIENTS)


def test_shadows_teach_what_noise_hides_from_the_attacker_himself():
    rng = np.random.default_rng(2)
    axis = np.eye(40)[0]
    clean = 0.3 * own(rng) + np.outer([1.0 if s == "F" else -1.0 for s in SEXES], axis)
    noisy = clean + 0.8 * own(rng)
    learnt = infer_from_updates(noisy, SEXES, CLIENTS, shadow=clean)
    assert learnt.knowledge == "ignorant"
    assert learnt.balanced_accuracy.value > 0.75


def test_the_scale_of_updates_does_not_matter():
    rng = np.random.default_rng(3)
    updates = own(rng) + np.outer([1.0 if s == "F" else -1.0 for s in SEXES], np.ones(40))
    values = {
        infer_from_updates(scale * updates, SEXES, CLIENTS).balanced_accuracy.value
        for scale in (1e-6, 1.0, 1e6)
    }
    assert values == {1.0}


def test_links_are_found_though_all_share_a_direction():
    rng = np.random.default_rng(4)
    mine, common = own(rng), 50.0 * rng.normal(size=40)
    rounds = [mine + common + 0.5 * own(rng), mine - common + 0.5 * own(rng)]
    link = link_updates(*rounds, CLIENTS, CLIENTS)
    assert link.eer.value < 0.02
    assert link.first_choice > 0.95
    assert link.chance == pytest.approx(1 / 60)
    assert link.clients == 60


def test_noise_unlinks():
    rng = np.random.default_rng(5)
    mine = own(rng)
    link = link_updates(mine + 30 * own(rng), mine + 30 * own(rng), CLIENTS, CLIENTS)
    assert link.eer.low < 0.5 < link.eer.high + 0.05
    assert link.first_choice < 0.15


def test_groups_take_out_what_the_group_has_in_common():
    rng = np.random.default_rng(6)
    shared = np.outer([3.0 if s == "F" else -3.0 for s in SEXES], np.ones(40))
    sides = [shared + own(rng), shared + own(rng)]  # nothing else links them
    assert link_updates(*sides, CLIENTS, CLIENTS).eer.value < 0.4
    within = link_updates(*sides, CLIENTS, CLIENTS, groups=GROUPS)
    assert 0.4 < within.eer.value < 0.6
    assert within.chance == pytest.approx(1 / 30)


def test_training_helps_where_the_nuisance_has_directions():
    rng = np.random.default_rng(7)
    nuisance = rng.normal(size=(3, 40))
    mine = own(rng)
    sides = [mine + 1.5 * rng.normal(size=(60, 3)) @ nuisance + 0.3 * own(rng) for _ in range(2)]
    plain = link_updates(*sides, CLIENTS, CLIENTS)
    trained = link_updates(*sides, CLIENTS, CLIENTS, trained=True)
    assert trained.eer.value < plain.eer.value - 0.1
    assert trained.chance > plain.chance  # a half is compared with its half only


def test_training_knows_nothing_of_whom_it_attacks():
    """Vectors that hold nothing: if a half taught about itself, the error would fall below 0.5."""
    rng = np.random.default_rng(8)
    link = link_updates(own(rng), own(rng), CLIENTS, CLIENTS, trained=True)
    assert link.eer.low < 0.5 < link.eer.high


def test_a_client_on_one_side_only_counts_as_a_stranger():
    rng = np.random.default_rng(9)
    mine = own(rng)
    link = link_updates(mine, mine[:40], CLIENTS, CLIENTS[:40], trained=True)
    assert link.clients == 40
    assert link.eer.value == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"second": np.ones((60, 39))}, "updates of one length"),
        ({"first_clients": CLIENTS[:-1]}, "a client for each"),
        ({"second_clients": [f"other {k}" for k in range(60)]}, "2 clients with an update on both"),
        ({"groups": {"client 0": "F"}}, "lacks the client 'client 1'"),
        ({"groups": {c: c for c in CLIENTS}}, "another of its group"),
        ({"first": np.full((60, 40), np.nan)}, "first updates are finite"),
        ({"first": np.ones(60)}, r"got \(60,\)"),
    ],
)
def test_what_cannot_be_linked_is_refused(change, message):
    rng = np.random.default_rng(0)
    given = {
        "first": own(rng),
        "second": own(rng),
        "first_clients": CLIENTS,
        "second_clients": CLIENTS,
    }
    with pytest.raises(ConfigurationError, match=message):
        link_updates(**given | change)


def test_inference_refuses_what_does_not_fit():
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigurationError, match="shadow updates are those of the same clients"):
        infer_from_updates(own(rng), SEXES, CLIENTS, shadow=own(rng, 39))
    with pytest.raises(ConfigurationError, match="dimensions= takes 1 or more"):
        infer_from_updates(own(rng), SEXES, CLIENTS, dimensions=0)


def test_inversion_finds_the_input_of_a_trained_layer():
    """Of several steps of gradient descent on one example, through a softmax."""
    rng = np.random.default_rng(0)
    heard = rng.normal(size=7)
    weight, bias = 0.1 * rng.normal(size=(3, 7)), np.zeros(3)
    new_weight, new_bias = weight.copy(), bias.copy()
    for _ in range(5):
        grown = np.exp(new_weight @ heard + new_bias)
        error = grown / grown.sum() - np.eye(3)[1]
        new_weight -= 0.1 * np.outer(error, heard)
        new_bias -= 0.1 * error
    found = invert_first_layer(new_weight - weight, new_bias - bias)
    np.testing.assert_allclose(found, heard, atol=1e-9)
    clipped = invert_first_layer(0.01 * (new_weight - weight), 0.01 * (new_bias - bias))
    np.testing.assert_allclose(clipped, heard, atol=1e-9)


def test_inversion_of_no_update_is_nothing():
    assert invert_first_layer(np.zeros((2, 3)), np.zeros(2)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (np.ones((2, 3)), np.ones(3), "takes weights"),
        (np.ones(3), np.ones(3), "takes weights"),
        (np.full((2, 3), np.inf), np.ones(2), "NaN or infinity"),
    ],
)
def test_what_cannot_be_inverted_is_refused(weight, bias, message):
    with pytest.raises(ConfigurationError, match=message):
        invert_first_layer(weight, bias)
