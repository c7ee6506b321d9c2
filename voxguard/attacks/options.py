"""Parts of an attack by name: options are checked before anything is built."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from voxguard.errors import ConfigurationError
from voxguard.registry import Registry

T = TypeVar("T")


def option_defaults(cls: type[Any]) -> dict[str, Any]:
    """The options that a class takes, with their defaults.

    Example:
        >>> from voxguard.attacks.options import option_defaults
        >>> class Example:
        ...     def __init__(self, *, shrinkage: float = 0.1) -> None: ...
        >>> option_defaults(Example)
        {'shrinkage': 0.1}
    """
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def make(registry: Registry[T], name: str, options: dict[str, Any]) -> T:
    """Build what a registry holds under a name.

    Raises:
        UnknownNameError: Nothing bears that name.
        ConfigurationError: No such option, or one that has no default is missing.

    Example:
        >>> from voxguard.attacks.backends.base import backends
        >>> from voxguard.attacks.options import make
        >>> make(backends, "wccn", {"shrinkage": 0.5}).shrinkage
        0.5
    """
    cls = registry.get(name)
    defaults = option_defaults(cls)
    if unknown := [option for option in options if option not in defaults]:
        raise ConfigurationError(
            f"the {registry.kind} {name} has no option {unknown[0]!r}; "
            f"it takes {', '.join(defaults) or 'none'}"
        )
    needed = [option for option, value in defaults.items() if value is inspect.Parameter.empty]
    if missing := [option for option in needed if option not in options]:
        raise ConfigurationError(
            f"the {registry.kind} {name} cannot do without its option {missing[0]!r}"
        )
    return cls(**options)


def check_fraction(name: str, value: float) -> float:
    """Check an option that goes from 0 to 1.

    Raises:
        ConfigurationError: It does not.
    """
    if not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{name}= takes 0 to 1, got {value!r}")
    return float(value)


def check_count(name: str, value: int, least: int = 1) -> int:
    """Check an option that counts something.

    Raises:
        ConfigurationError: Not an integer, or less than the least.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name}= takes an integer from {least}, got {value!r}")
    return value


def check_positive(name: str, value: float) -> float:
    """Check an option that is a finite number above 0.

    Raises:
        ConfigurationError: It is not.
    """
    if not 0.0 < value < float("inf"):
        raise ConfigurationError(f"{name}= takes a number above 0, got {value!r}")
    return float(value)
