"""What the tests of the audio LLM's recipe talk about: ten words, a second each."""

from pathlib import Path

import numpy as np

from recipes.train_audio_llm import alignment, corpus, questions
from recipes.train_audio_llm.clips import Recorded
from recipes.train_audio_llm.corpus import Utterance

SAID = ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN"]


def recorded(number=0, *, seconds=12, words=SAID, speaker="7", part=corpus.TRAINED, known=True):
    """An utterance of words that are said a second each, and of noise for a spectrogram."""
    rng = np.random.default_rng(number)
    name = f"u{number}"
    said = Utterance(Path(f"{name}.wav"), name, speaker, "F", " ".join(words), part, known)
    mel = rng.uniform(-1, 1, (100 * seconds, 16)).astype(np.float16)
    return Recorded(said, mel, alignment.whole(said.transcript, 100 * len(words)))


def asker(**more):
    return questions.Asker(SAID[2:7], [*SAID, "ELEVEN", "TWELVE"], ["7", "19", "103"], **more)
