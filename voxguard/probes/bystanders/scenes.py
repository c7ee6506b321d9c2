"""Who talks with whom: a user who is enrolled, and somebody who happens to be near."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import resample
from voxguard.bystanders import EnrolledSpeakerFilter
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import ENROLMENT, Manifest, Utterance
from voxguard.probes.bystanders.mixture import Mixture, mix
from voxguard.probes.data import mono

_RATE = 16_000
_ENROLLED = 3  # utterances, where the manifest has no roles
_SHORTEST_S = 2.0


@dataclass(frozen=True)
class Scene:
    """A conversation that is yet to be mixed.

    Attributes:
        id: Unique among scenes.
        user: Who is enrolled, and speaks first.
        bystander: The other speaker.
        main: Turns of the user.
        other: Turns of the bystander.
        overlap: As of :func:`~voxguard.probes.bystanders.mix`.
        snr_db: As there.
        longest_s: Seconds that a turn is cut to; None: whole utterances.
        seed: Of the pauses and cuts.
    """

    id: str
    user: str
    bystander: str
    main: tuple[Utterance, ...]
    other: tuple[Utterance, ...]
    overlap: float = 0.0
    snr_db: float = 0.0
    longest_s: float | None = None
    seed: int = 0

    def mixture(self) -> Mixture:
        """Read, cut and mix it, at 16 kHz.

        Raises:
            AudioError: A recording cannot be used.
        """
        rng = np.random.default_rng(self.seed)
        main, other = ([self._turn(u, rng) for u in turns] for turns in (self.main, self.other))
        return mix(main, other, _RATE, overlap=self.overlap, snr_db=self.snr_db, seed=self.seed)

    def audio(self) -> tuple[Samples, int]:
        """What the device hears."""
        mixture = self.mixture()
        return mixture.samples, mixture.sample_rate

    def _turn(self, utterance: Utterance, rng: np.random.Generator) -> Samples:
        samples, rate = mono(utterance)
        turn: Samples = resample(samples[None], rate, _RATE)[0]
        if self.longest_s is None:
            return turn
        return turn[: round(rng.uniform(min(_SHORTEST_S, self.longest_s), self.longest_s) * _RATE)]


def scenes(
    manifest: Manifest,
    *,
    turns: int = 3,
    per_user: int = 2,
    overlap: float = 0.0,
    snr_db: float = 0.0,
    longest_s: float | None = 6.0,
    seed: int = 0,
) -> list[Scene]:
    """Conversations of every speaker who can be enrolled.

    Args:
        manifest: Recordings. Those with the role enrolment are never part of a scene; without
            roles, the first three of each speaker are the enrolment.
        turns: Of each of the two, at most.
        per_user: Scenes of each user, with a bystander of the same sex and of another by turns,
            where the label ``sex`` is there.
        overlap: Share of the shorter turn in which both talk.
        snr_db: User over bystander.
        longest_s: Turns last from 2 s to this; None: whole utterances.
        seed: Of all choices.

    Raises:
        ConfigurationError: Fewer than two speakers have recordings besides their enrolment.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.bystanders import scenes
        >>> said = tuple(Utterance(f"{who}{i}", Path(), who) for who in "ab" for i in range(5))
        >>> scene = scenes(Manifest("two", said), turns=2, per_user=1)[0]
        >>> scene.user, scene.bystander, [turn.id for turn in scene.main]
        ('a', 'b', ['a3', 'a4'])
    """
    if min(turns, per_user) < 1:
        raise ConfigurationError(f"takes 1 turn and 1 scene or more, got {turns!r}, {per_user!r}")
    spoken = {who: rest for who in manifest.speakers if (rest := _divided(manifest, who)[1])}
    if len(spoken) < 2:
        raise ConfigurationError(
            f"{manifest.name}: {len(spoken)} speakers have recordings besides their enrolment; "
            "two are needed for a conversation"
        )
    rng = np.random.default_rng(seed)
    found = []
    for user, own in spoken.items():
        for number in range(per_user):
            other = _bystander(user, spoken, number, rng)
            main, others = (
                tuple(of[i] for i in rng.permutation(len(of))[:turns])
                for of in (own, spoken[other])
            )
            found.append(
                Scene(
                    f"{user}-{other}-{number}-{overlap:g}-{snr_db:g}",
                    user,
                    other,
                    main,
                    others,
                    overlap,
                    snr_db,
                    longest_s,
                    int(rng.integers(1 << 31)),
                )
            )
    return found


def enrolled_filters(manifest: Manifest, **options: Any) -> Callable[[str], EnrolledSpeakerFilter]:
    """A filter for each user, from the recordings that :func:`scenes` leaves for enrolment.

    Args:
        manifest: As of :func:`scenes`.
        **options: Of :class:`~voxguard.bystanders.EnrolledSpeakerFilter`.

    Returns:
        From a speaker to the filter; made when it is first asked for, and kept.
    """

    @cache
    def filter_of(user: str) -> EnrolledSpeakerFilter:
        paths = [utterance.path for utterance in _divided(manifest, user)[0]]
        return EnrolledSpeakerFilter.from_files(paths, **options)

    return filter_of


def _divided(manifest: Manifest, speaker: str) -> tuple[Sequence[Utterance], Sequence[Utterance]]:
    """A speaker's recordings: for the enrolment, and for conversations."""
    own = [u for u in manifest.utterances if u.speaker == speaker]
    if any(u.role for u in manifest.utterances):
        enrolment = [u for u in own if u.role == ENROLMENT]
        return enrolment, [u for u in own if u.role != ENROLMENT] if enrolment else []
    return own[:_ENROLLED], own[_ENROLLED:]


def _bystander(
    user: str, spoken: dict[str, Sequence[Utterance]], number: int, rng: np.random.Generator
) -> str:
    sex = {who: own[0].labels.get("sex", "") for who, own in spoken.items()}
    others = [who for who in spoken if who != user]
    alike = [who for who in others if (sex[who] == sex[user]) == (number % 2 == 0)]
    return str(rng.choice(alike or others))
