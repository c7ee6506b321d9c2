"""One private round after the other: who takes part, what becomes of the replies, what it costs."""

from __future__ import annotations

import math
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated import aggregation
from voxguard.privacy.federated.adaptive import AdaptiveClipping
from voxguard.privacy.federated.aggregation import Arrays
from voxguard.privacy.federated.saved import Saved, read_saved, write_saved
from voxguard.privacy.ledger import Ledger


@dataclass(frozen=True)
class Reply:
    """What one client gave back.

    Attributes:
        arrays: The model as it left it.
        unclipped: Whether its update fitted below the clipping norm, if it was clipped by the
            client and only the client can know; else None.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    unclipped: bool | None = None


@dataclass
class Round:
    """A round under way. Everything that is not the plan itself is **not** private.

    Attributes:
        number: Counted from 1.
        clipping_norm: In this round.
        cohort: The nodes that were drawn.
        replied: How many updates were used.
        lost: Why the update of a node was not used. What Flower reports in place of a node that
            is gone stands under Flower's own number.
        unclipped: Share of the used updates that fitted below the clipping norm.
    """

    number: int
    clipping_norm: float
    cohort: tuple[int, ...]
    replied: int = 0
    lost: dict[int, str] = field(default_factory=dict)
    unclipped: float = math.nan


class PrivateServer:
    """DP-FedAvg with its account. It knows numpy and the ledger, and no federation software.

    A round is ``begin_round(connected)``, which charges the ledger and draws the cohort, then
    ``finish_round(replies)``, which clips, sums, noises, steps and saves.

    - **Cohort**: each connected node takes part with probability ``sampling_rate``, independently
      of all others (Poisson). An empty cohort still makes a round, of noise alone.
    - **Clipping**: on the server, whatever the clients say, and on the clients too if they run
      :func:`~voxguard.privacy.federated.client.clip_update`. Weights are equal: a client's number
      of examples is ignored.
    - **Fixed denominator**: ``sampling_rate * population``, whoever replies. A client who drops
      out, fails, or sends nonsense is missing in the sum; the sensitivity stays what it was.
    - **Account**: charged before anything is sent. Epsilon holds against whoever sees the models.
      The amplification by sampling needs the cohort to be secret: whoever can watch which node is
      at work (the operator, the network) is told the figures for ``amplification=False``. The
      server sees single updates; it is trusted, unless they are summed under secure aggregation.
    - **Restart**: with ``state`` and a ledger on disk, a server that died goes on at its round.
      What had been computed of that round was not released to anyone (the state is saved before
      the model leaves :meth:`finish_round`), so doing it again spends nothing again. A state that
      lies further back than the ledger is refused.

    Noise is numpy's PCG64 in floating point, seeded by the operating system: good statistics, no
    cryptographic generator, and open to attacks on floating-point noise (Mironov 2012) by someone
    who sees all bits of a release.

    Args:
        noise_multiplier: Standard deviation of the noise on the sum, in clipping norms. 0: none.
        sampling_rate: Probability that a node takes part in a round, above 0 to 1.
        population: Number of units that training could draw on. It fixes the denominator; the
            ledger's has to be the same.
        clipping_norm: Of one node's update; where to begin if it adapts.
        adaptive: Let the clipping norm follow a quantile.
        unit: What epsilon protects: ``"client"`` (a node with all it holds) or ``"speaker"``.
        one_unit_per_node: False for ``unit="speaker"`` where a node holds several of them (and no
            speaker is on two nodes). Taking one speaker out then changes that node's update rather
            than removing it, by up to twice the clipping norm: the ledger is charged with half of
            the noise multiplier and without amplification.
        amplification: Account the sampling. False where the cohort cannot be kept secret.
        ledger: Where it is accounted; by default one in memory.
        state: An ``.npz`` file that a restarted server goes on from.
        server_learning_rate: Step along the noised mean.
        server_momentum: 0 to below 1.
        frozen: Names of arrays that are not trained. Arrays that are not floating-point never are.
            Running statistics of batch normalisation *are* floating-point: they would be noised,
            variances below 0. Freeze them, or use group normalisation.
        seed: For research: makes cohorts and noise repeatable, and the privacy void for whoever
            knows it. By default the operating system's entropy.

    Attributes:
        arrays: The model; empty before :meth:`open`.
        clipping_norm: That of the next round.
        rounds: How many are done.
        history: The rounds of this process. **Not** private: not for publication.

    Raises:
        ConfigurationError: A value outside of its range; ledger, state and options disagree.

    References:
        H. B. McMahan et al., "Learning differentially private recurrent language models", ICLR
        2018.

    Example:
        >>> server = PrivateServer(noise_multiplier=0.0, sampling_rate=1.0, population=4,
        ...                        clipping_norm=1.0)
        >>> server.open({"w": np.zeros(2)})
        >>> server.begin_round([11, 12, 13, 14]).cohort
        (11, 12, 13, 14)
        >>> server.finish_round({11: Reply({"w": np.array([0.0, 8.0])})})  # the others dropped out
        {'w': array([0.  , 0.25])}
    """

    def __init__(
        self,
        *,
        noise_multiplier: float,
        sampling_rate: float,
        population: int,
        clipping_norm: float,
        adaptive: AdaptiveClipping | None = None,
        unit: Literal["client", "speaker"] = "client",
        one_unit_per_node: bool = True,
        amplification: bool = True,
        ledger: Ledger | None = None,
        state: str | Path | None = None,
        server_learning_rate: float = 1.0,
        server_momentum: float = 0.0,
        frozen: Collection[str] = (),
        seed: int | None = None,
    ) -> None:
        _check(0 <= noise_multiplier < math.inf, f"noise_multiplier takes >= 0: {noise_multiplier}")
        _check(0 < sampling_rate <= 1, f"sampling_rate lies above 0, to 1: {sampling_rate}")
        _check(population >= 1, f"population takes 1 or more: {population}")
        _check(0 < clipping_norm < math.inf, f"clipping_norm takes > 0: {clipping_norm}")
        _check(0 < server_learning_rate < math.inf, "server_learning_rate takes > 0")
        _check(0 <= server_momentum < 1, "server_momentum lies in 0 to below 1")
        _check(unit in ("client", "speaker"), f"unit is 'client' or 'speaker', got {unit!r}")
        _check(
            one_unit_per_node or unit == "speaker",
            "a node is one client, so one_unit_per_node=False goes with unit='speaker' only",
        )
        self.noise_multiplier = noise_multiplier
        self.sampling_rate = sampling_rate
        self.population = population
        self.clipping_norm = clipping_norm
        self.adaptive = adaptive
        self.unit = unit
        self.one_unit_per_node = one_unit_per_node
        self.amplification = amplification
        self.server_learning_rate = server_learning_rate
        self.server_momentum = server_momentum
        self.frozen = frozenset(frozen)
        self.state = None if state is None else Path(state)
        self.seed = seed
        self.ledger = Ledger(None, unit=unit, population=population) if ledger is None else ledger
        self._check_ledger()
        if adaptive is None:
            self._update_noise, self._bit_noise = noise_multiplier, 0.0
        else:
            self._update_noise, self._bit_noise = adaptive.split(noise_multiplier, self.denominator)
        self.arrays: Arrays = {}
        self.rounds = 0
        self.history: list[Round] = []
        self._names: list[str] = []
        self._momentum: Arrays = {}
        self._under_way: Round | None = None
        self._run = ""
        self._noise = np.random.default_rng()

    @property
    def denominator(self) -> float:
        """The expected cohort, by which every sum is divided."""
        return self.sampling_rate * self.population

    @property
    def accounted(self) -> tuple[float, float]:
        """Noise multiplier and sampling rate that a round is charged with.

        Example:
            >>> options = dict(noise_multiplier=2.0, sampling_rate=0.5, population=10,
            ...                clipping_norm=1.0, unit="speaker")
            >>> PrivateServer(**options).accounted
            (2.0, 0.5)
            >>> PrivateServer(**options, one_unit_per_node=False).accounted
            (1.0, 1.0)
        """
        if not self.one_unit_per_node:
            return self.noise_multiplier / 2, 1.0
        return self.noise_multiplier, self.sampling_rate if self.amplification else 1.0

    def open(self, initial: Mapping[str, npt.NDArray[Any]]) -> None:
        """Begin with a model, or go on where a server with this ledger and state stopped.

        Args:
            initial: The model's arrays by name. Not used where there is a state, except to compare
                names and shapes.

        Raises:
            ConfigurationError: Ledger and state do not belong together, or the model is another.
        """
        self._names = aggregation.learned(initial, self.frozen)
        if self.state is not None and self.state.exists():
            saved = read_saved(self.state)
            shapes = {name: array.shape for name, array in saved.arrays.items()}
            wanted = {name: array.shape for name, array in initial.items()}
            _check(shapes == wanted, f"{self.state} is of a model {shapes}, this one is {wanted}")
        else:
            arrays = {name: np.array(array) for name, array in initial.items()}
            saved = Saved(secrets.token_hex(8), 0, self.clipping_norm, arrays, {})
            _check(
                self.ledger.steps == 0,
                f"{self.ledger.steps} rounds have been charged and the model they led to is not "
                "there; doing them again would be accounted once and released twice: give the "
                "state of that training, or begin a new ledger",
            )
        _check(
            saved.rounds <= self.ledger.steps <= saved.rounds + 1,
            f"the state is that after {saved.rounds} rounds, the ledger holds {self.ledger.steps}; "
            "they are not of the same training, or one is a copy from earlier",
        )
        self.arrays, self._momentum = saved.arrays, saved.momentum
        self.clipping_norm, self.rounds = saved.clipping_norm, saved.rounds
        self._run = saved.run
        self._under_way = None
        self._save()  # a state that is missing later was removed, and is refused

    def begin_round(self, connected: Iterable[int]) -> Round:
        """Charge the ledger, then draw who takes part.

        Args:
            connected: Identifiers of the nodes that can be reached.

        Returns:
            The round; its ``cohort`` is to be sent :attr:`arrays` and its ``clipping_norm``.

        Raises:
            BudgetExceededError: The round would pass the ledger's limit; nothing was charged.
        """
        _check(bool(self._names), "call open() with a model before the first round")
        noise_multiplier, sampling_rate = self.accounted
        self.ledger.charge(
            self.rounds,
            noise_multiplier=noise_multiplier,
            sampling_rate=sampling_rate,
            run=self._run,
        )
        # A stream a round: with a seed, a round done again after a crash draws the same.
        entropy = None if self.seed is None else (self.seed, self.rounds)
        coins, noise = np.random.SeedSequence(entropy).spawn(2)
        self._noise = np.random.default_rng(noise)
        nodes = sorted(set(connected))
        drawn = np.random.default_rng(coins).random(len(nodes)) < self.sampling_rate
        cohort = tuple(node for node, taken in zip(nodes, drawn, strict=True) if taken)
        self._under_way = Round(self.rounds + 1, self.clipping_norm, cohort)
        return self._under_way

    def finish_round(self, replies: Mapping[int, Reply]) -> Arrays:
        """Clip, sum, noise, divide, step, save.

        Args:
            replies: Of the cohort, or of part of it, by node. One that is no update of this model
                is left out, and why stands in ``lost`` of the round.

        Returns:
            The new model, private as accounted.
        """
        current = self._current()
        updates: list[Arrays] = []
        fitted = 0
        for node, reply in replies.items():
            try:
                _check(node in current.cohort, "it was not asked")
                update = aggregation.update_between(self.arrays, reply.arrays, self._names)
            except ConfigurationError as error:
                current.lost[node] = str(error)
                continue
            update, short = aggregation.clip(update, current.clipping_norm)
            updates.append(update)
            fitted += bool(short if reply.unclipped is None else reply.unclipped)
        total = aggregation.total_of(updates, self.arrays, self._names)
        return self.finish_with_total(
            total, used=len(updates), centred_bits=fitted - len(updates) / 2
        )

    def finish_with_total(
        self,
        total: Mapping[str, npt.NDArray[Any]],
        *,
        used: int,
        centred_bits: float,
        stretch: float = 1.0,
    ) -> Arrays:
        """The second half of :meth:`finish_round`, for a sum that came about elsewhere.

        Args:
            total: Sum of clipped updates of the trained arrays.
            used: Of how many.
            centred_bits: Half of how many of them fitted below the clipping norm, less half of
                how many did not.
            stretch: By how much an update in the sum may be longer than the clipping norm (and a
                bit than 1/2), from rounding; the noise is as much greater.

        Returns:
            The new model.
        """
        current = self._current()
        current.replied = used
        current.unclipped = 0.5 + centred_bits / used if used else math.nan
        mean = aggregation.noisy_mean(
            total,
            deviation=self._update_noise * current.clipping_norm * stretch,
            denominator=self.denominator,
            generator=self._noise,
        )
        for name, step in mean.items():
            if self.server_momentum:
                step = np.asarray(step + self.server_momentum * self._momentum.get(name, 0.0))
                self._momentum[name] = step
            old = self.arrays[name]
            self.arrays[name] = np.asarray(old + self.server_learning_rate * step, old.dtype)
        if self.adaptive is not None:
            self.clipping_norm = self.adaptive.moved(
                current.clipping_norm,
                centred_bits,
                deviation=self._bit_noise * stretch,
                denominator=self.denominator,
                generator=self._noise,
            )
        self.rounds += 1
        self.history.append(current)
        self._under_way = None
        self._save()
        return self.arrays

    def _current(self) -> Round:
        if self._under_way is None:
            raise ConfigurationError("no round is under way; call begin_round first")
        return self._under_way

    def _save(self) -> None:
        if self.state is not None:
            now = Saved(self._run, self.rounds, self.clipping_norm, self.arrays, self._momentum)
            write_saved(now, self.state)

    def _check_ledger(self) -> None:
        of = self.ledger
        _check(
            (of.unit, of.population) == (self.unit, self.population),
            f"the ledger is of {of.population} units {of.unit!r}, the server of {self.population} "
            f"units {self.unit!r}",
        )


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ConfigurationError(otherwise)
