"""What an attacker holds: utterances with what is known of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, NonFiniteAudioError, UnsupportedAudioError

SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Recording:
    """One utterance as an attacker holds it: 16 kHz mono, with what is known of it.

    Args:
        id: Names the utterance; unique within a set.
        speaker: Who speaks, as far as the holder of the set knows.
        read: Gives the samples, ``(n,)`` float32 at 16 kHz, finite; may raise ``AudioError``.
            Nothing is kept: it is called whenever the samples are needed.
        transcript: What is said; empty where it is not known.
        labels: Further columns, such as ``sex``, ``age``, ``accent``, ``emotion``.
        digest: Hash of the content, under which what is computed from it may be cached; empty: do
            not cache.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.recording import Recording
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=2.0))
        >>> recording.samples().shape
        (32000,)
    """

    id: str
    speaker: str
    read: Callable[[], Samples]
    transcript: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def samples(self) -> Samples:
        """Read the samples and check that they are what :attr:`read` promises.

        Returns:
            ``(n,)`` float32 at 16 kHz, ``n`` at least 1.

        Raises:
            UnsupportedAudioError: Another shape or type, or no sample at all.
            NonFiniteAudioError: NaN or infinity.
            AudioError: Whatever else reading met.
        """
        samples = np.asarray(self.read())
        if samples.ndim != 1 or samples.dtype != np.float32 or not samples.size:
            raise UnsupportedAudioError(
                f"{self.id}: an attacker takes (n,) float32 samples at {SAMPLE_RATE} Hz with n at "
                f"least 1, got {samples.shape} {samples.dtype.name}; mix down and resample first"
            )
        if not np.isfinite(samples).all():
            raise NonFiniteAudioError(f"{self.id}: NaN or infinity among the samples")
        return samples


def split(recording: Recording, seconds: float = 3.0) -> list[Recording]:
    """Cut a recording into pieces that count as utterances of its speaker.

    A back-end learns how utterances of one speaker differ, so a speaker with a single utterance
    teaches it something only in pieces.

    Args:
        recording: Read once, to learn its length.
        seconds: Least length of a piece. The pieces are of equal length and cover everything.

    Returns:
        One recording a piece, without transcript; the recording itself if it is shorter than two
        pieces.

    Raises:
        ConfigurationError: A length that is not above 0.
        AudioError: Whatever reading met.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.recording import Recording, split
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=7.0))
        >>> [(piece.id, piece.samples().size) for piece in split(recording, 3.0)]
        [('a-1[1/2]', 56000), ('a-1[2/2]', 56000)]
    """
    if not 0 < seconds < float("inf"):
        raise ConfigurationError(f"seconds= takes a length above 0, got {seconds!r}")
    size = recording.samples().size
    count = max(1, int(size / (seconds * SAMPLE_RATE)))
    if count == 1:
        return [recording]
    edges = [round(size * piece / count) for piece in range(count + 1)]
    return [_piece(recording, number, edges) for number in range(count)]


def _piece(recording: Recording, number: int, edges: list[int]) -> Recording:
    start, stop = edges[number], edges[number + 1]
    cut = f"{recording.digest}[{start}:{stop}]"
    return replace(
        recording,
        id=f"{recording.id}[{number + 1}/{len(edges) - 1}]",
        read=lambda: recording.samples()[start:stop],
        transcript="",
        digest=hashlib.sha256(cut.encode()).hexdigest() if recording.digest else "",
    )
