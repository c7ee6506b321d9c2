"""``voxguard doctor``: what is installed, what is used, what is missing."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Annotated, Any

import typer

import voxguard
from voxguard.cli.output import echo_json, echo_table

_CORE = ("numpy", "scipy", "soundfile", "soxr", "typer", "rich", "PyYAML", "safetensors")
_OFFLINE = (
    "no connection is opened, but to fetch models from a hub, for methods and attackers that need "
    "one, to object stores and clusters that are named, and by serve to its upstream; "
    "no raw audio is sent"
)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for machines.")] = False,
) -> None:
    """Show versions, extras, the kernels in use and the formats that can be written."""
    import soundfile

    from voxguard.audio.writer import OUTPUTS
    from voxguard.dsp import kernel
    from voxguard.models.block import is_compiled

    about: dict[str, Any] = {
        "voxguard": voxguard.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _CORE},
        "extras": _extras(),
        "mcadams_kernel": kernel.name(),
        "mcadams_kernels": kernel.available(),
        "live_voice_conversion_kernel": "compiled" if is_compiled() else kernel.NUMPY,
        "libsndfile": soundfile.__libsndfile_version__,
        "writes": sorted(OUTPUTS),
        "network": _OFFLINE,
    }
    if as_json:
        echo_json(about)
        return
    echo_table([[name, _text(value)] for name, value in about.items()], "", "")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _extras() -> dict[str, dict[str, Any]]:
    """Every extra, whether all of it is installed, and what is missing."""
    try:
        about = metadata.metadata("voxguard")
    except metadata.PackageNotFoundError:  # run from its sources
        return {}
    extras: dict[str, dict[str, Any]] = {}
    for extra in about.get_all("Provides-Extra") or []:
        mark = re.compile(rf"""extra\s*==\s*["']{re.escape(extra)}["']""")
        names = [
            re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            for requirement in about.get_all("Requires-Dist") or []
            if mark.search(requirement)
        ]
        missing = [name for name in names if _version(name) is None]
        extras[extra] = {"installed": not missing, "missing": missing}
    return extras


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(
        f"{name} {item or 'MISSING'}"
        if not isinstance(item, dict)
        else f"{name} {'installed' if item['installed'] else 'not installed'}"
        for name, item in value.items()
    )
