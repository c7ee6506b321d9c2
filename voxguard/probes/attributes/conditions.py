"""What the model hears and is asked of each clip, in every condition alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voxguard.audio import resample
from voxguard.audiollm import Question
from voxguard.audiollm.question import Audio
from voxguard.errors import AudioError
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.attributes.prompts import REASONED, Form, Prompt, wording
from voxguard.probes.attributes.taxonomy import MOST_OPTIONS, Attribute
from voxguard.probes.data import Heard, mono
from voxguard.probes.figures import TRANSCRIPT
from voxguard.probes.renderings import Renderings
from voxguard.utility.recognisers.base import SAMPLE_RATE, Recogniser


@dataclass(frozen=True)
class Asked:
    """A question, and what it is about.

    Attributes:
        question: As the model gets it.
        attribute: What is asked.
        truth: The class of the clip.
        system: The condition.
        prompt: ``"direct"`` ...
        form: ``"open"`` or ``"closed"``.
        options: As they are offered.
        clip: Id of the utterance.
        speaker: Who speaks.
    """

    question: Question
    attribute: Attribute
    truth: str
    system: str
    prompt: Prompt
    form: Form
    options: tuple[str, ...]
    clip: str
    speaker: str

    @property
    def reasoned(self) -> bool:
        """Whether the model is asked to reason before it answers."""
        return self.prompt == REASONED


def plan(
    truths: Mapping[str, Mapping[str, str]],
    attributes: Sequence[Attribute],
    utterances: Sequence[Utterance],
    ways: Sequence[Heard],
    prompts: Sequence[Prompt],
    forms: Sequence[Form],
    *,
    recogniser: Recogniser | None = None,
    seed: int = 0,
    together: int = 1,
) -> list[Asked]:
    """All questions, clip by clip.

    Everything about a clip is asked in a row, so that a run that dies has whole clips, and an
    anonymizer renders each clip once: all questions about it are about one rendering.

    Args:
        truths: Attribute to clip to class; clips without one are not asked about it.
        attributes: What is asked.
        utterances: The clips.
        ways: How each is heard.
        prompts: How it is asked.
        forms: With options, without, or both.
        recogniser: Writes down what is said, where the manifest does not tell; None: such clips are
            left out of the condition ``"transcript"``.
        seed: Of the shuffled options.
        together: Clips that may be under way at once.
    """
    asked: list[Asked] = []
    kept = Renderings(together + 1)
    for utterance in utterances:
        own = [a for a in attributes if utterance.id in truths[a.name]]
        for way in ways if own else ():
            said = _said(utterance, recogniser) if way.name == TRANSCRIPT else None
            if said == "":
                continue
            audio = kept.once(f"{way.name}/{utterance.id}", way.audio(utterance))
            asked += [
                _ask(utterance, way, a, truths[a.name], prompt, form, audio, said, seed)
                for a in own
                for prompt in prompts
                for form in forms
                if form == "open" or len(a.classes) <= MOST_OPTIONS
            ]
    return asked


def _ask(
    utterance: Utterance,
    way: Heard,
    attribute: Attribute,
    truths: Mapping[str, str],
    prompt: Prompt,
    form: Form,
    audio: Audio | None,
    said: str | None,
    seed: int,
) -> Asked:
    words = wording(attribute, prompt, form, clip=utterance.id, seed=seed, transcript=said)
    key = "/".join(("attributes", attribute.name, prompt, form, way.key, utterance.id))
    question = Question(key, words.text, audio)
    about = (attribute, truths[utterance.id], way.name, prompt, form, words.options)
    return Asked(question, *about, utterance.id, utterance.speaker)


def _said(utterance: Utterance, recogniser: Recogniser | None) -> str:
    """The transcript; empty: unknown, or the clip cannot be read."""
    if utterance.transcript or recogniser is None:
        return utterance.transcript
    try:
        samples, rate = mono(utterance)
    except AudioError:
        return ""
    return recogniser.transcribe(resample(samples[None], rate, SAMPLE_RATE)[0]).strip()
