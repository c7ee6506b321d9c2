"""Questions as lines for other harnesses, and who is behind them, which stays here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.probes.attributes.letters import LETTERS
from voxguard.probes.attributes.prompts import REASONED


@dataclass(frozen=True)
class Line:
    """One question, as it leaves.

    Attributes:
        id: Unique; made of what follows and of the clip's random name.
        clip: Random name of the clip, the same for every system.
        audio: File in the exported folder; None: there is none in this condition.
        prompt: The whole text.
        options: Classes in the order offered; empty for an open question.
        answer: The true class.
        system: What is heard: ``"raw"``, an anonymizer's name ...
        attribute: What is asked.
        asked: ``"direct"``, ``"chain-of-thought"`` or ``"privacy"``.
        form: ``"open"`` or ``"closed"``.
        classes: All classes of the attribute.

    Example:
        >>> from voxguard.probes.exports.lines import Line
        >>> line = Line("1", "c", None, "Man or woman?", ("man", "woman"), "man", "no-audio", "sex",
        ...             "direct", "closed", ("man", "woman"))
        >>> line.letter, line.reasoned
        ('A', False)
    """

    id: str
    clip: str
    audio: str | None
    prompt: str
    options: tuple[str, ...]
    answer: str
    system: str
    attribute: str
    asked: str
    form: str
    classes: tuple[str, ...]

    @property
    def letter(self) -> str:
        """Letter of the true option; empty for an open question."""
        return LETTERS[self.options.index(self.answer)] if self.options else ""

    @property
    def reasoned(self) -> bool:
        """Whether the model is asked to reason first."""
        return self.asked == REASONED

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, content: Any, place: str) -> Line:
        """From JSON types.

        Args:
            content: What :meth:`as_dict` gives.
            place: What errors call it.

        Raises:
            ConfigurationError: It is no such line.
        """
        try:
            parts: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in content.items()
            }
            return cls(**parts)
        except (AttributeError, TypeError):
            raise ConfigurationError(f"{place}: no question that voxguard has exported") from None
