"""``voxguard demo``: see it work in ten seconds, with nothing of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_RATE = 16_000


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the two files.")] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace them.")] = False,
) -> None:
    """Make a synthetic voice, anonymize it, and keep both to compare."""
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
