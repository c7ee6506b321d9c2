"""Reading audio files, block by block."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile

from voxguard.arrays import Samples
from voxguard.audio import containers, media
from voxguard.audio.rates import check_sample_rate
from voxguard.errors import (
    AudioError,
    CorruptAudioError,
    NonFiniteAudioError,
    UnsupportedAudioError,
)

_READ_FRAMES = 1 << 16
_UNKNOWN_FRAMES = 1 << 62  # libsndfile reports 2^63 - 1 for a FLAC that does not say
# Formats whose truncation is noticed, by libsndfile or by containers. The rest of what libsndfile
# reads (PAF, PVF, IRCAM, VOC, MAT ...) is read short in silence.
_READABLE = frozenset(
    "WAV WAVEX RF64 W64 AIFF SVX AU CAF NIST HTK FLAC OGG MP3".split()  # noqa: SIM905
) | frozenset(media.KINDS)
_UNSUPPORTED_CODES = (1, 4, 18)  # SF_ERR_UNRECOGNISED_FORMAT, _UNSUPPORTED_ENCODING, UNIMPLEMENTED
_BAD_FILE = 7  # SFE_BAD_FILE
_HEADERLESS = (".raw", ".pcm", ".gsm", ".vox")  # libsndfile goes by the name and takes any bytes
_DECODER_ERRORS = (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, OSError)


class AudioReader:
    """Reads an audio file in blocks, and reads it whole or raises.

    Attributes:
        sample_rate: Hz.
        channels: number of channels.
        frames: samples per channel that the file promises; None where it does not say.
        format: container in soundfile's terms, e.g. ``"WAV"``.
        subtype: encoding in soundfile's terms, e.g. ``"PCM_16"``.
        position: samples per channel read so far.
    """

    def __init__(self, source: Path | str | bytes, *, name: str = "audio") -> None:
        """Open the file and hold its header against it.

        Args:
            source: path of a file, or its content: any format that libsndfile reads and whose
                truncation can be noticed; with the extra `media` also MP4 (M4A, MOV, 3GP) and
                WebM (Matroska) with one audio track.
            name: what messages call a file that is given by its content.

        Raises:
            AudioError: it cannot be opened (missing, a directory, no permission).
            UnsupportedAudioError: not audio, or a format, encoding or rate that is not accepted.
            CorruptAudioError: cut short, empty or self-contradictory.
        """
        file: Path | io.BytesIO = io.BytesIO(source) if isinstance(source, bytes) else Path(source)
        self._name = name if isinstance(file, io.BytesIO) else file.name
        self.position = 0
        claims = containers.inspect(file, self._name)
        if claims.kind is None and Path(self._name).suffix.lower() in _HEADERLESS:
            raise UnsupportedAudioError(
                f"{self._name}: headerless audio; rate and sample type are unknown: convert it "
                "first, e.g. sox -r 16000 -e signed -b 16 -c 1 in.raw out.wav"
            )
        self._file = self._opened(file, claims.kind)
        self.format: str = self._file.format
        self.subtype: str = self._file.subtype
        self.channels: int = self._file.channels
        promised = self._file.frames if claims.frames is None else claims.frames
        known = promised is not None and promised < _UNKNOWN_FRAMES
        self.frames: int | None = promised if known else None
        try:
            if self.format not in _READABLE:
                raise UnsupportedAudioError(
                    f"{self._name}: got {self.format}, in which a truncated file cannot be told "
                    "from a whole one; convert it first, e.g. sox in out.wav"
                )
            try:
                self.sample_rate = check_sample_rate(self._file.samplerate)
            except UnsupportedAudioError as error:
                raise UnsupportedAudioError(f"{self._name}: {error}") from None
            if self.frames == 0:
                raise CorruptAudioError(f"{self._name}: no samples in it")
        except AudioError:
            self.close()
            raise

    def _opened(self, file: Path | io.BytesIO, kind: str | None) -> Any:
        """The decoder: libsndfile's, or FFmpeg's for what that does not know."""
        if isinstance(file, io.BytesIO):
            file.seek(0)
        if kind in media.KINDS:
            try:
                return media.MediaFile(file, kind)
            except AudioError as error:
                raise type(error)(f"{self._name}: {error}") from None
        try:
            found = soundfile.SoundFile(file if isinstance(file, io.BytesIO) else os.fsencode(file))
        except _DECODER_ERRORS as error:
            raise self._translated(error, kind) from None
        # soundfile seeks after every read of a seekable file, which fails at the end of a FLAC of
        # unknown length and makes MP3 decoding restart; reading on needs no seek.
        found.seekable = lambda: False
        return found

    def _translated(self, error: Exception, kind: str | None) -> AudioError:
        text = getattr(error, "error_string", str(error)).rstrip(".")
        if kind is None:
            return UnsupportedAudioError(
                f"{self._name}: not recognised as audio; WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, "
                "W64, MP4 and WebM are accepted: convert it first, e.g. with ffmpeg"
            )
        code = getattr(error, "code", None)
        if code == _BAD_FILE:  # libsndfile's words would be "File does not exist"
            text = "no decodable audio in it"
        is_unsupported = code in _UNSUPPORTED_CODES and kind not in ("FLAC", "OGG", "MPEG")
        problem = UnsupportedAudioError if is_unsupported else CorruptAudioError
        return problem(
            f"{self._name}: this {kind} file cannot be decoded ({text}); get it again from its "
            "source, or convert it, e.g. with ffmpeg to 16-bit WAV"
        )

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Read on from where the last block ended, to the end of the file.

        Args:
            frames: samples per channel in a block; the last may be shorter.

        Yields:
            float32 ``(channels, n)``, C-contiguous.

        Raises:
            NonFiniteAudioError: NaN or infinity in the block.
            CorruptAudioError: the decoder stumbled, or more or fewer samples came than promised.
        """
        while True:
            try:
                block = self._file.read(frames, dtype="float32", always_2d=True)
            except AudioError as error:
                raise type(error)(f"{self._name}: {error}") from None
            except _DECODER_ERRORS as error:
                raise self._translated(error, self.format) from None
            if len(block) == 0:
                break
            if not np.isfinite(block).all():
                raise NonFiniteAudioError(
                    f"{self._name}: NaN or infinity among the samples from {self.position} on; "
                    "repair the file first"
                )
            self.position += len(block)
            yield np.ascontiguousarray(block.T)
        if self.frames is None and self.position == 0:
            raise CorruptAudioError(f"{self._name}: no samples in it")
        if self.frames is not None and self.position != self.frames:
            raise CorruptAudioError(
                f"{self._name}: cut short or damaged: header promises {self.frames} frames, "
                f"{self.position} could be read; get the file again from its source"
            )

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(source: Path | str | bytes) -> tuple[Samples, int]:
    """Read a whole file.

    Args:
        source: as for `AudioReader`, which also says what is raised.

    Returns:
        Samples, float32 ``(channels, n)``, and the sample rate in Hz.
    """
    with AudioReader(source) as reader:
        return np.concatenate(list(reader.blocks(_READ_FRAMES)), axis=1), reader.sample_rate
