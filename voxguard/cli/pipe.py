"""Audio through stdin and stdout, as it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import typer

from voxguard.arrays import Samples
from voxguard.audio import AudioReader, AudioWriter
from voxguard.audio.pcm import decode_pcm, encode_pcm, read_wav_header, wav_header
from voxguard.cli.job import PIPE, Job
from voxguard.errors import ConfigurationError, CorruptAudioError, UnsupportedAudioError, one_tree
from voxguard.files.blocks import render_blocks
from voxguard.files.single import BLOCK_FRAMES

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer

_SUBTYPES = {"s16le": "PCM_16", "s24le": "PCM_24", "s32le": "PCM_32", "f32le": "FLOAT"}
_ELSE = {"DOUBLE": "FLOAT"}  # what a pipe cannot hold, and what is as good; else 16 bits
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Wire:
    """What a pipe holds: a WAV stream, or bare samples of which the rest must be told."""

    raw: bool
    rate: int | None
    channels: int | None
    encoding: str | None

    def __post_init__(self) -> None:
        if not self.raw and (self.rate or self.channels or self.encoding):
            raise ConfigurationError(
                "--rate, --channels and --encoding are for --raw; a WAV stream says them itself"
            )
        if self.channels is not None and self.channels < 1:
            raise ConfigurationError(f"--channels takes a number from 1, got {self.channels}")

    @property
    def subtype(self) -> str:
        """The sample type of bare samples."""
        return _SUBTYPES[self.encoding or "s16le"]


def run_pipe(job: Job, anonymizer: Anonymizer, wire: Wire, max_latency_ms: float | None) -> None:
    """Anonymize stdin, or into stdout, chunk by chunk.

    Raises:
        VoxguardError: It broke. What went out up to then is anonymized; nothing follows.
        BrokenPipeError: Whoever listens has gone.
    """
    if job.target == PIPE and sys.stdout.isatty():
        raise ConfigurationError("stdout is a terminal; send it into a file or a program")
    name = "stdin" if job.source == PIPE else Path(job.source).name
    with ExitStack() as opened:
        with one_tree(name):
            source: PipeReader | AudioReader = (
                PipeReader(sys.stdin.buffer, wire)
                if job.source == PIPE
                else opened.enter_context(AudioReader(job.source))
            )
            rendered = render_blocks(
                source.blocks(BLOCK_FRAMES),
                source.sample_rate,
                source.channels,
                anonymizer,
                speaker=job.speaker,
                max_latency_ms=max_latency_ms,
            )
        sink: PipeWriter | AudioWriter = (
            PipeWriter(sys.stdout.buffer, wire, source)
            if job.target == PIPE
            else opened.enter_context(
                AudioWriter(
                    Path(job.target),
                    source.sample_rate,
                    source.channels,
                    subtype=source.subtype,
                    overwrite=job.overwrite,
                )
            )
        )
        mode = ", live" if anonymizer.streamable else ", once it has ended"
        typer.echo(f"{name}: anonymizing with {anonymizer.name}{mode}", err=True)
        for block in _in_one_tree(rendered, name):
            sink.write(block)
        if isinstance(sink, PipeWriter):
            sink.finish()


def _in_one_tree(blocks: Iterator[Samples], name: str) -> Iterator[Samples]:
    with one_tree(name):
        yield from blocks


class PipeReader:
    """Samples from a pipe: whatever has arrived, without waiting for more."""

    def __init__(self, stream: BinaryIO, wire: Wire) -> None:
        self._stream = stream
        self.frames: int | None = None
        if not wire.raw:
            header = read_wav_header(stream)
            self.sample_rate, self.channels = header.sample_rate, header.channels
            self.subtype, self.frames = header.subtype, header.frames
            return
        if wire.rate is None:
            raise ConfigurationError("raw samples do not say their rate; give it with --rate")
        self.sample_rate, self.channels = wire.rate, wire.channels or 1
        self.subtype = wire.subtype

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Whole frames as they come, at most about ``frames`` at once.

        Raises:
            CorruptAudioError: The stream ended too early.
        """
        width = len(encode_pcm(np.zeros((self.channels, 1), np.float32), self.subtype))
        left = None if self.frames is None else self.frames * width
        rest = b""
        while left != 0:
            most = frames * width if left is None else min(frames * width, left)
            if not (data := self._stream.read1(most)):  # type: ignore[attr-defined]
                break
            left = None if left is None else left - len(data)
            rest += data
            whole = len(rest) // width * width
            if whole:
                yield decode_pcm(rest[:whole], self.subtype, self.channels)
                rest = rest[whole:]
        if left or rest:
            raise CorruptAudioError("the stream ended in the middle; what came before is out")
        while self._stream.read(_CHUNK_BYTES):  # whatever stands behind the samples
            pass


class PipeWriter:
    """Samples into a pipe, each chunk on its way at once."""

    def __init__(self, stream: BinaryIO, wire: Wire, source: PipeReader | AudioReader) -> None:
        self._stream = stream
        self._sent = 0
        self._raw = wire.raw
        if wire.raw:
            self._subtype = wire.subtype
            return
        known = source.subtype in _SUBTYPES.values()
        self._subtype = source.subtype if known else _ELSE.get(source.subtype, "PCM_16")
        shape = (source.sample_rate, source.channels, self._subtype)
        try:
            header = wav_header(*shape, source.frames)
        except UnsupportedAudioError:  # more than a WAV header can count
            header = wav_header(*shape)
        self._send(header)

    def write(self, samples: Samples) -> None:
        """Send a block."""
        self._send(encode_pcm(samples, self._subtype))

    def finish(self) -> None:
        """Send what a WAV chunk of odd length ends with."""
        if not self._raw and self._sent % 2:
            self._send(b"\0")

    def _send(self, data: bytes) -> None:
        self._sent += len(data)
        self._stream.write(data)
        self._stream.flush()
