"""What one training has spent: written down before each step, so that no crash forgets any."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from voxguard.errors import ConfigurationError
from voxguard.privacy.accounting import Accountant, Mechanism, default_delta, epsilon
from voxguard.privacy.ledger_file import LedgerFile

__all__ = ["BudgetExceededError", "Ledger", "Unit"]

Unit = Literal["speaker", "example", "client"]

_FAR = 1024  # how many times as many steps as there are may be looked ahead


class BudgetExceededError(ConfigurationError):
    """The next step would cost more than is left; it was neither taken nor charged."""


class Ledger:
    """The account of one training, in a file that survives the process, with a hard stop.

    A trainer charges a step *before* it computes it. What a crash interrupts is therefore paid,
    and repeating it from the checkpoint, with the random generators as they were, gives the same
    release again and costs nothing more. Repeating it with fresh noise would be a second release:
    a trainer names itself (`run`), keeps the name in its checkpoint, and another is refused.

    Args:
        path: Where the account is kept (JSON; a lock file lies beside it). What is there is
            opened. None keeps it in memory, and no crash is survived.
        unit: What counts as one: ``"speaker"``, ``"example"`` or ``"client"``.
        population: How many of them there are in the data, 2 or more.
        delta: Above 0 and below one in a population; by default
            :func:`~voxguard.privacy.default_delta`.
        max_epsilon: The limit, by the PLD accountant; infinity for none.

    Raises:
        ConfigurationError: A value is outside its range; the file is damaged, in use by another
            process or belongs to a training with other values.
        OutputError: It could not be written.

    Example:
        >>> from voxguard.privacy import BudgetExceededError, Ledger
        >>> ledger = Ledger(None, unit="speaker", population=6000, max_epsilon=1.0)
        >>> for step in range(10_000):
        ...     try:
        ...         ledger.charge(step, noise_multiplier=1.0, sampling_rate=0.01)
        ...     except BudgetExceededError:
        ...         break
        >>> ledger.steps, round(ledger.epsilon(), 2)
        (401, 1.0)
    """

    def __init__(
        self,
        path: Path | str | None,
        *,
        unit: Unit,
        population: int,
        delta: float | None = None,
        max_epsilon: float = math.inf,
    ) -> None:
        if unit not in get_args(Unit):
            raise ConfigurationError(f"unit is one of {', '.join(get_args(Unit))}; got {unit!r}")
        usual = default_delta(population)
        delta = usual if delta is None else float(delta)
        if not 0.0 < delta < 1.0 / population:
            raise ConfigurationError(
                f"delta {delta:g} would allow to publish a whole {unit} now and then: it lies "
                f"between 0 and 1/{population}, such as {usual:.2g}"
            )
        if not max_epsilon > 0.0:
            raise ConfigurationError(f"max_epsilon is above 0, got {max_epsilon}")
        self.unit: Unit = unit
        self.population = int(population)
        self.delta = delta
        self.max_epsilon = float(max_epsilon)
        self._pid = os.getpid()
        self._charges: list[tuple[Mechanism, str | None]] = []
        self._safe: dict[tuple[Mechanism, ...], tuple[int, int | None]] = {}
        self._file = None if path is None else LedgerFile(Path(path))
        if self._file is not None:
            try:
                self._open(self._file)
            except BaseException:
                self._file.close()
                raise

    def charge(
        self, step: int, *, noise_multiplier: float, sampling_rate: float, run: str | None = None
    ) -> None:
        """Pay for a step, before it is computed.

        With a limit, figures that are new cost a few seconds of accounting, and then thousands of
        steps none. A schedule that changes them in every step is slow.

        Args:
            step: Counted from 0 on. One that is paid may come again, with the same figures and
                the same run: an exact replay, which is free.
            noise_multiplier: Standard deviation of the noise over the clipping norm.
            sampling_rate: Chance of each unit to be in the step.
            run: A name, such as random digits, that a trainer has on construction and restores
                from its checkpoint together with its generators.

        Raises:
            BudgetExceededError: It would pass `max_epsilon`. Nothing was charged.
            ConfigurationError: A step was left out; or the step is paid, with other figures or by
                another run.
            OutputError: The file could not be written. Do not take the step.
        """
        if os.getpid() != self._pid:
            raise ConfigurationError("a ledger is charged by the process that opened it")
        one = Mechanism(float(noise_multiplier), float(sampling_rate), 1)
        if step < self.steps:
            self._replay(int(step), one, run)
            return
        if step != self.steps:
            raise ConfigurationError(
                f"step {step} follows {self.steps} charged steps: the ledger is older than the "
                "checkpoint, and what lies between is not accounted for; restore both together"
            )
        if not self._allowed(one, 1):
            raise BudgetExceededError(
                f"step {step} would pass the limit of epsilon {self.max_epsilon:g} (at delta "
                f"{self.delta:.3g}): {self.epsilon():.4g} are spent; stop here, or train with "
                "more noise or a smaller sampling rate from the start"
            )
        charges = list(self._charges)
        if charges and (charges[-1][0].noise_multiplier, charges[-1][0].sampling_rate, run) == (
            one.noise_multiplier,
            one.sampling_rate,
            charges[-1][1],
        ):
            one = Mechanism(one.noise_multiplier, one.sampling_rate, charges.pop()[0].steps + 1)
        charges.append((one, run))
        if self._file is not None:
            self._file.write(self._content(charges))
        self._charges = charges

    def affordable(self, noise_multiplier: float, sampling_rate: float, most: int) -> int:
        """How many more such steps there may be.

        Args:
            noise_multiplier: Of the steps to come.
            sampling_rate: Of the steps to come.
            most: Where to stop counting.

        Returns:
            0 to `most`.
        """
        one = Mechanism(float(noise_multiplier), float(sampling_rate), 1)
        if most <= 0 or self._allowed(one, most):
            return max(0, most)
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._allowed(one, middle) else (low, middle)
        return low

    @property
    def steps(self) -> int:
        """Steps that are paid."""
        return sum(mechanism.steps for mechanism, _ in self._charges)

    @property
    def mechanisms(self) -> list[Mechanism]:
        """What was released, in order, equal neighbours together."""
        return [mechanism for mechanism, _ in self._charges]

    def epsilon(self, accountant: Accountant = "pld") -> float:
        """What is spent, as :func:`~voxguard.privacy.epsilon` of it all."""
        return epsilon(self.mechanisms, self.delta, accountant=accountant)

    def summary(self) -> dict[str, Any]:
        """All that a reader needs to judge the guarantee; of JSON type, but epsilons may be inf."""
        return {
            "unit": self.unit,
            "adjacency": "add or remove one",
            "population": self.population,
            "delta": self.delta,
            "max_epsilon": self.max_epsilon,
            "steps": self.steps,
            "mechanisms": [
                {"noise_multiplier": one.noise_multiplier, "sampling_rate": one.sampling_rate,
                 "steps": one.steps}
                for one in self.mechanisms
            ],
            "epsilon_pld": self.epsilon("pld"),
            "epsilon_rdp": self.epsilon("rdp"),
        }  # fmt: skip

    def close(self) -> None:
        """Let go of the file; harmless when done twice."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _replay(self, step: int, one: Mechanism, run: str | None) -> None:
        if step < 0:
            raise ConfigurationError(f"steps are counted from 0 on, got {step}")
        last = 0
        for paid, payer in self._charges:  # noqa: B007 -- both are looked at below
            last += paid.steps
            if step < last:
                break
        if (paid.noise_multiplier, paid.sampling_rate) != (one.noise_multiplier, one.sampling_rate):
            raise ConfigurationError(
                f"step {step} was charged with noise multiplier {paid.noise_multiplier:g} and "
                f"sampling rate {paid.sampling_rate:g}, and comes again with "
                f"{one.noise_multiplier:g} and {one.sampling_rate:g}: that is another release; "
                "restore the training that the ledger belongs to, or begin one with a new ledger"
            )
        if payer != run:
            raise ConfigurationError(
                f"step {step} was charged by another run, whose noise this one does not repeat: "
                "restore its checkpoint; without one, its epsilon is spent and a new training "
                "has a new ledger (both epsilons then add up)"
            )

    def _allowed(self, one: Mechanism, more: int) -> bool:
        """Whether so many steps more stay within the limit; most calls know it from before.

        What is known of a pair of figures is a number of steps that is within the limit and one
        that is not, found by bisection. Any fewer than the former are within it as well.
        """
        if self.max_epsilon == math.inf:
            return True
        others = [
            past
            for past in self.mechanisms
            if (past.noise_multiplier, past.sampling_rate)
            != (one.noise_multiplier, one.sampling_rate)
        ]
        wanted = self.steps - sum(past.steps for past in others) + more
        key = (one, *others)
        good, bad = self._safe.get(key, (0, None))

        def within(steps: int, by: Accountant = "pld") -> bool:
            trial = Mechanism(one.noise_multiplier, one.sampling_rate, steps)
            return epsilon([*others, trial], self.delta, accountant=by) <= self.max_epsilon

        while bad is None and wanted > good:
            # Where to look: RDP is cheap, and its answer rarely too high and never far too low.
            far = max(wanted, 2 * good)
            while far < _FAR * wanted and within(2 * far, "rdp"):
                far *= 2
            while far // 2 > good and not within(far // 2, "rdp"):
                far //= 2
            good, bad = (far, None) if within(far) else (good, far)
        while bad is not None and good < wanted < bad:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if within(middle) else (good, middle)
        self._safe[key] = good, bad
        return wanted <= good

    def _terms(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "population": self.population,
            "delta": self.delta,
            "max_epsilon": None if self.max_epsilon == math.inf else self.max_epsilon,
        }

    def _content(self, charges: list[tuple[Mechanism, str | None]]) -> dict[str, Any]:
        paid = [[c.noise_multiplier, c.sampling_rate, c.steps, run] for c, run in charges]
        return {**self._terms(), "adjacency": "add or remove one", "charges": paid}

    def _open(self, file: LedgerFile) -> None:
        found = file.read()
        if found is None:
            file.write(self._content([]))
            return
        differs = [
            f"{name} {found.get(name)} there and {value} here"
            for name, value in self._terms().items()
            if found.get(name) != value
        ]
        if differs:
            raise ConfigurationError(
                f"{file.path} is the account of another training: {'; '.join(differs)}; open it "
                "as it was begun, or begin another"
            )
        try:
            self._charges = [
                (Mechanism(float(noise), float(rate), int(steps)), run)
                for noise, rate, steps, run in found["charges"]
            ]
        except (KeyError, TypeError, ValueError):
            raise file.damaged("its charges cannot be read") from None
