"""An empirical lower bound on the epsilon of the federated server, by canary clients."""

from __future__ import annotations

from typing import Any

import numpy as np

from recipes.federated_attributes.settings import Plan
from voxguard.privacy import Mechanism, one_run
from voxguard.privacy.audit_families import Releases
from voxguard.privacy.federated import PrivateServer
from voxguard.privacy.federated.server import Reply


def audit(
    plan: Plan,
    *,
    noise_multiplier: float,
    delta: float,
    canaries: int,
    actual_noise: float = 1.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Let canary clients take part by the toss of a coin, and tell from the models which did.

    Each canary moves one parameter of its own, by ten times the clipping norm: nothing else
    touches it, which is the worst that a client can do for its own privacy. What is audited is the
    server with its sampling, clipping, noise and denominator, not the model of the recipe; epsilon
    does not depend on that.

    Args:
        plan: Of the training that is audited.
        noise_multiplier: As claimed.
        delta: As claimed.
        canaries: How many.
        actual_noise: Share of it that is added in truth: below 1 for a planted bug.
        seed: Of the coins, cohorts and noise.

    Returns:
        The lower bound and what it comes from; what the accountant says is not in it.
    """
    server = PrivateServer(
        noise_multiplier=noise_multiplier * actual_noise,
        sampling_rate=plan.cohort,
        population=canaries,
        clipping_norm=plan.clipping_norm,
        unit="speaker",
        server_momentum=plan.momentum,
        seed=seed,
    )
    server.open({"w": np.zeros(canaries)})
    included = np.random.default_rng((seed, 11)).random(canaries) < 0.5
    there = [int(k) for k in np.flatnonzero(included)]
    released, velocity = np.zeros(canaries), np.zeros(canaries)
    for _ in range(plan.rounds):
        before = server.arrays["w"].copy()
        replies = {}
        for node in server.begin_round(there).cohort:
            moved = before.copy()
            moved[node] += 10.0 * plan.clipping_norm
            replies[node] = Reply({"w": moved})
        step = server.finish_round(replies)["w"] - before
        released += step - plan.momentum * velocity  # the noised mean, with the momentum taken off
        velocity = step
    claim = Mechanism(noise_multiplier, plan.cohort, plan.rounds)
    bound = one_run(released, included, delta, family=Releases((claim,)))
    return {
        "lower": bound.lower,
        "confidence": bound.confidence,
        "canaries": canaries,
        "guesses": bound.guesses,
        "correct": bound.correct,
        "actual_noise": actual_noise,
    }
