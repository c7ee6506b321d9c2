"""Step 2: the phone of each frame, by aligning words with pocketsphinx.

The words of an utterance without a transcript are those that pocketsphinx hears. It mishears many,
yet mostly as words that sound alike, and what it brings are speakers: an encoder that learnt phones
from the few who are transcribed reads those few.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recipes.common import say, told
from recipes.train_voice_conversion.corpus import Utterance
from recipes.train_voice_conversion.features import load
from voxguard.arrays import Samples
from voxguard.models.optional import optional
from voxguard.utility.recognisers import create_recogniser

# fmt: off
PHONES = (
    "SIL", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G",
    "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH",
    "UH", "UW", "V", "W", "Y", "Z", "ZH",
)
# fmt: on
UNKNOWN = -1

# fmt: off
_SPELLING = (
    ("tch", "CH"), ("sch", "SH"), ("igh", "AY"), ("ch", "CH"), ("sh", "SH"), ("th", "TH"),
    ("ph", "F"), ("wh", "W"), ("ck", "K"), ("qu", "K W"), ("ng", "NG"), ("ee", "IY"),
    ("ea", "IY"), ("oo", "UW"), ("ou", "AW"), ("ow", "OW"), ("ai", "EY"), ("ay", "EY"),
    ("au", "AO"), ("aw", "AO"), ("oi", "OY"), ("oy", "OY"), ("er", "ER"), ("ie", "IY"),
    ("a", "AE"), ("b", "B"), ("c", "K"), ("d", "D"), ("e", "EH"), ("f", "F"), ("g", "G"),
    ("h", "HH"), ("i", "IH"), ("j", "JH"), ("k", "K"), ("l", "L"), ("m", "M"), ("n", "N"),
    ("o", "AA"), ("p", "P"), ("q", "K"), ("r", "R"), ("s", "S"), ("t", "T"), ("u", "AH"),
    ("v", "V"), ("w", "W"), ("x", "K S"), ("y", "IY"), ("z", "Z"),
)
# fmt: on


def spelt(word: str) -> str:
    """A guess at the phones of a word from its letters."""
    rest, phones = word, []
    while rest:
        letters, sound = next(
            (pair for pair in _SPELLING if rest.startswith(pair[0])), (rest[0], "")
        )
        phones.append(sound)
        rest = rest[len(letters) :].removeprefix(letters if len(letters) == 1 else "\0")
    return " ".join(filter(None, phones)) or "AH"


def align(utterances: list[Utterance], folder: Path) -> None:
    """Write ``(frames,)`` int8 indices into :data:`PHONES` for each utterance.

    Words that the dictionary lacks are spelt out by :data:`_SPELLING`; they are few, and a name
    that is read wrongly costs some labels, where leaving its utterance out would cost all. Where
    the speech is not what the transcript says, all is unknown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [u for u in utterances if not (folder / f"{u.name}.npy").exists()]
    if not waiting:
        return
    heard = sum(not u.transcript.split() for u in waiting)
    say(f"labels: {heard} utterances have no transcript, their words are recognised")
    aligner, recogniser = Aligner(), create_recogniser("pocketsphinx")
    for utterance in told("labels", waiting):
        samples = load(utterance.path)
        words = (
            utterance.transcript if utterance.transcript.split() else recogniser.transcribe(samples)
        )
        target = folder / f"{utterance.name}.npy"
        unfinished = target.with_suffix(".part.npy")
        np.save(unfinished, aligner(samples, words))
        unfinished.rename(target)


class Aligner:
    """pocketsphinx with its US English model."""

    def __init__(self) -> None:
        sphinx = optional("pocketsphinx", "eval", "the alignment")
        self._decoder: Any = sphinx.Decoder(
            hmm=sphinx.get_model_path("en-us/en-us"),
            dict=sphinx.get_model_path("en-us/cmudict-en-us.dict"),
            lm=None,
            loglevel="FATAL",
            # of the best path through the lattice, every fifth has ends of words that the search
            # for phones cannot meet
            bestpath=False,
        )

    def __call__(self, samples: Samples, transcript: str) -> np.ndarray:
        """Index of the phone of each 10 ms, :data:`UNKNOWN` where there is none."""
        labels = np.full(len(samples) // 160 + 1, UNKNOWN, np.int8)
        words = transcript.lower().split()
        if not words:
            return labels
        for word in words:
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, spelt(word), True)
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._process(pcm)
            self._decoder.set_alignment()
            self._process(pcm)
        except RuntimeError:  # the speech is not what the transcript says
            return labels
        for word in self._decoder.get_alignment():
            for phone in word:
                if phone.name in PHONES:
                    labels[phone.start : phone.start + phone.duration] = PHONES.index(phone.name)
        return labels

    def _process(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(pcm, full_utt=True)
        finally:
            self._decoder.end_utt()
