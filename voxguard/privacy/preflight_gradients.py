"""The engine's per-sample gradients against brute force, and what a difference means."""

from __future__ import annotations

import math

import torch

from voxguard.errors import MissingExtraError
from voxguard.privacy.per_sample import (
    OPACUS,
    Engine,
    Gradients,
    brute_force,
    per_sample_gradients,
    quiet,
    row_by_row,
    units,
)
from voxguard.privacy.per_sample_difference import Difference, differences, understated
from voxguard.privacy.preflight_leakage import gradient_leaks, mixing
from voxguard.privacy.preflight_report import MICROBATCH, MODEL, Finding
from voxguard.privacy.preflight_subject import Subject


def tolerance(subject: Subject) -> float:
    """Difference from brute force that rounding may make."""
    return 1e-4 if subject.exact else 1e-2


def check_gradients(
    subject: Subject,
    engine: Engine,
    weights: list[torch.Tensor],
    maybe: list[Finding],
    told: set[str],
    *,
    mixed: bool,
) -> tuple[float, list[Finding]]:
    """Run the engine, and compare.

    Args:
        subject: What is examined.
        engine: Which engine.
        weights: Gradient of the losses by the outputs.
        maybe: What may explain a failure.
        told: Layers that are refused already, which explains a failure; a warning does not.
        mixed: Whether the model mixes examples, so that all gradients differ for that reason.

    Returns:
        Greatest relative difference, NaN if there is none to tell, and the findings.
    """
    if engine == "vectorised":
        subject = quiet(subject)
    drawing = engine != "microbatch" and _draws(subject)
    true: Gradients | None = None
    reasons: list[Finding] = []
    try:
        true = _truth(subject, engine, weights, drawing=drawing)
    except Exception as error:  # the batch went through, so one example alone does not
        reasons = [_needs_a_batch(error, engine)]
    try:
        found = per_sample_gradients(subject, engine, weights)
    except MissingExtraError:
        raise
    except Exception as error:  # an engine fails as it likes; that it fails is what was asked
        reasons = reasons if true is None else [_failed(error, engine)]
        return math.nan, maybe or ([] if told else reasons)
    if true is None:
        return math.nan, [] if told else reasons
    if drawing and engine == "vectorised":
        return math.nan, [_not_compared()]
    compared = differences(true, found)
    greatest = max(d.relative for d in compared)
    off = [d for d in compared if _is_off(d, engine, tolerance(subject))]
    if mixed:
        off = [d for d in off if d.kind != "value"]
    findings = _explained(off, engine, maybe, told, subject.n)
    values = any(d.kind == "value" for d in off)
    if values and engine in OPACUS and gradient_leaks(subject, engine, weights):
        findings.append(mixing(MODEL))
    if values and engine == "ghost" and (ratio := understated(true, found)) > 1:
        findings.append(_loose(ratio))
    return greatest, findings


def _draws(subject: Subject) -> bool:
    """Whether the model draws random numbers."""
    with torch.no_grad():
        one, two = (subject.run(subject.fresh(), subject.all, seed=seed) for seed in (0, 1))
    return any(not torch.equal(a, b) for a, b in zip(one, two, strict=True))


def _truth(
    subject: Subject, engine: Engine, weights: list[torch.Tensor], *, drawing: bool
) -> Gradients:
    if engine not in OPACUS:
        return brute_force(subject, units(subject), weights)
    if drawing:
        return row_by_row(subject, weights)
    return brute_force(subject, [[i] for i in subject.all], weights)


def _is_off(d: Difference, engine: Engine, allowed: float) -> bool:
    if d.kind == "unused":
        return engine in OPACUS
    return d.kind != "value" or d.relative > allowed


def _explained(
    off: list[Difference], engine: Engine, maybe: list[Finding], told: set[str], n: int
) -> list[Finding]:
    """One finding a layer and kind; a layer that was suspected gets the reason of the suspicion."""
    suspected = {f.layer: f for f in maybe}
    found: dict[tuple[str, str], Finding] = {}
    missing = {d.parameter.rpartition(".")[0] for d in off if d.kind == "missing"}
    for d in off:
        if d.kind == "unused" and d.parameter.rpartition(".")[0] in missing:
            continue  # a bias beside a weight that was taken out of its layer
        layer = d.parameter.rpartition(".")[0] or MODEL
        if layer not in told:
            found[layer, d.kind] = suspected.get(layer) or _wrong(layer, d, engine, n)
    return list(dict.fromkeys(found.values()))


def _wrong(layer: str, d: Difference, engine: Engine, n: int) -> Finding:
    if d.kind == "unused":
        return Finding(
            layer,
            "unused-parameter",
            "error",
            "A parameter that requires a gradient takes no part in the output; Opacus's optimizer "
            "stops at it.",
            "Call requires_grad_(False) on it, or give preflight the output that it is for.",
        )
    if d.kind == "missing":
        return Finding(
            layer,
            "missing-gradient",
            "error",
            "Its parameters are used without calling it, as in functional.linear(x, layer.weight): "
            "Opacus's hooks see nothing of that, and there is no per-sample gradient.",
            "Call the layer, or hold the parameter in the module whose forward uses it; or take "
            f"{MICROBATCH}.",
        )
    if d.kind == "rows":
        return Finding(
            layer,
            "rows-are-not-examples",
            "error",
            f"It sees {d.got} rows for {n} examples, and Opacus clips each row as if it were an "
            "example: whoever owns several has that many clipping norms, and the accounted epsilon "
            "does not hold.",
            "Keep the batch as first axis of all that goes into the layer (time in an axis of its "
            f"own; nn.Linear takes (n, time, features)), or take {MICROBATCH}.",
        )
    if engine == "microbatch":
        return Finding(
            layer,
            "keeps-state",
            "error",
            "The gradient of one speaker depends on whom the model has seen before: it keeps "
            "something from one forward pass to the next, outside of its buffers, and no clipping "
            "bounds what that carries.",
            "Keep nothing between forward passes, or hold it in a buffer, which SpeakerDP puts "
            "back.",
        )
    consequence = (
        "Examples are clipped by the wrong norm, and where that is too small the accounted epsilon "
        "does not hold."
        if engine == "ghost"
        else "DP holds, since the wrong one is clipped, but training goes astray."
    )
    return Finding(
        layer,
        "wrong-gradient",
        "error",
        f"The engine's per-sample gradient is not that of the example alone. {consequence}",
        f'Take engine="functorch", or {MICROBATCH}; or make the layer of ones that the engine '
        "knows.",
    )


def _needs_a_batch(error: Exception, engine: Engine) -> Finding:
    if engine not in OPACUS:
        return Finding(
            MODEL,
            "needs-a-batch",
            "error",
            "The model runs on all examples and not on two of them, as which speakers stand here "
            f"({type(error).__name__}: {_short(error)}).",
            "Make it run on as many utterances as a speaker gives.",
        )
    return Finding(
        MODEL,
        "needs-a-batch",
        "error",
        "The model runs on all examples and not on one alone "
        f"({type(error).__name__}: {_short(error)}): no example has a gradient of its own.",
        f"Make each example's output depend on that example only, or take {MICROBATCH}.",
    )


def _failed(error: Exception, engine: Engine) -> Finding:
    text = _short(error)
    if "inplace" in text or "in-place" in text:
        return Finding(
            MODEL,
            "in-place",
            "error",
            f"The engine {engine!r} fails at an in-place operation in a forward (x += y, "
            f"functional.relu_): {text}",
            "Write x = x + y, functional.relu(x); or take " + MICROBATCH + ".",
        )
    return Finding(
        MODEL,
        "engine-fails",
        "error",
        f"The engine {engine!r} cannot train it ({type(error).__name__}: {text}).",
        f"Take {MICROBATCH}, or leave out layers until the one is found that it cannot do.",
    )


def _not_compared() -> Finding:
    return Finding(
        MODEL,
        "not-compared",
        "warning",
        "It draws random numbers otherwise than by nn.Dropout, and those of vmap are not those of "
        "a loop: the gradients could not be compared.",
        "Give preflight the model with the draws switched off.",
    )


def _loose(ratio: float) -> Finding:
    return Finding(
        MODEL,
        "ghost-norm",
        "error",
        f"The true norm of an example's gradient is up to {ratio:.3g} times the one that it would "
        "be clipped by, so its share of the sum is that many clipping norms: the accounted epsilon "
        "does not hold.",
        'Mend the layers named here, or take engine="hooks", which clips what it adds.',
    )


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:199] + "..."
