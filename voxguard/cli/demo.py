"""``voxguard demo``: see and hear it work, on this machine, with nothing of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxguard.errors import ConfigurationError, MissingExtraError

HELP = """Hear what anonymization does.

\b
  voxguard demo             opens a page: record, drop a file or take a made voice (extra: demo)
  voxguard demo FOLDER      writes voice.wav and voice.anonymized.wav there, without any extra

The page is served to this machine alone. It stores nothing and sends nothing anywhere.
"""

_RATE = 16_000


def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="Write two files here instead of opening the page.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the two files.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0: a free one.")
    ] = 0,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open it, or only print its address."),
    ] = True,
) -> None:
    """Hear what anonymization does."""
    if folder is None:
        if overwrite:
            raise ConfigurationError("--overwrite goes with a folder: voxguard demo FOLDER")
        _open_page(port, browser)
    else:
        _write_files(folder, overwrite)


def _open_page(port: int, browser: bool) -> None:
    from voxguard.models.optional import optional

    try:
        for package in ("starlette", "uvicorn"):
            optional(package, "demo", "the page")
    except MissingExtraError as error:
        raise ConfigurationError(
            f"{error}; or, without it, `voxguard demo .` writes a voice and its anonymized version "
            "as two files"
        ) from None
    from voxguard.demo.server import run

    def announce(address: str) -> None:
        typer.echo(f"{address}\nfor this machine alone, until Ctrl-C")

    run(port, announce, open_browser=browser)


def _write_files(folder: Path, overwrite: bool) -> None:
    import voxguard
    from voxguard.audio import AudioWriter

    voice, anonymous = folder / "voice.wav", folder / "voice.anonymized.wav"
    samples = voxguard.synthetic_voice(seconds=4.0, sample_rate=_RATE)
    with AudioWriter(voice, _RATE, 1, overwrite=overwrite) as writer:
        writer.write(samples[None, :])
    anonymizer = voxguard.create()
    voxguard.anonymize_file(voice, anonymous, anonymizer, overwrite=overwrite)
    typer.echo(
        f"{voice}: 4 seconds of a voice that nobody has\n"
        f"{anonymous}: the same, anonymized with {anonymizer.name} in a voice drawn at random\n"
        "Listen to both. For a recording of your own:\n"
        "  voxguard anonymize recording.wav anonymized.wav"
    )
