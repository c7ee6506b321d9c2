"""Step: when each word is said and which phone each frame is, by pocketsphinx.

What has no transcript gets that which pocketsphinx hears, for its phones only: it brings speakers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recipes.common import told
from recipes.train_audio_llm.corpus import Utterance
from recipes.train_voice_conversion.features import load
from recipes.train_voice_conversion.labels import UNKNOWN, Aligner
from voxguard.arrays import Samples
from voxguard.utility.recognisers import create_recogniser

_SILENCES = ("<s>", "</s>", "<sil>")


@dataclass(frozen=True)
class Aligned:
    """What is said when.

    Attributes:
        phones: ``(frames,)``, index of the phone of each 10 ms; -1 where there is none.
        words: In capitals; none where the transcript is not what is said.
        times: ``(words, 2)``, first and last frame of each.
    """

    phones: npt.NDArray[np.int8]
    words: tuple[str, ...]
    times: npt.NDArray[np.int32]


def align(utterances: list[Utterance], folder: Path) -> None:
    """Write one file an utterance; what is there already is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [u for u in utterances if not (folder / f"{u.name}.npz").exists()]
    if not waiting:
        return
    aligner, recogniser = WordAligner(), create_recogniser("pocketsphinx")
    for utterance in told("alignment", waiting):
        samples = load(utterance.path)
        found = aligner.aligned(samples, utterance.transcript or recogniser.transcribe(samples))
        target = folder / f"{utterance.name}.npz"
        unfinished = target.with_suffix(".part.npz")
        # Words that were only heard are too often wrong ones to ask about.
        words = found.words if utterance.transcript else ()
        np.savez(unfinished, phones=found.phones, words=words, times=found.times[: len(words)])
        unfinished.rename(target)


def whole(transcript: str, frames: int) -> Aligned:
    """Of a recording that nobody has aligned: its words are said somewhere in it."""
    words = tuple(transcript.split())
    edges = np.linspace(0, frames, len(words) + 1).astype(np.int32)
    unknown = np.full(frames, UNKNOWN, np.int8)
    return Aligned(unknown, words, np.stack([edges[:-1], edges[1:]], axis=1))


def read(folder: Path, name: str) -> Aligned:
    """What :func:`align` has written."""
    with np.load(folder / f"{name}.npz") as found:
        words = tuple(str(word) for word in found["words"])
        return Aligned(found["phones"], words, found["times"].reshape(-1, 2))


class WordAligner(Aligner):
    """The aligner of the voice conversion recipe, which tells words as well."""

    def aligned(self, samples: Samples, transcript: str) -> Aligned:
        """Phones and words of ``(n,)`` samples at 16 kHz."""
        phones = self(samples, transcript)
        words, times = [], []
        for word in self._decoder.get_alignment() if (phones != UNKNOWN).any() else ():
            name = word.name.split("(")[0]  # "the(2)" is another pronunciation
            if name not in _SILENCES:
                words.append(name.upper())
                times.append((word.start, word.start + word.duration))
        return Aligned(phones, tuple(words), np.array(times, np.int32).reshape(-1, 2))
