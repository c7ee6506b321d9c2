"""Whether a model can be trained privately: what is known of its layers, and what experiment says.

Opacus's own validation lets reflect padding, in-place activations, the old ``weight_norm`` and
BatchNorm without parameters pass; and no list of layers knows a layer that somebody wrote himself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

from torch import Tensor, nn

from voxguard.errors import ConfigurationError, UnknownNameError
from voxguard.privacy.per_sample import OPACUS, Engine, Loss, cotangents
from voxguard.privacy.preflight_gradients import check_gradients, tolerance
from voxguard.privacy.preflight_leakage import (
    leaking_layers,
    loss_mixes,
    mixing,
    private_buffers,
)
from voxguard.privacy.preflight_report import MODEL, Finding, Preflight, UnsafeModelError
from voxguard.privacy.preflight_rules import suspicions
from voxguard.privacy.preflight_subject import Subject, nothing_disturbed

__all__ = ["Engine", "Finding", "Preflight", "UnsafeModelError", "preflight"]


def preflight(
    model: nn.Module,
    sample: Tensor | Sequence[Any],
    *,
    loss: Loss | None = None,
    engine: Engine = "hooks",
) -> Preflight:
    """Examine a model before it is trained with DP.

    Known layers are named with what to take instead. Then experiment: one example is exchanged and
    the outputs of the others must stay (BatchNorm, and whatever else mixes a batch); buffers must
    not take up data; and the per-sample gradients of the engine must be those of one example at a
    time through the plain model. The last runs in double precision where the model can.

    The model, its state and mode, and all random generators stay as they are: copies are examined.
    A model in ``eval()`` is examined in the mode of training, one in training as it is, so that
    layers frozen by ``eval()`` count as frozen.

    Args:
        model: Plain, before any private engine wraps it.
        sample: What the model is called with, a tensor or a tuple: 2 to 8 different examples along
            the first axis, 4 are enough. Random ones do; the report is computed from them without
            noise, so take no private ones if it is to be published.
        loss: Gives ``(n,)`` losses, or their mean, from the output for all examples; default is a
            random projection of the output.
        engine: ``"hooks"``, ``"functorch"`` and ``"ghost"`` are Opacus's, with an example as the
            unit; ``"microbatch"`` and ``"vectorised"`` are those of
            :class:`~voxguard.privacy.SpeakerDP`, with a speaker as the unit: two examples each.

    Raises:
        ConfigurationError: The model cannot be copied or does not run on the sample, gives no row
            an example, or is wrapped already; the sample is not 2 to 8 different examples.
        UnknownNameError: No engine bears that name.
        MissingExtraError: Opacus is not installed, and the engine is Opacus's (``dp``).

    References:
        The facts were measured on Opacus 1.6: A. Yousefpour et al., "Opacus: user-friendly
        differential privacy library in PyTorch", 2021, arXiv:2109.12298.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from voxguard.privacy import preflight
        >>> x = torch.randn(4, 8, 50)  # 4 utterances, 8 bands, 50 frames
        >>> reflecting = nn.Conv1d(8, 4, 5, padding=2, padding_mode="reflect")
        >>> report = preflight(nn.Sequential(reflecting, nn.BatchNorm1d(4)), x, engine="ghost")
        >>> [(found.layer, found.kind) for found in report.errors]
        [('0', 'padding-mode'), ('1', 'batch-norm')]
        >>> padded = nn.Sequential(nn.ReflectionPad1d(2), nn.Conv1d(8, 4, 5), nn.GroupNorm(2, 4))
        >>> preflight(padded, x, engine="ghost").ok
        True
        >>> preflight(nn.BatchNorm1d(8), x).raise_if_bad()
        Traceback (most recent call last):
            ...
        voxguard.privacy.preflight_report.UnsafeModelError: the model is not safe to train ...
    """
    if engine not in get_args(Engine):
        raise UnknownNameError("engine", engine, get_args(Engine))
    if hasattr(model, "autograd_grad_sample_hooks"):
        raise ConfigurationError("the model is wrapped by Opacus already; give the plain one")
    with nothing_disturbed(model):
        report = _examined(model, sample, loss, engine, exact=True)
        if math.isnan(report.gradient_error):  # perhaps for the sake of double precision only
            report = _examined(model, sample, loss, engine, exact=False)
        return report


def _examined(
    model: nn.Module,
    sample: Tensor | Sequence[Any],
    loss: Loss | None,
    engine: Engine,
    *,
    exact: bool,
) -> Preflight:
    subject = Subject.of(model, sample, exact=exact)
    try:
        weights = cotangents(subject, subject.called(subject.fresh(), subject.all), loss)
    except Exception as error:
        if exact:  # a loss that holds floats of its own does not like doubles
            return _examined(model, sample, loss, engine, exact=False)
        raise ConfigurationError(
            f"loss= failed on the model's output ({type(error).__name__}: {error}); it takes the "
            "output for all examples and gives (n,) losses or their mean"
        ) from error
    return _report(subject, engine, loss, weights)


def _report(
    subject: Subject, engine: Engine, loss: Loss | None, weights: list[Tensor]
) -> Preflight:
    """All stages; what an earlier one explains a later one does not tell again."""
    suspected = suspicions(subject.model, engine, _repeated(subject))
    found = [one.finding for one in suspected if one.certain]
    told = {f.layer for f in found}
    mixers: list[str] = []
    if engine in OPACUS:  # in the engines of SpeakerDP a batch is one speaker's, and may mix
        mixers = leaking_layers(subject)
        found += [mixing(layer) for layer in mixers if layer not in told]
        found += [] if mixers else loss_mixes(subject, loss, weights)
    found += private_buffers(subject, engine, told)
    told = {f.layer for f in found if f.severity == "error"}
    error = math.nan
    if any(p.requires_grad for p in subject.model.parameters()):
        maybe = [one.finding for one in suspected if not one.certain]
        error, more = check_gradients(subject, engine, weights, maybe, told, mixed=bool(mixers))
        found += more
    order = {name or MODEL: k for k, (name, _) in enumerate(subject.model.named_modules())}
    found.sort(key=lambda f: (f.severity != "error", order.get(f.layer, len(order))))
    return Preflight(engine, tuple(found), error, tolerance(subject))


def _repeated(subject: Subject) -> set[str]:
    """Layers that are called more than once in a forward pass."""
    model, calls = subject.fresh(), Counter[str]()
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    subject.called(model, subject.all)
    return {name for name, n in calls.items() if n > 1}
