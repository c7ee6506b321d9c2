"""A voice that nobody has, made anew from a pool for each draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.pool import SEXES, Sex, SpeakerPool, Target, unit_rows
from voxguard.models.selection import Rows, farthest, sparse
from voxguard.models.voice_distribution import Floats, VoiceDistribution

Strategy = Literal["farthest", "random", "sparse", "gmm"]
SexChoice = Literal["same", "opposite", "random", "neutral"]


@dataclass(frozen=True)
class PseudoSpeaker:
    """How pseudo-speakers are made.

    ``"farthest"``, ``"random"`` and ``"sparse"`` average some voices of the pool: of the
    ``candidates`` that are farthest from the source (baseline B1 of the VoicePrivacy Challenges),
    of all, or of the ``candidates`` in the emptiest places. ``"gmm"`` draws from a mixture of one
    Gaussian a sex in principal components that is fitted to the pool (after H. Turner et al.,
    "Generating identities with mixture models for speaker anonymization", 2020).

    An average of many voices is much like any other. With ``rescale``, each dimension of the
    average is brought back to the spread that single voices have in the pool (after S. Meyer et
    al., "Anonymizing speech with generative adversarial networks to preserve speaker privacy",
    2022), around the mean of the candidates. Where dimensions are cut off at zero this is done on
    the scores behind the cut (:class:`~voxguard.models.voice_distribution.VoiceDistribution`).

    Sex is drawn by a fair coin (``"random"``), is what the source seems to have or the other one,
    or lies in the middle (``"neutral"``: half of the voices are of either sex).

    Args:
        strategy: ``"farthest"``, ``"random"``, ``"sparse"`` or ``"gmm"``.
        sex: ``"random"``, ``"same"``, ``"opposite"`` or ``"neutral"``.
        candidates: N: how many voices of a sex may be averaged, at least 2.
        averaged: N*: how many of them are, at least 1 and fewer than ``candidates``.
        rescale: Whether averages get the spread of single voices.

    Raises:
        ConfigurationError: A value that is not one of these.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.pool import SpeakerPool
        >>> from voxguard.models.pseudo_speaker import PseudoSpeaker
        >>> pool = SpeakerPool.shipped()
        >>> target = PseudoSpeaker(strategy="random")(pool, np.random.default_rng(0))
        >>> target.vector.shape, bool(80 < np.exp(target.log_f0_mean) < 260)
        ((256,), True)
    """

    strategy: Strategy = "farthest"
    sex: SexChoice = "random"
    candidates: int = 50
    averaged: int = 10
    rescale: bool = True

    def __post_init__(self) -> None:
        for name, accepted in (("strategy", get_args(Strategy)), ("sex", get_args(SexChoice))):
            if getattr(self, name) not in accepted:
                raise ConfigurationError(
                    f"{name} takes {', '.join(accepted)}; got {getattr(self, name)!r}"
                )
        for name, least in (("candidates", 2), ("averaged", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigurationError(
                    f"{name} takes a whole number of at least {least}, got {value!r}"
                )
        if self.averaged >= self.candidates:
            raise ConfigurationError(
                f"averaged takes fewer than candidates (an average of all is the same in every "
                f"draw), got {self.averaged} of {self.candidates}"
            )
        if not isinstance(self.rescale, bool):
            raise ConfigurationError(f"rescale takes True or False, got {self.rescale!r}")

    @property
    def needs_source(self) -> bool:
        """Whether the pseudo-speaker depends on who speaks."""
        return self.strategy == "farthest" or self.sex in ("same", "opposite")

    def __call__(
        self, pool: SpeakerPool, rng: np.random.Generator, source: npt.ArrayLike | None = None
    ) -> Target:
        """Make one.

        With the same state of ``rng``, sources that are alike get pseudo-speakers that are alike.

        Args:
            pool: What it is made from.
            rng: Decides.
            source: ``(d,)`` vector of who speaks in the space of the pool's encoder; not looked at
                unless :attr:`needs_source`.

        Raises:
            ConfigurationError: The pool has too few voices, or not of the sex, or ``source`` is
                needed and missing.
        """
        coin, priority = rng.random(), rng.permutation(len(pool))
        sexes = self._sexes(pool, coin, source)
        parts = [self._part(pool, pool.of_sex(sex), priority, rng, source) for sex in sexes]
        middle = np.mean([part.centre for part in parts], axis=0)
        offset = np.mean([part.offset for part in parts], axis=0)
        if len(parts) == 2 and (self.rescale or self.strategy == "gmm"):
            # the mean of two draws has less spread than one
            offset *= np.sqrt(2.0)
        eligible = np.concatenate([pool.of_sex(sex) for sex in sexes])
        return _target(middle + offset, pool, eligible)

    def _sexes(
        self, pool: SpeakerPool, coin: float, source: npt.ArrayLike | None
    ) -> tuple[Sex, ...]:
        if self.sex == "neutral":
            return SEXES
        if self.sex == "random":
            present = [sex for sex in SEXES if (pool.sex == sex).any()]
            return (present[int(coin * len(present))],)
        own = pool.sex_of(_needed(source))
        return (own if self.sex == "same" else SEXES[own == "F"],)

    def _part(
        self,
        pool: SpeakerPool,
        rows: Rows,
        priority: npt.NDArray[np.intp],
        rng: np.random.Generator,
        source: npt.ArrayLike | None,
    ) -> _Part:
        """What the voices of one sex give."""
        voices = _columns(pool, rows)
        model = VoiceDistribution.fit(voices)
        if self.strategy == "gmm":
            return _Part(model.mean, model.sample_hidden(rng, 1)[0] - model.mean)
        candidates = self._candidates(pool, rows, source)
        averaged = -(-self.averaged // 2) if self.sex == "neutral" else self.averaged
        if averaged >= len(candidates):
            raise ConfigurationError(
                f"an average of {averaged} takes more than {averaged} candidates of one sex; the "
                f"speaker pool has {len(candidates)}: set averaged= lower, or take a larger pool"
            )
        chosen = candidates[np.argsort(priority[candidates])[:averaged]]
        if not self.rescale:
            return _Part(_columns(pool, chosen).mean(axis=0), np.zeros(voices.shape[1]))
        hidden = model.hidden(_columns(pool, candidates))
        centre, spread = hidden.mean(axis=0), hidden.std(axis=0)
        offset = model.hidden(_columns(pool, chosen)).mean(axis=0) - centre
        # of an average of some of a finite set, drawn without putting back
        count = len(candidates)
        shrunk = np.sqrt((count - averaged) / (averaged * (count - 1))) * spread
        return _Part(centre, offset * model.std / np.where(shrunk > 0, shrunk, 1.0))

    def _candidates(self, pool: SpeakerPool, rows: Rows, source: npt.ArrayLike | None) -> Rows:
        if self.strategy == "farthest":
            return farthest(pool.space, _needed(source), rows, self.candidates)
        if self.strategy == "sparse":
            return sparse(pool.space, rows, self.candidates)
        return rows


class _Part(NamedTuple):
    """A voice before the cut: the middle of those that it could have been, and how it differs."""

    centre: Floats
    offset: Floats


def _columns(pool: SpeakerPool, rows: Rows) -> Floats:
    """``(n, 258)``: vectors and F0 statistics of some voices, as one thing."""
    f0 = np.stack([pool.log_f0_mean[rows], np.log(pool.log_f0_std[rows])], axis=1)
    return np.concatenate([pool.vectors[rows], f0], axis=1).astype(np.float64)


def _target(hidden: Floats, pool: SpeakerPool, rows: Rows) -> Target:
    low, high = (edge(_columns(pool, rows)[:, -2:], axis=0) for edge in (np.min, np.max))
    log_mean, log_std = np.clip(hidden[-2:], low, high)
    vector = unit_rows(np.maximum(hidden[:-2], 0.0))  # d-vectors come out of a ReLU
    return Target(vector, float(log_mean), float(np.exp(log_std)))


def _needed(source: npt.ArrayLike | None) -> npt.ArrayLike:
    if source is None:
        raise ConfigurationError(
            "this pseudo-speaker depends on who speaks: give source=, or choose another strategy "
            "and sex"
        )
    return source
