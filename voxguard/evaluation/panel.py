"""The panel: every attacker of the protocol, with every knowledge, on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxguard.attacks.backends import Backend, create_backend
from voxguard.attacks.encoders import Encoder, create_encoder
from voxguard.attacks.recording import Recording, split
from voxguard.attacks.verification import ScoreMatrix, verify
from voxguard.errors import ConfigurationError
from voxguard.evaluation.context import Context
from voxguard.evaluation.protocol import AttackerPlan, Knowledge
from voxguard.evaluation.store import Embedded
from voxguard.evaluation.trials import Sets


@dataclass(frozen=True)
class Attack:
    """One attacker of the panel and what it scored.

    Attributes:
        knowledge: What it knows.
        called: What the report calls the encoder.
        encoder: What makes its vectors, trained if it is trainable.
        backend: What compares them, trained if it is trainable.
        enrolment: Vectors of the enrolment utterances.
        trials: Vectors of the trial utterances.
        scores: Every enrolled speaker against every trial utterance.
    """

    knowledge: Knowledge
    called: str
    encoder: Encoder
    backend: Backend
    enrolment: Embedded
    trials: Embedded
    scores: ScoreMatrix

    @property
    def name(self) -> str:
        """``knowledge/encoder/backend``."""
        return f"{self.knowledge}/{self.called}/{self.backend.name}"


class Panel:
    """Runs the attackers; what could not be run is told in the context's notes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._pieces: dict[bool, list[Recording]] = {}  # cutting reads all the training speech

    def run(self) -> list[Attack]:
        """Run every attacker that the data allow."""
        return [
            attack
            for plan in self._context.protocol.attackers
            for knowledge in plan.knowledge
            for attack in self._attacks(plan, knowledge)
        ]

    def _attacks(self, plan: AttackerPlan, knowledge: Knowledge) -> list[Attack]:
        encoder = create_encoder(plan.encoder, **plan.options)
        training = self._training(knowledge)
        retrained = knowledge == "semi-informed"
        named = f"{knowledge}/{plan.called}"
        if encoder.trainable and not training:
            self._context.notes.append(
                f"{named} was not run: no speakers are left for it to train on"
            )
            return []
        try:
            encoder = self._store.trained(encoder, training, self._context.stage(f"train {named}"))
            enrolment, trials = self._embed(encoder, knowledge, named)
        except ConfigurationError as error:
            self._context.notes.append(f"{named} was not run: {error}")
            return []
        learnt: Embedded | None = None
        attacks = []
        for name in plan.backends:
            backend = create_backend(name)
            if retrained and not (encoder.trainable or backend.trainable):
                continue  # nothing is retrained: this is the lazy-informed attacker
            if backend.trainable:
                if not training:
                    self._context.notes.append(
                        f"{named}/{name} was not run: there is nobody to train on"
                    )
                    continue
                try:
                    learnt = learnt or self._learn(encoder, training, retrained, named)
                    backend = backend.fit(learnt.vectors, learnt.speakers)
                except ConfigurationError as error:
                    self._context.notes.append(f"{named}/{name} was not run: {error}")
                    continue
            scores = score(backend, enrolment, trials, self._context.sets)
            attacks.append(
                Attack(knowledge, plan.called, encoder, backend, enrolment, trials, scores)
            )
        return attacks

    def _training(self, knowledge: Knowledge) -> list[Recording]:
        utterances = self._context.sets.train
        if knowledge != "semi-informed":
            return self._context.speech.original(utterances)
        return [
            recording
            for draw in range(self._context.draws)
            for recording in self._context.speech.anonymized(utterances, draw)
        ]

    def _embed(
        self, encoder: Encoder, knowledge: Knowledge, named: str
    ) -> tuple[Embedded, Embedded]:
        informed = knowledge in ("lazy-informed", "semi-informed")
        first = self._context.speech.anonymized if informed else self._context.speech.original
        second = (
            self._context.speech.original
            if knowledge == "unprotected"
            else self._context.speech.anonymized
        )
        tell = self._context.stage(f"embed {named}")
        return (
            self._store.embed(encoder, first(self._context.sets.enrolment), tell),
            self._store.embed(encoder, second(self._context.sets.trial), tell),
        )

    def _learn(
        self, encoder: Encoder, training: Sequence[Recording], retrained: bool, named: str
    ) -> Embedded:
        tell = self._context.stage(f"learn {named}")
        if encoder.reads_transcript:  # pieces have no transcript of their own
            return self._store.embed(encoder, training, tell)
        if retrained not in self._pieces:
            seconds = self._context.protocol.segment_s
            pieces = [piece for recording in training for piece in split(recording, seconds)]
            self._pieces[retrained] = pieces
        return self._store.embed(encoder, self._pieces[retrained], tell)


def score(backend: Backend, enrolment: Embedded, trials: Embedded, sets: Sets) -> ScoreMatrix:
    """Every enrolled speaker against every trial utterance."""
    ids = [recording.id for recording in trials.recordings]
    enrolled = sorted(set(enrolment.speakers))
    return verify(
        backend,
        enrolment.vectors,
        enrolment.speakers,
        trials.vectors,
        trials.speakers,
        ids,
        allowed=sets.mask(enrolled, ids),
    )
