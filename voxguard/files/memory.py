"""One recording that is held in memory, as it is inside a request."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples
from voxguard.audio import AudioReader, encode
from voxguard.errors import UnsupportedAudioError, one_tree
from voxguard.files.blocks import render_blocks

BLOCK_FRAMES = 1 << 16
DENSE = 96_000  # samples in a second of audio that is as dense as a limit in seconds allows

_SUFFIXES = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "FLAC": "flac", "MP3": "mp3",
             "OGG": "ogg", "AIFF": "aiff", "AU": "au", "CAF": "caf", "W64": "w64"}  # fmt: skip


def anonymize_bytes(
    content: bytes,
    anonymizer: Anonymizer,
    *,
    suffix: str | None = None,
    speaker: str | None = None,
    utterance: str | None = None,
    max_seconds: float | None = None,
) -> bytes:
    """Anonymize the content of an audio file; nothing touches the disk.

    Args:
        content: Of any file that :class:`~voxguard.audio.AudioReader` reads.
        anonymizer: Does the work.
        suffix: Format to give back, e.g. ``"wav"`` or ``"mp3"``; by default the one that
            came, or WAV where that is not written.
        speaker: Who speaks: the same speaker then keeps one pseudo-voice (see ``scope``).
        utterance: Names the utterance, for a repeatable draw under a key.
        max_seconds: Longest recording that is accepted. Decoding stops there, so that a small file
            that unpacks to hours of silence costs no more.

    Returns:
        The content of a file with the length, rate and channels of the source, and without its
        metadata.

    Raises:
        AudioError: The content is damaged, too long, not audio, or holds what is not accepted.
        VoxguardError: The anonymization failed.

    Example:
        >>> import voxguard
        >>> from voxguard.audio import encode, read
        >>> recording = encode(voxguard.synthetic_voice(seconds=1.0)[None], 16_000, "wav")
        >>> samples, rate = read(voxguard.anonymize_bytes(recording, voxguard.McAdams()))
        >>> samples.shape, rate
        ((1, 16000), 16000)
    """
    rendered, _ = render_bytes(
        content,
        anonymizer,
        suffix=suffix,
        speaker=speaker,
        utterance=utterance,
        max_seconds=max_seconds,
    )
    return rendered


def render_bytes(
    content: bytes,
    anonymizer: Anonymizer,
    *,
    suffix: str | None = None,
    speaker: str | None = None,
    utterance: str | None = None,
    max_seconds: float | None = None,
) -> tuple[bytes, str]:
    """:func:`anonymize_bytes`, and the suffix of what came out."""
    with one_tree("audio"), AudioReader(content) as reader:
        target = suffix or _SUFFIXES.get(reader.format, "wav")
        rendered = render_blocks(
            _limited(reader, max_seconds),
            reader.sample_rate,
            reader.channels,
            anonymizer,
            speaker=speaker,
            utterance=utterance,
        )
        samples = np.concatenate(list(rendered), axis=1)
        return encode(samples, reader.sample_rate, target, subtype=reader.subtype), target


def _limited(reader: AudioReader, max_seconds: float | None) -> Iterator[Samples]:
    """The blocks of a recording, up to the limit."""
    if max_seconds is None:
        yield from reader.blocks(BLOCK_FRAMES)
        return
    most = int(max_seconds * min(reader.sample_rate, DENSE / reader.channels))
    if (reader.frames or 0) <= most:
        for block in reader.blocks(BLOCK_FRAMES):
            if reader.position > most:
                break
            yield block
        else:
            return
    raise UnsupportedAudioError(
        f"audio: longer than the {max_seconds:g} s that are accepted here; send less at once"
    )
