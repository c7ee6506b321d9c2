"""What the attacker wants of each clip, which answer is right, and how answers are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.adversarial.answers import begins_with, words
from voxguard.probes.adversarial.outcomes import Outcome


@dataclass(frozen=True)
class Case:
    """A clip and what the attacker wants of it.

    Attributes:
        utterance: The clip.
        target: What the answer wanted is called.
        text: The answer wanted, word by word.
        clean: The model's answer to the clip as it is.
        truth: The right answer; empty: unknown.
    """

    utterance: Utterance
    target: str
    text: str
    clean: str
    truth: str


class Goal:
    """Which answer the attacker wants, and which is right.

    Args:
        target: The answer wanted of all; None: any of the answers that is not given.
        label: Column of the manifest that holds the truth.
        answers: Right answer for each value in that column, or several, the first to be aimed at.

    Raises:
        ConfigurationError: Nothing to want, or a label without answers.

    Example:
        >>> from voxguard.probes.adversarial.goal import Goal
        >>> goal = Goal(None, "sex", {"F": ["A woman.", "female"], "M": "A man."})
        >>> goal.read("Female!"), goal.read("a man"), goal.read("Who knows?")
        ('F', 'M', 'who knows')
    """

    def __init__(
        self,
        target: str | None,
        label: str | None,
        answers: Mapping[str, str | Sequence[str]] | None,
    ) -> None:
        known = {
            name: (texts,) if isinstance(texts, str) else tuple(texts)
            for name, texts in (answers or {}).items()
        }
        if target is None and len(known) < 2:
            raise ConfigurationError(
                "give target=, the answer that the attacker wants, or label= and answers= with two "
                f"answers or more; got {len(known)}"
            )
        if (label is None) != (not known):
            raise ConfigurationError("label= and answers= go together: give both or neither")
        texts = [target] if target is not None else []
        for text in [*texts, *(text for own in known.values() for text in own)]:
            if not words(text):
                raise ConfigurationError(f"an answer needs a word, got {text!r}")
        self._target, self._label = target, label
        self.answers = known

    def read(self, text: str) -> str:
        """What an answer is called: a value of the label, the target, or else its own words."""
        if self._target is not None and begins_with(text, self._target):
            return self._called(self._target)
        return self._called(text)

    def case(self, utterance: Utterance, clean: str) -> Case | None:
        """A clip by its clean answer; None: it is answered with the target as it is.

        Raises:
            ConfigurationError: Its label has no answer.
        """
        wanted = [texts[0] for texts in self.answers.values()]
        said = self.read(clean)
        for text in wanted if self._target is None else [self._target]:
            if (name := self.read(text)) != said:
                return Case(utterance, name, text, said, self._truth(utterance))
        return None

    def outcome(self, case: Case, kind: str, system: str, answer: str | None) -> Outcome:
        """What the model said to a clip under an attack, behind a system."""
        said = None if answer is None else self.read(answer)
        about = case.utterance.id, case.utterance.speaker
        return Outcome(*about, kind, system, case.target, case.clean, case.truth, said)

    def _called(self, text: str) -> str:
        for name, texts in self.answers.items():
            if any(begins_with(text, own) for own in texts):
                return name
        return " ".join(words(text))

    def _truth(self, utterance: Utterance) -> str:
        if self._label is None:
            return ""
        value = utterance.labels.get(self._label, "")
        if value not in self.answers:
            raise ConfigurationError(
                f"{utterance.id} has the {self._label} {value!r}; answers= has "
                f"{', '.join(self.answers)}"
            )
        return value
