"""Who is public, who is private and in the training or not, and who is verified."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recipes.dp_speaker_verification.settings import Settings
from voxguard.evaluation.manifest import ENROLMENT, TRIAL, Manifest, Utterance, read_manifest

Spoken = dict[str, list[Utterance]]

_ENROLLED = 5  # recordings of a test speaker, where no role says which
_TEST_SHARE = 0.1
_FEWEST = 16  # audited speakers; the audit wants as many


@dataclass(frozen=True)
class Corpus:
    """Recordings by speaker, by what they are for; no speaker is in two of them.

    Attributes:
        public: Whom nobody hides.
        private: Whom DP is for.
        test: Enrolment and trial recordings, with roles.
    """

    public: Spoken
    private: Spoken
    test: tuple[Utterance, ...]

    @property
    def utterances(self) -> list[Utterance]:
        """All of them."""
        spoken = [*self.public.values(), *self.private.values()]
        return [*self.test, *(u for theirs in spoken for u in theirs)]


@dataclass(frozen=True)
class Draw:
    """Which private speakers one seed trains on.

    Attributes:
        members: In the training, audited or not.
        audited: Whose coin was tossed.
        included: For each of them, how it fell.
    """

    members: tuple[str, ...]
    audited: tuple[str, ...]
    included: tuple[bool, ...]

    @property
    def outsiders(self) -> list[str]:
        """Audited speakers who are not in the training."""
        return [name for name, is_in in zip(self.audited, self.included, strict=True) if not is_in]


def read(data: Path, settings: Settings) -> Corpus:
    """Read a manifest, or a folder of speakers' folders.

    Speakers with roles are verified (else those of the split ``test`` or ``eval``, else a tenth of
    all by lot), the rest is public or private.

    Raises:
        SystemExit: There are too few speakers.
    """
    manifest = read_manifest(data / "manifest.csv" if (data / "manifest.csv").exists() else data)
    verified = _verified(manifest)
    rest: Spoken = defaultdict(list)
    for utterance in manifest.utterances:
        if utterance.speaker not in verified:
            rest[utterance.speaker].append(utterance)
    asked = [
        speaker
        for speaker, theirs in rest.items()
        if settings.public_split in ("", *(u.labels.get("split") for u in theirs))
    ]
    most = settings.recordings or None
    public = sorted(_lot(asked)[: settings.public_speakers])
    private = {name: theirs[:most] for name, theirs in sorted(rest.items()) if name not in public}
    if len(public) < 2 or len(private) * settings.audited < _FEWEST:
        raise SystemExit(
            f"{data}: {len(public)} public and {len(private)} private speakers; it takes 2 or more "
            f"public ones and {_FEWEST / settings.audited:.0f} or more private ones"
        )
    return Corpus(
        {name: rest[name][:most] for name in public},
        private,
        _with_roles([u for u in manifest.utterances if u.speaker in verified]),
    )


def draw(private: Mapping[str, object], settings: Settings, seed: int) -> Draw:
    """Whom a seed audits, and how their coins fall."""
    rng = np.random.default_rng([seed, 5])
    names = sorted(private)
    audited = sorted(rng.permutation(names)[: round(settings.audited * len(names))].tolist())
    included = tuple(bool(x) for x in rng.random(len(audited)) < 0.5)
    out = {name for name, is_in in zip(audited, included, strict=True) if not is_in}
    return Draw(tuple(name for name in names if name not in out), tuple(audited), included)


def _verified(manifest: Manifest) -> set[str]:
    if with_role := {u.speaker for u in manifest.utterances if u.role}:
        return with_role
    split = {u.speaker for u in manifest.utterances if u.labels.get("split") in ("test", "eval")}
    if split:
        return split
    return set(_lot(manifest.speakers)[: max(2, round(_TEST_SHARE * len(manifest.speakers)))])


def _lot(names: Sequence[str] | Mapping[str, object]) -> list[str]:
    """In an order that is by chance, and the same every time."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())


def _with_roles(utterances: Sequence[Utterance]) -> tuple[Utterance, ...]:
    if any(u.role for u in utterances):
        return tuple(u for u in utterances if u.role)
    spoken: Spoken = defaultdict(list)
    for utterance in utterances:
        spoken[utterance.speaker].append(utterance)
    dealt = []
    for theirs in spoken.values():
        enrolled = min(_ENROLLED, len(theirs) // 2)
        dealt += [
            replace(u, role=ENROLMENT if number < enrolled else TRIAL)
            for number, u in enumerate(theirs)
        ]
    if not any(u.role == ENROLMENT for u in dealt):
        raise SystemExit("no test speaker has two recordings, one to enrol and one to try")
    return tuple(dealt)
