"""One recording: read, anonymize, write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from voxguard.anonymizers.base import Anonymizer
from voxguard.audio import AudioReader, AudioWriter
from voxguard.errors import OutputError, one_tree
from voxguard.files.blocks import render_blocks

BLOCK_FRAMES = 1 << 16


def anonymize_file(
    source: str | Path,
    target: str | Path,
    anonymizer: Anonymizer,
    *,
    speaker: str | None = None,
    utterance: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Anonymize an audio file into another one.

    A streamable method works block by block, so the memory does not grow with the recording.

    Args:
        source: Any file that :class:`~voxguard.audio.AudioReader` reads.
        target: Written in the format of its suffix, with the length, rate, channels and (where the
            format has it) sample type of the source, and without its metadata. It appears complete
            or not at all.
        anonymizer: Does the work.
        speaker: Who speaks: the same speaker then keeps one pseudo-voice (see ``scope``).
        utterance: Names the utterance, for a repeatable draw under a key.
        overwrite: Whether a target that exists is replaced.

    Returns:
        The path of the target.

    Raises:
        AudioError: The source is damaged, is not audio, or holds something that is not accepted.
        OutputError: The target exists or cannot be written.
        VoxguardError: The anonymization failed. In every case nothing is left behind.

    Example:
        >>> import tempfile, soundfile, voxguard
        >>> from pathlib import Path
        >>> folder = Path(tempfile.mkdtemp())
        >>> soundfile.write(folder / "a.wav", voxguard.synthetic_voice(seconds=0.5), 16_000)
        >>> voxguard.anonymize_file(folder / "a.wav", folder / "b.flac", voxguard.McAdams()).name
        'b.flac'
    """
    target = Path(target)
    render_file(
        Path(source),
        target,
        anonymizer,
        speaker=speaker,
        utterance=utterance,
        overwrite=overwrite,
    )
    return target


def render_file(
    source: Path,
    target: Path,
    anonymizer: Anonymizer,
    *,
    speaker: str | None = None,
    utterance: str | None = None,
    overwrite: bool = False,
    on_block: Callable[[float, float | None], None] = lambda done, total: None,
) -> float:
    """:func:`anonymize_file` with an ear for what is going on.

    Args:
        source: See there; so are the others.
        target: See there.
        anonymizer: See there.
        speaker: See there.
        utterance: See there.
        overwrite: See there.
        on_block: Called after every block with the seconds written and those in all (None where
            the file does not say); what it raises stops the work and leaves nothing.

    Returns:
        The seconds of audio.
    """
    with one_tree(source.name), AudioReader(source) as reader:
        _check_target(source, target, overwrite)
        rate, channels = reader.sample_rate, reader.channels
        rendered = render_blocks(
            reader.blocks(BLOCK_FRAMES),
            rate,
            channels,
            anonymizer,
            speaker=speaker,
            utterance=utterance,
        )
        total = reader.frames / rate if reader.frames else None
        frames = 0
        with AudioWriter(
            target, rate, channels, subtype=reader.subtype, overwrite=overwrite
        ) as writer:
            for block in rendered:
                writer.write(block)
                frames += block.shape[1]
                on_block(frames / rate, total)
        return frames / rate


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise OutputError(f"{target} is a folder; name the file to write")
    if target.exists() and not overwrite:
        what = "is the source itself" if target.samefile(source) else "exists"
        raise OutputError(f"{target} {what}; choose another name, or allow to overwrite it")
