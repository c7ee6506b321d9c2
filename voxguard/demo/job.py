"""What the page has done: a recording read, anonymized, and laid beside the original."""

from __future__ import annotations

import base64
import time
from typing import Any

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples
from voxguard.audio import AudioReader, encode
from voxguard.demo.analysis import analyze, loudest_channel
from voxguard.demo.likeness import likeness
from voxguard.errors import NonFiniteAudioError, UnsupportedAudioError, VoxguardError, one_tree
from voxguard.files.blocks import render_blocks

MAX_SECONDS = 60.0
MAX_BYTES = 20_000_000

_BLOCK = 1 << 16
_MOST_SAMPLES = int(MAX_SECONDS * 96_000)  # over all channels: a small file can unpack to a lot
_SUBTYPE = "PCM_16"  # that every browser plays


class TooLongError(UnsupportedAudioError):
    """More audio than the page takes."""


def read_limited(content: bytes) -> tuple[Samples, int]:
    """Read the content of an audio file, no further than the page's limit.

    Args:
        content: Of any file that :class:`~voxguard.audio.AudioReader` reads.

    Returns:
        ``(channels, n)`` float32, and the rate in Hz.

    Raises:
        TooLongError: More than 60 s.
        AudioError: Not audio, damaged, or not accepted.

    Example:
        >>> import voxguard
        >>> from voxguard.audio import encode
        >>> from voxguard.demo.job import read_limited
        >>> samples, rate = read_limited(encode(voxguard.synthetic_voice()[None], 16_000, "flac"))
        >>> samples.shape[0], rate
        (1, 16000)
    """
    with one_tree("the recording"), AudioReader(content, name="the recording") as reader:
        most = int(min(MAX_SECONDS * reader.sample_rate, _MOST_SAMPLES / reader.channels))
        blocks = []
        if (reader.frames or 0) <= most:
            for block in reader.blocks(_BLOCK):
                blocks.append(block)
                if reader.position > most:
                    break
        if not blocks or reader.position > most:
            seconds = most / reader.sample_rate
            what = f"with {reader.channels} channels at {reader.sample_rate} Hz " * (
                seconds < MAX_SECONDS
            )
            raise TooLongError(
                f"the recording {what}is longer than the {seconds:.3g} s that this page takes; cut "
                "it, or use `voxguard anonymize`"
            )
        return np.concatenate(blocks, axis=1), reader.sample_rate


def playable(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """The recording as it came, as a WAV that every browser plays, and its measures."""
    samples, rate = read_limited(content)
    channels, frames = samples.shape
    about = {"seconds": frames / rate, "sample_rate": rate, "channels": channels}
    return encode(samples, rate, "wav", subtype=_SUBTYPE), about


def process(content: bytes, anonymizer: Anonymizer) -> dict[str, Any]:
    """Anonymize a recording and say what became of it.

    Args:
        content: Of an audio file.
        anonymizer: Does the work.

    Returns:
        What :func:`~voxguard.demo.analysis.analyze` gives, ``likeness``, ``elapsed_s``, and
        ``audio``: a WAV in base64 that holds the anonymized recording and nothing else.

    Raises:
        VoxguardError: It could not be done; there is no audio then.

    Example:
        >>> import voxguard
        >>> from voxguard.audio import encode
        >>> from voxguard.demo.job import process
        >>> recording = encode(voxguard.synthetic_voice()[None], 16_000, "wav")
        >>> made = process(recording, voxguard.McAdams())
        >>> made["method"], made["seconds"]
        ('mcadams', 3.0)
    """
    before, rate = read_limited(content)
    with one_tree(anonymizer.name):
        start = time.perf_counter()
        rendered = render_blocks(iter([before]), rate, len(before), anonymizer)
        try:
            after = np.concatenate(list(rendered), axis=1)
        except NonFiniteAudioError:  # the recording was finite
            raise VoxguardError(f"{anonymizer.name}: gave samples that are no numbers") from None
        elapsed = time.perf_counter() - start
        about = analyze(before, after, rate)
        about |= {"method": anonymizer.name, "elapsed_s": elapsed}
        about["likeness"] = likeness(*loudest_channel(before, after, rate))
        wav = encode(after, rate, "wav", subtype=_SUBTYPE)
        return about | {"audio": base64.b64encode(wav).decode()}
