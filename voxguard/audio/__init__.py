"""The one place that decodes, encodes and resamples audio.

A file is read in blocks of bounded size and is whole or an error: a truncated, contradictory or
non-finite file never passes as audio. A file is written under a temporary name, without any
metadata, and gets its name when it is complete.
"""

from voxguard.audio.publish import remove_abandoned
from voxguard.audio.rates import (
    MAX_SAMPLE_RATE,
    MIN_SAMPLE_RATE,
    StreamResampler,
    check_sample_rate,
    resample,
)
from voxguard.audio.reader import AudioReader, read
from voxguard.audio.writer import AudioWriter, encode

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "AudioReader",
    "AudioWriter",
    "StreamResampler",
    "check_sample_rate",
    "encode",
    "read",
    "remove_abandoned",
    "resample",
]
