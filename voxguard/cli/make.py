"""Makes the anonymizer that the command line names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxguard.cli.output import echo_warning
from voxguard.errors import ConfigurationError

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer


def make_anonymizer(
    method: str | None,
    option: list[str],
    key_file: Path | None,
    seed: int | None,
    scope: str | None,
    session: str | None,
    *,
    live: bool = False,
) -> Anonymizer:
    """An anonymizer by the name of its method.

    Args:
        method: Its name; None is the default method.
        option: ``NAME=VALUE``, values in YAML.
        key_file: Holds a secret key.
        seed: For research.
        scope: How long a speaker keeps one voice.
        session: Names the session.
        live: Whether to work on a live signal: a method that has a mode for it takes that, unless
            the options say otherwise.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    from voxguard.anonymizers.base import DEFAULT, create, option_defaults, registry
    from voxguard.pseudonym import read_key

    given = {"seed": seed, "scope": scope, "session": session}
    randomness: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if key_file is not None:
        randomness["key"] = read_key(key_file)
    options = parse_options(option)
    method = method or DEFAULT
    if live and "live" in option_defaults(registry.get(method)):
        options.setdefault("live", True)
    try:
        anonymizer = create(method, **options, **randomness)
    except TypeError as error:  # a plug-in that does not check its options
        raise ConfigurationError(f"{method} does not take these options: {error}") from None
    if seed is not None:
        echo_warning(
            "--seed weakens privacy: whoever knows the seed can repeat the draw and, for some "
            "methods, undo it. For anything but research leave it out, or use --key-file"
        )
    return anonymizer


def parse_options(option: list[str]) -> dict[str, Any]:
    """``NAME=VALUE`` each, values in YAML; and ``None``, as ``voxguard methods`` shows it.

    Raises:
        ConfigurationError: One of them is something else, or not for methods.
    """
    if not option:
        return {}
    import yaml

    parsed: dict[str, Any] = {}
    for text in option:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name.isidentifier()):
            raise ConfigurationError(f"--option takes NAME=VALUE, got {text!r}")
        if name in ("key", "seed", "scope", "session"):
            own = "key-file" if name == "key" else name
            raise ConfigurationError(f"--option {name} is not for methods; use --{own}")
        if name in parsed:
            raise ConfigurationError(f"--option {name} is given twice")
        try:
            parsed[name] = None if value.strip() == "None" else yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError):
            raise ConfigurationError(
                f"--option {name}: {value!r} is not a YAML value such as 0.8, true or [0.6,0.9]"
            ) from None
    return parsed
