"""What :func:`~voxguard.privacy.preflight.preflight` found."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import Literal

from voxguard.errors import ConfigurationError

Severity = Literal["error", "warning"]

MODEL = "(model)"
LOSS = "(loss)"
MICROBATCH = 'speaker-level DP with engine="microbatch"'


class UnsafeModelError(ConfigurationError):
    """A model that cannot be trained privately, or not correctly, with that engine."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one layer.

    Attributes:
        layer: Dotted name, ``"(model)"`` for the model as a whole, ``"(loss)"`` for the loss.
        kind: A slug, such as ``"batch-norm"``.
        severity: ``"error"``: do not train so. ``"warning"``: legal, and to be known.
        message: What is wrong, and why.
        remedy: What to do instead.

    Example:
        >>> from voxguard.privacy import Finding
        >>> print(Finding("norm", "batch-norm", "error", "It mixes.", "Use GroupNorm."))
        norm: It mixes. Use GroupNorm.
    """

    layer: str
    kind: str
    severity: Severity
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.message} {self.remedy}"


@dataclass(frozen=True)
class Preflight:
    """The verdict on a model, and the reasons.

    Attributes:
        engine: The engine that it was checked for.
        findings: Errors first, then in the order of the layers.
        gradient_error: Greatest difference of a per-sample gradient (``"ghost"``: of its norm) from
            brute force, relative to the norm of the true one; NaN where the engine could not run.
            A parameter of less than a hundredth of the whole gradient counts as a hundredth.
        tolerance: What is allowed of it.

    Example:
        >>> from voxguard.privacy import Finding, Preflight
        >>> report = Preflight(
        ...     "hooks", (Finding("norm", "batch-norm", "error", "It mixes.", "Use GroupNorm."),),
        ...     gradient_error=0.5, tolerance=1e-4)
        >>> report.ok
        False
        >>> print(report)
        preflight for hooks: 1 error, 0 warnings; per-sample gradients off by 0.5 (0.0001 allowed)
        error    batch-norm              norm
                 It mixes.
                 -> Use GroupNorm.
    """

    engine: str
    findings: tuple[Finding, ...]
    gradient_error: float
    tolerance: float

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid training."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether nothing forbids training."""
        return not self.errors

    def raise_if_bad(self) -> None:
        """Raise when something forbids training.

        Raises:
            UnsafeModelError: Lists every error.
        """
        if not self.ok:
            raise UnsafeModelError(f"the model is not safe to train\n{self}")

    def __str__(self) -> str:
        return "\n".join([self._headline(), *self._table()])

    def _headline(self) -> str:
        counts = len(self.errors), len(self.findings) - len(self.errors)
        said = ", ".join(
            f"{n} {word}{'' if n == 1 else 's'}"
            for n, word in zip(counts, ("error", "warning"), strict=True)
        )
        if math.isnan(self.gradient_error):
            measured = "per-sample gradients could not be checked"
        else:
            measured = (
                f"per-sample gradients off by {self.gradient_error:.2g} "
                f"({self.tolerance:g} allowed)"
            )
        return f"preflight for {self.engine}: {said}; {measured}"

    def _table(self) -> list[str]:
        """One entry for all layers that share what is to be said."""
        layers: dict[Finding, list[str]] = {}
        for found in self.findings:
            alike = Finding("", found.kind, found.severity, found.message, found.remedy)
            layers.setdefault(alike, []).append(found.layer)
        lines = []
        for found, names in layers.items():
            more = f" (+{len(names) - 3} more)" if len(names) > 3 else ""
            lines.append(f"{found.severity:<9}{found.kind:<24}{', '.join(names[:3])}{more}")
            for text in (found.message, f"-> {found.remedy}"):
                lines += textwrap.wrap(text, 96, initial_indent=" " * 9, subsequent_indent=" " * 9)
        return lines


@dataclass(frozen=True)
class Suspicion:
    """A finding of the rules, and whether it stands without the engine having failed."""

    finding: Finding
    certain: bool


def said(
    layer: str,
    kind: str,
    message: str,
    remedy: str,
    *,
    severity: Severity = "error",
    certain: bool = True,
) -> Suspicion:
    """What a rule says; see :class:`Finding`."""
    return Suspicion(Finding(layer, kind, severity, message, remedy), certain)
