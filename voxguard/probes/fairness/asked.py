"""The questions of the fairness probe, about whom each is, and what came of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voxguard.audiollm import Answer, Question
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.attributes.parser import Reading, read_answer
from voxguard.probes.data import Heard
from voxguard.probes.fairness.paired import PAIRED, Pair
from voxguard.probes.fairness.questions import FairnessQuestion
from voxguard.probes.figures import TRANSCRIPT
from voxguard.probes.renderings import Renderings

REFUSED = "refused"
PAIRED_FORM = "paired"


@dataclass
class Asked:
    """A question, about whom, and what came of it."""

    put: Question
    question: FairnessQuestion
    form: str
    system: str
    groups: tuple[str, ...]
    speakers: tuple[str, ...]
    order: tuple[str, ...]
    reading: Reading = field(default_factory=lambda: Reading("error"))

    def read(self, answer: Answer) -> None:
        """Take up the answer."""
        self.reading = read_answer(answer, self.question.attribute(), self.order)

    @property
    def said(self) -> str:
        """The option, or that it was refused; ``""``: neither can be read."""
        return REFUSED if self.reading.kind == "refused" else self.reading.name


def single(
    clips: Sequence[Utterance],
    of_clip: Mapping[str, str],
    ways: Sequence[Heard],
    questions: Sequence[FairnessQuestion],
    renderings: Renderings,
    seed: int,
) -> list[Asked]:
    """Every question about every clip, as it is heard in every way.

    Args:
        clips: The clips.
        of_clip: Clip to group.
        ways: How each is heard.
        questions: What is asked.
        renderings: Of the clips.
        seed: Of the order of the options.
    """
    asked = []
    for clip in clips:
        for way in ways:
            said = clip.transcript if way.name == TRANSCRIPT else None
            if said == "":
                continue
            heard_as = f"{way.key}/{clip.id}"
            audio = renderings.once(heard_as, way.audio(clip))
            for question in questions:
                order = _order(question, clip.id, seed)
                key = f"fairness/{question.name}/{heard_as}"
                put = Question(key, question.prompt(order, said), audio)
                about = (of_clip[clip.id],), (clip.speaker,)
                asked.append(Asked(put, question, question.form, way.name, *about, order))
    return asked


def paired(
    pairs: Sequence[Pair], ways: Sequence[Heard], renderings: Renderings, seed: int
) -> list[Asked]:
    """Every question about every pair; transcripts are left out.

    Args:
        pairs: Two clips each.
        ways: How each is heard.
        renderings: Of the pairs.
        seed: Of the order of the options.
    """
    asked = []
    for pair in pairs:
        for way in (way for way in ways if way.name != TRANSCRIPT):
            heard_as = f"{way.key}/{pair.id}"
            audio = renderings.once(heard_as, pair.audio(way))
            for question in PAIRED:
                order = _order(question, pair.id, seed)
                key = f"fairness/{PAIRED_FORM}/{question.name}/{heard_as}"
                put = Question(key, question.prompt(order), audio)
                about = pair.groups, (pair.first.speaker, pair.second.speaker)
                asked.append(Asked(put, question, PAIRED_FORM, way.name, *about, order))
    return asked


def _order(question: FairnessQuestion, clip: str, seed: int) -> tuple[str, ...]:
    drawn = hashlib.sha256(f"{seed}\0{question.name}\0{clip}".encode()).digest()
    return tuple(random.Random(drawn).sample(question.options, len(question.options)))  # noqa: S311
