"""Writing audio files. Public as `voxguard.audio.AudioWriter`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import soundfile

from voxguard.audio.forget import forget_origin
from voxguard.audio.pcm import PCM_BITS, quantize
from voxguard.audio.publish import PartFile, output_error
from voxguard.audio.rates import check_sample_rate
from voxguard.errors import (
    NonFiniteAudioError,
    OutputError,
    UnsupportedAudioError,
    VoxguardError,
)

__all__ = ["OUTPUTS", "AudioWriter", "encode"]

# libsndfile puts a whole Vorbis write on the stack, and crashes on long ones.
_WRITE_FRAMES = 1 << 13
_ENCODER_ERRORS = (
    soundfile.SoundFileError,
    RuntimeError,
    ValueError,
    TypeError,
    OSError,
    AssertionError,  # how soundfile reports a write that was not complete
)

OUTPUTS = {  # suffix -> soundfile's format, subtype where none is asked for
    "wav": ("WAV", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "aif": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "oga": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
_FLOATS = ("FLOAT", "DOUBLE")
# What gives back as many samples as it got. ADPCM and the like pad to whole blocks.
_LENGTH_KEEPING = (*PCM_BITS, *_FLOATS)
_RATES = {
    "OPUS": (8000, 12000, 16000, 24000, 48000),
    "MPEG_LAYER_III": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
_FOUR_GIB = (1 << 32) - (1 << 16)  # bytes of file that 32-bit chunk lengths can describe, less tail
_FOUR_GIB_FORMATS = ("WAV", "AIFF", "AU")


def _output_format(path: Path, rate: int, subtype: str | None) -> tuple[str, str]:
    """Soundfile's format and subtype for a name, if they can hold the rate."""
    name, chosen = _format_of(path, subtype)
    accepted = _RATES.get(chosen)
    if accepted is not None and rate not in accepted:
        raise UnsupportedAudioError(
            f"{path.name}: {chosen} cannot hold {rate} Hz; accepted: "
            f"{', '.join(map(str, accepted))} Hz: write .wav or .flac, or resample"
        )
    return name, chosen


def _format_of(path: Path, subtype: str | None) -> tuple[str, str]:
    suffix = path.suffix.lower().removeprefix(".")
    offered = soundfile.available_formats()
    if suffix not in OUTPUTS or OUTPUTS[suffix][0] not in offered:
        accepted = ", ".join(f".{s}" for s, (name, _) in OUTPUTS.items() if name in offered)
        raise UnsupportedAudioError(
            f"{path.name}: cannot write {path.suffix or 'a name without suffix'}; "
            f"accepted: {accepted}"
        )
    name, default = OUTPUTS[suffix]
    if suffix in ("ogg", "oga") and subtype == "OPUS":
        return name, subtype
    if subtype in _LENGTH_KEEPING and soundfile.check_format(name, subtype):
        return name, str(subtype)
    if subtype in (*_FLOATS, "PCM_32") and soundfile.check_format(name, "PCM_24"):
        return name, "PCM_24"
    return name, default


def _pieces(samples: npt.NDArray[Any], channels: int, subtype: str) -> Iterator[npt.NDArray[Any]]:
    """The samples as soundfile takes them: ``(n, channels)``, short, rounded or clipped."""
    if samples.ndim != 2 or len(samples) != channels or samples.dtype.kind != "f":
        raise UnsupportedAudioError(
            f"got {samples.dtype} of shape {samples.shape}; accepted: floats of shape "
            f"({channels}, n)"
        )
    if not np.isfinite(samples).all():
        raise NonFiniteAudioError("got NaN or infinity among the samples to write")
    for start in range(0, samples.shape[1], _WRITE_FRAMES):
        piece: npt.NDArray[Any] = samples[:, start : start + _WRITE_FRAMES].T
        if subtype in PCM_BITS:
            piece = quantize(piece, PCM_BITS[subtype])
        elif subtype not in _FLOATS:
            piece = np.clip(piece, -1.0, 1.0)
        yield np.ascontiguousarray(piece)


def encode(
    samples: npt.NDArray[Any], sample_rate: int, suffix: str, *, subtype: str | None = None
) -> bytes:
    """The content of an audio file, in memory, without metadata.

    Args:
        samples: float ``(channels, n)``, finite; encodings other than float clip at full scale.
        sample_rate: Hz.
        suffix: chooses the format as a name's would, e.g. ``"wav"`` or ``"mp3"``.
        subtype: as for :class:`AudioWriter`.

    Raises:
        UnsupportedAudioError: suffix, rate, type or layout that cannot be written.
        NonFiniteAudioError: NaN or infinity.

    Example:
        >>> import voxguard
        >>> from voxguard.audio import encode, read
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> samples, rate = read(encode(voice[None], 16_000, "flac"))
        >>> samples.shape, rate
        ((1, 16000), 16000)
    """
    rate = check_sample_rate(sample_rate)
    name, chosen = _output_format(Path(f"audio.{suffix}"), rate, subtype)
    stream = io.BytesIO()
    try:
        with soundfile.SoundFile(
            stream, "w", samplerate=rate, channels=len(samples), format=name, subtype=chosen
        ) as file:
            for piece in _pieces(samples, len(samples), chosen):
                file.write(piece)
    except _ENCODER_ERRORS as error:
        if isinstance(error, VoxguardError):
            raise
        raise UnsupportedAudioError(
            f"{name} {chosen} cannot hold {len(samples)} channels at {rate} Hz; choose wav instead"
        ) from None
    forget_origin(stream, name)
    return stream.getvalue()


class AudioWriter:
    """Writes an audio file that appears, complete and without metadata, on leaving the `with`.

    An exception inside the `with` leaves nothing behind.

    Attributes:
        format: container in soundfile's terms.
        subtype: encoding in soundfile's terms, as chosen.
    """

    def __init__(
        self,
        path: Path | str,
        sample_rate: int,
        channels: int,
        *,
        subtype: str | None = None,
        overwrite: bool = False,
    ) -> None:
        """Check what can be checked; the disk is first touched on entering the `with`.

        Args:
            path: the suffix chooses the format.
            sample_rate: Hz.
            channels: number of channels.
            subtype: encoding in soundfile's terms, e.g. the source's. Where the format cannot hold
                it, or it would change the length, 24 bits for floats and else the format's usual.
            overwrite: replace an existing file.

        Raises:
            UnsupportedAudioError: suffix, rate or channel count that cannot be written.
            OutputError: the file exists, and `overwrite` is false.
        """
        self._path = Path(path)
        self._rate = check_sample_rate(sample_rate)
        self._channels = channels
        self._overwrite = overwrite
        self.format, self.subtype = _output_format(self._path, self._rate, subtype)
        if not overwrite:
            with output_error(self._path):
                if self._path.exists() or self._path.is_symlink():
                    raise FileExistsError  # before hours of work; publishing checks again
        self._frames = 0

    def __enter__(self) -> Self:
        limit = _FOUR_GIB if self.format in _FOUR_GIB_FORMATS else None
        self._part = PartFile(self._path, limit=limit)
        try:
            self._file = soundfile.SoundFile(
                self._part,
                "w",
                samplerate=self._rate,
                channels=self._channels,
                format=self.format,
                subtype=self.subtype,
            )
        except BaseException as error:
            failed = self._part.error
            self._part.discard()
            if failed is not None or not isinstance(error, _ENCODER_ERRORS):
                with output_error(self._path):
                    raise failed or error from None
            raise UnsupportedAudioError(
                f"{self._path.name}: {self.format} {self.subtype} cannot hold {self._channels} "
                f"channels at {self._rate} Hz; write .wav instead, or fewer channels"
            ) from None
        return self

    def write(self, samples: npt.NDArray[Any]) -> None:
        """Append samples. Encodings other than float are clipped at full scale.

        Args:
            samples: float ``(channels, n)``, finite.

        Raises:
            UnsupportedAudioError: another type or layout.
            NonFiniteAudioError: NaN or infinity.
            OutputError: the disk is full, or the format's size limit is reached.
        """
        for piece in _pieces(samples, self._channels, self.subtype):
            try:
                self._file.write(piece)
            except _ENCODER_ERRORS as error:
                raise self._failed(error) from None
            self._frames += len(piece)

    def _failed(self, error: Exception) -> OutputError:
        cause = self._part.error
        text = (cause.strerror or str(cause)) if cause is not None else str(error)
        return OutputError(f"{self._path.name} could not be written: {text}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._close()
            if kind is None:
                self._publish()
        except Exception:
            if kind is None:  # else the first error is the one to show
                raise
        finally:
            self._part.discard()

    def _close(self) -> None:
        try:
            self._file.close()
        except _ENCODER_ERRORS as error:
            raise self._failed(error) from None
        if self._part.error is not None:
            raise self._failed(self._part.error)

    def _publish(self) -> None:
        if self._frames == 0:
            raise OutputError(f"{self._path.name}: no samples were written; nothing kept")
        forget_origin(self._part, self.format)
        self._part.publish(overwrite=self._overwrite)
