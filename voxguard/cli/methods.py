"""``voxguard methods``: what there is to choose from."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from voxguard.cli.output import echo_json, echo_table
from voxguard.errors import VoxguardError


def methods(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """List the anonymization methods and their options, built in and plugged in."""
    from voxguard.anonymizers.base import methods as names

    found = [_describe(name) for name in names()]
    if as_json:
        echo_json({"methods": found})
        return
    rows = [
        [
            about["name"],
            {True: "yes", False: "no", None: ""}[about["streamable"]],
            about["summary"] or about["error"],
            ", ".join(
                name if name in about["required"] else f"{name}={value}"
                for name, value in about["options"].items()
            ),
        ]
        for about in found
    ]
    echo_table(rows, "method", "live", "what it does", "options (-o NAME=VALUE)")


def _describe(name: str) -> dict[str, Any]:
    from voxguard.anonymizers.base import option_defaults, registry

    about: dict[str, Any] = {"name": name, "streamable": None, "summary": "", "options": {}}
    about |= {"required": [], "error": None}
    try:
        cls = registry.get(name)
        defaults = option_defaults(cls)
    except (VoxguardError, ValueError, TypeError) as error:
        return about | {"error": str(error)}
    required = [option for option, value in defaults.items() if value is inspect.Parameter.empty]
    return about | {
        "streamable": bool(cls.streamable) or "live" in defaults,
        "summary": (inspect.getdoc(cls) or name).splitlines()[0],
        "options": {
            option: None if option in required else value for option, value in defaults.items()
        },
        "required": required,
    }
