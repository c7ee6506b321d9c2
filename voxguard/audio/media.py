"""MP4 and WebM, in which phones and browsers record; decoded by FFmpeg, through PyAV.

FFmpeg knows hundreds of formats, and some that fetch other files. Here it is told which one it is
given, reads what was opened already, and may use decoders of speech and music only.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import CorruptAudioError, UnsupportedAudioError

__all__ = ["KINDS", "MediaFile"]

KINDS = {"MP4": "m4a", "WebM": "webm"}  # and a suffix, for messages
_DECODERS = (
    "aac", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "mp3", "mp3float", "opus", "libopus",
    "vorbis", "pcm_alaw", "pcm_f32le", "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24be",
    "pcm_s24le", "pcm_s32le", "pcm_u8",
)  # fmt: skip
Block = npt.NDArray[np.float32]


class MediaFile:
    """What ``soundfile.SoundFile`` is for other files, as far as reading needs it.

    Attributes:
        format: ``"MP4"`` or ``"WebM"``.
        subtype: The decoder by FFmpeg's name, in capitals, e.g. ``"AAC"``.
        samplerate: Hz, of what is decoded.
        channels: Their number.
        frames: None: neither container tells how many samples there are exactly.
    """

    frames = None

    def __init__(self, file: Path | io.BytesIO, kind: str) -> None:
        """Open the one audio track of a file; pictures beside it are left where they are.

        Args:
            file: The file, or its content.
            kind: One of :data:`KINDS`, as `containers` found it.

        Raises:
            UnsupportedAudioError: PyAV is not installed; no audio track, or several; a codec that
                is not one of speech and music.
            CorruptAudioError: It cannot be decoded.
        """
        try:
            import av
        except ImportError:
            raise UnsupportedAudioError(
                f"{kind} takes the extra 'media': pip install \"voxguard[media]\"; or convert it "
                f"first, e.g. ffmpeg -i in.{KINDS[kind]} out.wav"
            ) from None
        self.format = kind
        self._av: Any = av
        options = {"codec_whitelist": ",".join(_DECODERS), "protocol_whitelist": "none"}
        with ExitStack() as opened:
            source = file if isinstance(file, io.BytesIO) else opened.enter_context(file.open("rb"))
            with self._decoding():
                container = opened.enter_context(
                    self._av.open(source, "r", format=kind.lower(), options=options, **_tags(av))
                )
            track = _only(container.streams.audio)
            self.subtype: str = track.codec_context.name.upper()
            frames = self._frames(container.demux(track))
            first = next(frames, None)
            if first is None:
                raise CorruptAudioError("no samples in it")
            self.samplerate: int = first.sample_rate
            self.channels: int = first.layout.nb_channels
            self._blocks = self._converted(chain([first], frames))
            self._rest = np.zeros((0, self.channels), np.float32)
            self._opened = opened.pop_all()

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            raise CorruptAudioError(
                f"this {self.format} file cannot be decoded ({error.strerror}); get it again from "
                "its source"
            ) from None

    def _frames(self, packets: Iterator[Any]) -> Iterator[Any]:
        """What is decoded, as FFmpeg has it."""
        with self._decoding():
            for packet in packets:
                if packet.is_corrupt:
                    raise CorruptAudioError("cut short: a packet is not whole")
                yield from packet.decode()

    def _converted(self, frames: Iterable[Any]) -> Iterator[Block]:
        """``(n, channels)`` at a time, of one rate and one number of channels."""
        convert = self._av.AudioResampler(format="flt")
        for frame in frames:
            rate, channels = frame.sample_rate, frame.layout.nb_channels
            if (rate, channels) != (self.samplerate, self.channels):
                raise UnsupportedAudioError(
                    f"the sound changes from {self.samplerate} Hz, {self.channels} channels to "
                    f"{rate} Hz, {channels} channels on the way; split it first"
                )
            for ready in convert.resample(frame):
                yield ready.to_ndarray().reshape(-1, channels)

    def read(self, frames: int, **_: object) -> Block:
        """The next samples, ``(n, channels)`` float32; fewer than asked for only at the end."""
        ready = [self._rest]
        missing = frames - len(self._rest)
        while missing > 0 and (block := next(self._blocks, None)) is not None:
            ready.append(block)
            missing -= len(block)
        joined = np.concatenate(ready)
        self._rest = joined[frames:]
        return joined[:frames]

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        self._opened.close()


def _only(tracks: Any) -> Any:
    """The one audio track, if it is of a codec that is accepted."""
    if not tracks:
        raise UnsupportedAudioError("there is no audio track in it")
    if len(tracks) > 1:
        raise UnsupportedAudioError(
            f"{len(tracks)} audio tracks in it; one is accepted: choose it first, e.g. "
            "ffmpeg -i in -map 0:a:0 out.wav"
        )
    codec = tracks[0].codec_context
    if codec is None or codec.name not in _DECODERS:
        raise UnsupportedAudioError(
            f"the codec {codec.name if codec else 'is unknown and'} is not accepted: convert it "
            "first, e.g. with ffmpeg to WAV"
        )
    return tracks[0]


def _tags(av: Any) -> dict[str, str]:
    """What has PyAV take tags in any encoding; since version 19 it does by itself."""
    return {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
