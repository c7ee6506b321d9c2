"""What is learnt about speakers from their updates: sex, identity, and their average spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recipes.federated_attributes.app.federated_voices import model
from recipes.federated_attributes.app.federated_voices.local import local_round
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.settings import Plan
from voxguard.attacks.update_inversion import invert_first_layer
from voxguard.attacks.updates import flatten_update, infer_from_updates, link_updates
from voxguard.metrics import bootstrap_groups
from voxguard.privacy.federated.aggregation import clip, norm_of, update_between

Floats = npt.NDArray[np.float64]
VIEWS = ("one update", "all updates")


def attack(
    clients: Speakers,
    models: Sequence[model.Arrays],
    cohorts: Sequence[Sequence[int]],
    plan: Plan,
    *,
    truth: Speakers,
    noise_multiplier: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Attack the updates of a training.

    Without noise the attacker sees single updates, as a server does. With it he sees the released
    models and knows all other updates of the round, so that what is left of a release is one
    clipped update and the noise: the attacker against whom epsilon holds. He links it to speech
    that he has of a person, by computing what the update would be. Each attack is made on one
    update of every speaker, and on the sum of all that each of them took part in.

    Args:
        clients: What the updates are computed on.
        models: Of the training, before each round.
        cohorts: Of the training.
        plan: Of the training.
        truth: The same speakers not anonymized, whose average features inversion is to find.
        noise_multiplier: None: single updates as they are, not clipped.
        resamples: Of the intervals.
        seed: Of the noise, the folds and the intervals.
    """
    given = {"resamples": resamples, "seed": seed}
    sexes = dict(zip(clients.names, clients.sexes, strict=True))
    rng = np.random.default_rng((seed, 7))
    everyone = [range(len(clients.names))]
    found: dict[str, Any] = {}
    for view in VIEWS:
        who = cohorts if view == "all updates" else everyone
        times = min(len(who), len(models) - 1)
        own = None if noise_multiplier is None else 0.0  # what he computes has no noise
        # of the link, one side is earlier than the other if it can be, and on other speech
        later = 0 if times > 1 or own is not None else min(1, len(models) - 2)
        first, second, whole = (
            _seen(clients, models[start : start + times], who, plan, part, noise, rng)
            for part, start, noise in (
                (0, 0, own),
                (1, later, noise_multiplier),
                (None, 0, noise_multiplier),
            )
        )
        taken = [k for k in range(len(clients.names)) if all(k in side for side in (first, second))]
        names = [clients.names[k] for k in taken]
        sides = [np.array([side[k][0] for k in taken]) for side in (first, second)]
        sex = infer_from_updates(
            [whole[k][0] for k in taken], [sexes[n] for n in names], names, attribute="sex", **given
        )
        links = {
            name: link_updates(*sides, names, names, groups=groups, trained=trained, **given)
            for name, groups, trained in (
                ("link", None, False),
                ("link_same_sex", sexes, False),
                ("link_trained", None, True),
            )
        }
        found[view] = {
            "sex": sex.balanced_accuracy.figure(),
            **{name: link.eer.figure() for name, link in links.items()},
            "first_choice": links["link"].first_choice,
            "first_choice_chance": links["link"].chance,
            "inversion": _inversion({k: whole[k][1] for k in taken}, truth, given),
            "median_norm": float(np.median([norm_of(whole[k][1]) for k in taken])),
        }
    return found


def _seen(
    clients: Speakers,
    models: Sequence[model.Arrays],
    cohorts: Sequence[Sequence[int]],
    plan: Plan,
    part: int | None,
    noise_multiplier: float | None,
    rng: np.random.Generator,
) -> dict[int, tuple[Floats, model.Arrays]]:
    """The sum of what is seen of each speaker's updates: flat, less each round's mean; by name."""
    flat: dict[int, Floats] = {}
    named: dict[int, model.Arrays] = {}
    for before, cohort in zip(models, cohorts, strict=False):
        updates = {
            number: _update(before, clients.of(number, part), plan, noise_multiplier, rng)
            for number in cohort
            if len(clients.of(number, part)[0])
        }
        common = np.mean([flatten_update(update) for update in updates.values()], axis=0)
        for number, update in updates.items():
            flat[number] = flat.get(number, 0.0) + flatten_update(update) - common
            old = named.get(number)
            named[number] = {n: a + old[n] for n, a in update.items()} if old else update
    return {number: (flat[number], named[number]) for number in flat}


def _update(
    before: model.Arrays,
    examples: tuple[Any, Any],
    plan: Plan,
    noise_multiplier: float | None,
    rng: np.random.Generator,
) -> model.Arrays:
    """What is seen of one client in one round."""
    x, y = examples
    nobody = np.zeros(len(x), np.int64)
    alone = Speakers(("",), ("",), x, y, nobody, nobody)
    after = local_round(before, alone, [0], plan.as_run_config(), plan.clipping_norm)
    update = update_between(before, after, list(before))
    if noise_multiplier is None:
        return update
    deviation = noise_multiplier * plan.clipping_norm
    return {
        name: array + deviation * rng.standard_normal(array.shape)
        for name, array in clip(update, plan.clipping_norm)[0].items()
    }


def _inversion(
    updates: dict[int, model.Arrays], truth: Speakers, given: dict[str, int]
) -> dict[str, Any]:
    """Correlation of what inversion finds with the speaker's average features.

    What all speakers have in common is taken off both: it is known without an attack.
    """
    found = np.array(
        [invert_first_layer(u["input.weight"], u["input.bias"]) for u in updates.values()]
    )
    heard = np.array([truth.of(k)[0].mean(axis=0, dtype=np.float64) for k in updates])
    # One whose bias hardly moved gives a quotient of any size; the middle is what all share.
    found, heard = found - np.median(found, axis=0), heard - np.median(heard, axis=0)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(heard, axis=1)
    likeness = np.sum(found * heard, axis=1) / np.maximum(lengths, 1e-12)
    names = [truth.names[k] for k in updates]
    return bootstrap_groups(np.mean, likeness, names, **given).figure()
