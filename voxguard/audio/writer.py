"""Writing audio files. Public as `voxguard.audio.AudioWriter`."""

from __future__ import annotations

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
from voxguard.errors import NonFiniteAudioError, OutputError, UnsupportedAudioError

__all__ = ["OUTPUTS", "AudioWriter"]

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


def _output_format(path: Path, subtype: str | None) -> tuple[str, str]:
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
        self.format, self.subtype = _output_format(self._path, subtype)
        accepted = _RATES.get(self.subtype)
        if accepted is not None and self._rate not in accepted:
            raise UnsupportedAudioError(
                f"{self._path.name}: {self.subtype} cannot hold {self._rate} Hz; accepted: "
                f"{', '.join(map(str, accepted))} Hz: write .wav or .flac, or resample"
            )
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
        if samples.ndim != 2 or len(samples) != self._channels or samples.dtype.kind != "f":
            raise UnsupportedAudioError(
                f"got {samples.dtype} of shape {samples.shape}; accepted: floats of shape "
                f"({self._channels}, n)"
            )
        if not np.isfinite(samples).all():
            raise NonFiniteAudioError("got NaN or infinity among the samples to write")
        for start in range(0, samples.shape[1], _WRITE_FRAMES):
            piece: npt.NDArray[Any] = samples[:, start : start + _WRITE_FRAMES].T
            if self.subtype in PCM_BITS:
                piece = quantize(piece, PCM_BITS[self.subtype])
            elif self.subtype not in _FLOATS:
                piece = np.clip(piece, -1.0, 1.0)
            try:
                self._file.write(np.ascontiguousarray(piece))
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
