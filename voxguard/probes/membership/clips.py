"""Members and non-members in one row, and what is resampled and dealt into folds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.data import choose

Bools = npt.NDArray[np.bool_]

_SIDES = ("non-members", "members")


@dataclass(frozen=True, eq=False)
class Clips:
    """The clips of an audit.

    Attributes:
        utterances: Members, then non-members.
        member: ``(n,)`` which are members.
        units: ``(n,)`` what is resampled, and kept in one fold: the speaker; the clip, where all
            are of one speaker.
    """

    utterances: tuple[Utterance, ...]
    member: Bools
    units: tuple[str, ...]

    def __post_init__(self) -> None:
        for side in (True, False):
            if len({u for u, m in zip(self.units, self.member, strict=True) if m == side}) < 2:
                raise ConfigurationError(
                    f"the {_SIDES[side]} have to be of two speakers or more, or members and "
                    "non-members all of one and the same; otherwise a voice is told, not a "
                    "membership"
                )

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def unit(self) -> str:
        """``"speaker"`` or ``"clip"``."""
        return "clip" if len(set(self.units)) == len(self) else "speaker"

    @property
    def keys(self) -> tuple[str, ...]:
        """``(n,)`` names that are unique over both sides."""
        sides = ("member" if member else "other" for member in self.member)
        pairs = zip(sides, self.utterances, strict=True)
        return tuple(f"{side}/{utterance.id}" for side, utterance in pairs)

    def only(self, kept: Sequence[bool] | Bools) -> Clips:
        """Some of the clips."""
        where = np.flatnonzero(kept)
        return Clips(
            tuple(self.utterances[i] for i in where),
            self.member[where],
            tuple(self.units[i] for i in where),
        )

    def about(self) -> dict[str, Any]:
        """For the document."""
        members = int(self.member.sum())
        return {
            "members": members,
            "non_members": len(self) - members,
            "speakers": len({utterance.speaker for utterance in self.utterances}),
            "unit": self.unit,
        }


def clips_of(
    members: Manifest, non_members: Manifest, *, limit: int | None = None, seed: int = 0
) -> Clips:
    """Put members and non-members into one row.

    A speaker's name means the same person in both.

    Args:
        members: What the model was trained on.
        non_members: What it was not, alike in all else.
        limit: Most clips of each; None: all.
        seed: Of the choice.

    Raises:
        ConfigurationError: A recording is in both; a side has one speaker only.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.membership.clips import clips_of
        >>> seen, unseen = (
        ...     Manifest(side, tuple(Utterance(f"{side}{i}", Path(f"{side}{i}.wav"), f"{i}")
        ...                          for i in range(3))) for side in "ab")
        >>> clips_of(seen, unseen).about()
        {'members': 3, 'non_members': 3, 'speakers': 3, 'unit': 'speaker'}
    """
    seen, unseen = choose(members, limit, seed), choose(non_members, limit, seed)
    both = {u.path.resolve() for u in seen} & {u.path.resolve() for u in unseen}
    if both:
        raise ConfigurationError(
            f"{len(both)} recordings are in both lists, such as {min(both).name}; a clip is a "
            "member or is not"
        )
    utterances = (*seen, *unseen)
    speakers = tuple(utterance.speaker for utterance in utterances)
    alone = len(set(speakers)) == 1
    units = tuple(f"{i}" for i in range(len(utterances))) if alone else speakers
    return Clips(utterances, np.arange(len(utterances)) < len(seen), units)
