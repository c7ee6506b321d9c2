"""What a model is asked about what is said: which word, a question of your own, all of it."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Utterance
from voxguard.metrics import edits, normalize_text
from voxguard.probes.attributes.letters import LETTERS, letter

Task = Literal["words", "questions", "transcription"]
TASKS: tuple[Task, ...] = get_args(Task)

OPTIONS = 4
_LEAST_LETTERS = 4


@dataclass(frozen=True)
class Exercise:
    """One question about what is said in a clip, and how its answer is marked.

    Attributes:
        task: Of which kind.
        utterance: The clip.
        prompt: The question.
        truth: The right answer.
        options: What was offered.
    """

    task: Task
    utterance: Utterance
    prompt: str
    truth: str
    options: tuple[str, ...] = ()

    def mark(self, answer: str) -> float:
        """How right an answer is, 0 to 1.

        A word or the answer to a question is right or wrong; a transcription has the share of its
        words that are right, ``max(0, 1 - WER)``.
        """
        said = normalize_text(answer)
        if self.task == "transcription":
            wrong, words = edits([self.truth], [said])[0]
            return max(0.0, 1.0 - float(wrong) / float(words))
        if not self.options:
            return float(_holds(said, normalize_text(self.truth)))
        chosen = letter(answer, len(self.options))
        named = [option for option in self.options if _holds(said, option)]
        if chosen is not None:
            named = [*{*named, self.options[LETTERS.index(chosen)]}]
        return float(named == [self.truth])


def exercises(
    utterances: Sequence[Utterance],
    tasks: Sequence[Task],
    seed: int,
    *,
    others: Sequence[Utterance] = (),
) -> tuple[list[Exercise], list[str]]:
    """One exercise a clip and task, where the manifest has what it takes.

    Args:
        utterances: The clips.
        tasks: ``"words"`` and ``"transcription"`` need transcripts, ``"questions"`` the columns
            ``question`` and ``answer``.
        seed: Of the words that are asked for and offered.
        others: Whose words may be offered, too.

    Returns:
        The exercises, and what had to be left out.

    Raises:
        ConfigurationError: An unknown task, or no exercise at all.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Utterance
        >>> from voxguard.probes.utility.tasks import exercises
        >>> clips = [Utterance(str(i), Path("a.wav"), "s", transcript=text) for i, text in
        ...          enumerate(["morning light", "evening shade", "sudden storm"])]
        >>> found, _ = exercises(clips, ["words"], seed=0)
        >>> found[0].truth in ("morning", "light"), found[0].mark(f"It is {found[0].truth}.")
        (True, 1.0)
    """
    if unknown := [task for task in tasks if task not in TASKS]:
        raise ConfigurationError(f"unknown task {unknown[0]!r}; there are {', '.join(TASKS)}")
    vocabulary = sorted({word for u in (*utterances, *others) for word in _words(u.transcript)})
    found, notes = [], []
    for task in tasks:
        made = [one for u in utterances if (one := _exercise(task, u, vocabulary, seed))]
        found += made
        if len(made) < len(utterances):
            notes.append(
                f"{task}: {len(utterances) - len(made)} of {len(utterances)} clips have nothing to "
                "ask"
            )
    if not found:
        raise ConfigurationError(
            "there is nothing to ask: words and transcription need transcripts, questions the "
            "columns question and answer"
        )
    return found, notes


def _exercise(
    task: Task, utterance: Utterance, vocabulary: Sequence[str], seed: int
) -> Exercise | None:
    if task == "questions":
        question, answer = (utterance.labels.get(name, "") for name in ("question", "answer"))
        return Exercise(task, utterance, question, answer) if question and answer else None
    if task == "transcription":
        words = normalize_text(utterance.transcript)
        return Exercise(task, utterance, _TRANSCRIBE, words) if words else None
    return _word(utterance, vocabulary, random.Random(f"{seed} {utterance.id}"))  # noqa: S311


_TRANSCRIBE = "Write down what is said in the recording, word for word, and nothing else."


def _word(utterance: Utterance, vocabulary: Sequence[str], rng: random.Random) -> Exercise | None:
    said = set(normalize_text(utterance.transcript).split())
    own = sorted(_words(utterance.transcript))
    others = [word for word in vocabulary if word not in said]
    if not own or len(others) < OPTIONS - 1:
        return None
    truth = rng.choice(own)
    # Of like length, so that the longest clip does not give the longest word away.
    others = sorted(others, key=lambda word: (abs(len(word) - len(truth)), rng.random()))
    offered = [truth, *others[: OPTIONS - 1]]
    rng.shuffle(offered)
    listed = "\n".join(f"{LETTERS[i]}) {word}" for i, word in enumerate(offered))
    prompt = f"Which of these words is said in the recording? Name one.\n{listed}"
    return Exercise("words", utterance, prompt, truth, tuple(offered))


def _words(transcript: str) -> set[str]:
    words = normalize_text(transcript).split()
    return {word for word in words if len(word) >= _LEAST_LETTERS and word.isalpha()}


def _holds(said: str, words: str) -> bool:
    return re.search(rf"(?<!\S){re.escape(words)}(?!\S)", said) is not None
