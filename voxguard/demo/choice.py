"""The methods that the page offers, each tried out once."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from typing import Any

from voxguard.anonymizers.base import DEFAULT, Anonymizer, create, methods, registry
from voxguard.dsp.voice import synthetic_voice
from voxguard.errors import ConfigurationError, VoxguardError

_TRIAL_S, _RATE = 0.5, 16_000


@dataclass(frozen=True)
class Method:
    """A method as the page shows it.

    Attributes:
        name: In the registry.
        summary: What it is, in a line.
        error: Why it cannot be made here; None if it can.
        default: Whether it is the one to begin with.
    """

    name: str
    summary: str
    error: str | None
    default: bool


class Choice:
    """Anonymizers by name, made and tried out when first asked for.

    Example:
        >>> from voxguard.demo.choice import Choice
        >>> offered = {method["name"]: method["error"] for method in Choice().describe()}
        >>> offered["mcadams"] is None, offered["knn_vc"]
        (True, "knn_vc cannot do without its option 'vocoder'")
    """

    def __init__(self) -> None:
        self._made: dict[str, Anonymizer | ConfigurationError] = {}

    def describe(self) -> list[dict[str, Any]]:
        """All methods of the registry, as plain dictionaries; the default first."""
        found = [self._describe(name) for name in methods()]
        found.sort(key=lambda about: (about.error is not None, not about.default, about.name))
        return [asdict(about) for about in found]

    def get(self, name: str) -> Anonymizer:
        """An anonymizer with its default options; each recording gets a draw of its own.

        Raises:
            ConfigurationError: No such method, or it cannot be made here.
        """
        if name not in self._made:
            self._made[name] = _try_out(name)
        made = self._made[name]
        if isinstance(made, ConfigurationError):
            raise made
        return made

    def _describe(self, name: str) -> Method:
        summary, reason = "", None
        try:
            summary = (inspect.getdoc(registry.get(name)) or "").partition("\n")[0]
            self.get(name)
        except ConfigurationError as error:
            reason = str(error)
        return Method(name, summary, reason, default=name == DEFAULT)


def _try_out(name: str) -> Anonymizer | ConfigurationError:
    """What a method needs is often missed only when it is used, so it is used."""
    try:
        anonymizer = create(name)
    except ConfigurationError as error:
        return error
    except Exception as error:  # a plug-in can fail in any way
        return ConfigurationError(f"{name} cannot be made ({type(error).__name__})")
    try:
        anonymizer(synthetic_voice(seconds=_TRIAL_S, sample_rate=_RATE), _RATE)
    except ConfigurationError as error:
        return error
    except VoxguardError:  # not a matter of what is installed: let it be said when it is used
        pass
    return anonymizer
