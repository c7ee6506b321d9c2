"""Audit a speaker-level DP trainer in one call: does it do what the accountant was told?"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.accounting import Mechanism
from voxguard.privacy.audit_bound import EpsilonBound, most_certifiable
from voxguard.privacy.audit_clopper_pearson import clopper_pearson
from voxguard.privacy.audit_families import ApproximateDP, Family, Releases
from voxguard.privacy.audit_one_run import one_run
from voxguard.privacy.canaries import GradientCanaries
from voxguard.privacy.speaker_level import SpeakerDP

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "ApproximateDP",
    "EpsilonBound",
    "Releases",
    "audit_speaker_dp",
    "clopper_pearson",
    "most_certifiable",
    "one_run",
]

Method = Literal["clopper-pearson", "one-run"]
Against = Literal["releases", "pair"]


def audit_speaker_dp(
    model: nn.Module,
    *,
    noise_multiplier: float,
    sampling_rate: float,
    steps: int,
    delta: float,
    clipping_norm: float = 1.0,
    canaries: int = 4000,
    method: Method | None = None,
    against: Against = "releases",
    confidence: float = 0.95,
    speakers: Mapping[str, Sequence[Any]] | None = None,
    collate: Callable[[list[Any]], Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
    optimizer: Callable[[nn.Module], Any] | None = None,
    trainer: type[SpeakerDP] = SpeakerDP,
    seed: int | None = None,
    **options: Any,
) -> EpsilonBound:
    """Train with canaries and bound epsilon from below by what was released.

    White-box: the auditor sees every update, and the canaries are the worst speakers there can be.
    So a trainer that keeps its claim comes out below it, by some margin, and one with a fault that
    matters comes out above.

    **What this can find**: noise too small, clipping too loose, speakers in the cohort more often
    than they should be, a speaker who counts more than once, a large part of the model without
    noise. How small a fault: with the claim at epsilon 1 and 4000 canaries, ``against="releases"``
    sees clipping or noise that is off by 2, ``against="pair"`` what is off by 4.

    **What it cannot**: prove the claim. See faults in what canaries pass by: a ledger that counts
    too few steps, a key that somebody knows, noise that can be predicted and yet looks Gaussian,
    batch statistics that real speakers share. See a small part of the model, such as one bias, that
    gets no noise, since a canary's score takes the claimed noise for granted. Contradict a large
    claim: n guesses certify no more than :func:`~voxguard.privacy.most_certifiable` ``(n)``, so
    instead of a claim of 8 put one of 1 on trial; the code is the same.

    Args:
        model: A copy of it is trained; has to have at least as many parameters as there are
            canaries.
        noise_multiplier: As claimed, above 0.
        sampling_rate: As claimed.
        steps: As claimed, at least 1.
        delta: Of the claim, above 0 to below 1.
        clipping_norm: Of the trainer.
        canaries: How many, about half of which are in.
        method: ``"clopper-pearson"`` needs independent scores, which orthogonal canaries have when
            nobody else is there; ``"one-run"`` does not. None: the former without `speakers`, the
            latter with them.
        against: ``"releases"``: the whole curve of the claimed mechanism; finds the smallest
            faults, and the bound is "no mechanism of that shape below this epsilon". ``"pair"``:
            (epsilon, delta) and nothing else.
        confidence: Between 0 and 1.
        speakers: Real speakers to train with as well; for the microbatch engine. None: canaries
            only, which is quicker and as strict.
        collate: Of the real speakers.
        loss: Of the real speakers.
        optimizer: Makes the optimizer of a model; None for plain SGD.
        trainer: :class:`SpeakerDP` or a subclass of it, which is what is on trial.
        seed: Of canaries and trainer, for tests. None: entropy of the operating system.
        **options: For the trainer: ``engine``, ``per_layer`` (which takes a canary along one
            coordinate down to one layer's share of the norm: the bound holds and is weak), ...

    Returns:
        The bound, to be held against what :func:`~voxguard.privacy.epsilon` says of the claim.

    Raises:
        ConfigurationError: A number out of its range, a name that is not known, too small a model.

    Example:
        >>> import torch
        >>> from voxguard.privacy import Mechanism, epsilon
        >>> from voxguard.privacy.audit import audit_speaker_dp
        >>> claim = epsilon(Mechanism(noise_multiplier=4.0, sampling_rate=1.0, steps=1), 1e-5)
        >>> bound = audit_speaker_dp(
        ...     torch.nn.Linear(40, 25), noise_multiplier=4.0, sampling_rate=1.0, steps=1,
        ...     delta=1e-5, canaries=1000, seed=0)
        >>> bound.contradicts(claim)
        False
    """
    torch = optional("torch", "dp", "an audit")
    chosen: Method = method or ("one-run" if speakers else "clopper-pearson")
    if chosen not in get_args(Method) or against not in get_args(Against):
        raise ConfigurationError(
            f"method= takes {', '.join(get_args(Method))}, got {method!r}; "
            f"against= takes {', '.join(get_args(Against))}, got {against!r}"
        )
    claim = Mechanism(noise_multiplier, sampling_rate, steps)
    family: Family | None = Releases((claim,)) if against == "releases" else None
    trained = copy.deepcopy(model)
    planted = GradientCanaries(trained, canaries, clipping_norm=clipping_norm, seed=seed)
    on_trial = trainer(
        trained,
        optimizer(trained) if optimizer else torch.optim.SGD(trained.parameters(), lr=0.1),
        planted.speakers(speakers),
        planted.collate(collate),
        planted.loss(loss),
        noise_multiplier=noise_multiplier,
        sampling_rate=sampling_rate,
        clipping_norm=clipping_norm,
        seed=seed,
        **{"utterances": 1, **options},
    )
    on_trial.on_release = planted.watch(on_trial)
    on_trial.fit(steps)
    scores, included = planted.log_ratios, planted.included
    if chosen == "one-run":
        return one_run(scores, included, delta, confidence=confidence, family=family)
    return clopper_pearson(
        scores[included], scores[~included], delta, confidence=confidence, family=family
    )
