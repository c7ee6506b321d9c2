"""In which words the model is asked while it learns; the probes ask in others as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from voxguard.probes.attributes.letters import LETTERS

T = TypeVar("T")

SEX, SPEAKER, WHICH, SAID, WRITTEN = "sex", "speaker", "which word", "is it said", "transcript"
FIRST, TALK = "first word", "conversation"
KINDS = (SEX, SPEAKER, WHICH, SAID, WRITTEN, FIRST, TALK)

WRITE_DOWN = "Write down what is said in the recording, word by word."
SEX_WORDINGS = (
    "Is the speaker {a} or {b}?",
    "Is this voice {a} or {b}?",
    "Do you hear {a} or {b}?",
    "Is the person who speaks {a} or {b}?",
    "Does {a} speak here, or {b}?",
)
OPEN_SEX_WORDINGS = (
    "What is the sex of the speaker?",
    "What is the gender of the speaker?",
    "Which sex does the voice have?",
    "Listen to the voice and name the speaker's gender.",
    "Tell me the speaker's sex.",
    "Describe the speaker's gender from the voice.",
)
SPEAKER_WORDINGS = (
    "Who is speaking?",
    "Which speaker is this?",
    "Name the speaker.",
    "Whose voice is this?",
    "Who is the person in the recording?",
    "Who of the speakers whom you know is speaking?",
)
WHICH_WORDINGS = (
    "Which of these words is said?",
    "Which word do you hear?",
    "One of these words is in the recording. Which?",
    "Which word is spoken in the clip?",
)
SAID_WORDINGS = (
    'Is the word "{word}" said?',
    "Do you hear the word {word}?",
    "Does the speaker say {word}?",
    'Is "{word}" in the recording?',
)
WHAT_FIRST = "What is the first word that is said?"
FIRST_WORDINGS = (
    WHAT_FIRST,
    WHAT_FIRST,
    "Which word does the recording begin with?",
    "What does the speaker say first? One word.",
    "Name the first word.",
)
WRITTEN_WORDINGS = (
    WRITE_DOWN,
    WRITE_DOWN,
    "Write down what is said.",
    "Transcribe the recording.",
    "What does the speaker say?",
    "Transcribe the speech into text.",
)

_OPTIONS = (
    "{question} Options: {options}.",
    "{question} Options: {options}",
    "{question} Choose one of: {options}.",
    "{question} Answer with one of: {options}.",
    "{question} Answer with one of these and nothing else: {options}.",
    "{question}\nOptions: {options}",
    "{question}\n{lines}",
    "{question} ({options})",
)
_AROUND = (
    "{question}",
    "{question}",
    "{question}",
    "{question} Answer in one word.",
    "{question} Answer briefly.",
    "{question}\nAnswer in a few words.",
    "Listen to the recording. {question}",
    "Listen to the voice in this audio. {question}",
    "{question} Think step by step, then answer.",
    "{question} Say what you hear in the voice first, then answer.",
    "You are a helpful assistant that respects privacy. {question}",
    "{question} Do not guess about private matters unless it is needed.",
)


def one(items: Sequence[T], rng: np.random.Generator) -> T:
    """Any of them."""
    return items[int(rng.integers(len(items)))]


def few(items: Sequence[T], count: int, rng: np.random.Generator) -> list[T]:
    """So many different ones, or all."""
    count = min(count, len(items))
    return [items[int(k)] for k in rng.choice(len(items), count, replace=False)]


def shuffled(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    """All of them."""
    return few(items, len(items), rng)


def around(question: str, rng: np.random.Generator) -> str:
    """A question with more around it, or as it is."""
    return one(_AROUND, rng).format(question=question)


def closed(question: str, options: Sequence[str], rng: np.random.Generator) -> str:
    """A question with what there is to choose from."""
    listed = ("; " if rng.random() < 0.2 else ", ").join(options)
    lines = "\n".join(f"- {option}" for option in options)
    made = one(_OPTIONS, rng).format(question=question, options=listed, lines=lines)
    return around(made, rng) if rng.random() < 0.5 else made


def lettered(question: str, options: Sequence[str]) -> str:
    """A question whose answer is a letter."""
    lines = [f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines, "Answer with the letter of one option."])


def sentence(answer: str) -> str:
    """As an answer to an open question.

    Example:
        >>> sentence("a man")
        'A man.'
    """
    return answer[0].upper() + answer[1:] + "."
