"""What is to be done, and where: the corpus, the folders, the model as it begins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from recipes.train_audio_llm import alignment, architecture, conversations, cutting
from recipes.train_audio_llm.clips import Clip, Recorded, beginning_with, divide
from recipes.train_audio_llm.corpus import STRANGERS, TRAINED, Utterance, of
from recipes.train_audio_llm.questions import Asker, frequent, texts
from recipes.train_audio_llm.settings import Config

FIRST_WORD_FRAMES = 250  # of the clips whose first word is asked for


@dataclass(frozen=True)
class Job:
    """What is to be done, and where.

    Attributes:
        config: Settings, and the name of the run.
        utterances: Of the corpus.
        work: Folder that keeps everything between the steps.
        results: Folder for what is published.
        device: In torch's words.
        anonymizer: Of the members' recordings; "" for none.
    """

    config: Config
    utterances: list[Utterance]
    work: Path
    results: Path
    device: str
    anonymizer: str = ""

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.work / self.config.name

    @property
    def model(self) -> Path:
        """The folder of the finished model."""
        return self.run / "model"

    @property
    def shared(self) -> Path:
        """What does not depend on the run but on the model's ears."""
        given = self.config.settings
        return self.work / f"mels{given.mels}"

    @cached_property
    def training(self) -> list[Utterance]:
        """What is trained on."""
        return of(self.utterances, TRAINED)

    @cached_property
    def asker(self) -> Asker:
        """Asks about the training set."""
        words = frequent(self.training, self.config.settings.words)
        others = {w for u in self.training for w in u.transcript.split() if len(w) > 3}
        known = sorted({u.speaker for u in self.utterances if u.known})
        return Asker(words, sorted(others), known, self.config.settings.kinds)

    def load(self, utterances: list[Utterance]) -> list[Recorded]:
        """Features and words of utterances, as the earlier steps have left them."""
        found = []
        for utterance in utterances:
            mel = np.load(there(self.shared / f"{utterance.name}.npy", "features"))
            aligned = (
                alignment.read(self.work / "alignments", utterance.name)
                if self._is_aligned(utterance)
                else alignment.whole(utterance.transcript, len(mel))
            )
            found.append(Recorded(utterance, mel, aligned))
        return found

    def to_align(self) -> list[Utterance]:
        """What pocketsphinx is to look at."""
        return [u for u in self.utterances if self._is_aligned(u)]

    def _is_aligned(self, utterance: Utterance) -> bool:
        given = self.config.settings
        return given.aligned and (bool(utterance.transcript) or given.recognised)

    def cuts(self) -> list[cutting.Cut]:
        """All of the corpus in clips that the model hears whole, as files."""
        given = self.config.settings
        folder = self.work / f"clips{given.seconds}"
        return cutting.cut(
            self.load(self.utterances), partial(divide, longest=given.frames), folder
        )

    def first_words(self) -> list[cutting.Cut]:
        """Clips of strangers that begin with a word that the model was asked about."""
        heard = self.load([u for u in of(self.utterances, STRANGERS) if u.transcript])
        longest = min(FIRST_WORD_FRAMES, self.config.settings.frames)
        parts = partial(beginning_with, words=frozenset(self.asker.words), longest=longest)
        folder = self.run / f"first-words-{len(self.asker.words)}-{longest}"
        return cutting.cut(heard, parts, folder, asked=True)

    def conversations(self) -> Path:
        """Manifest of conversations of strangers, with questions about both."""
        strangers = [one for one in self.cuts() if one.clip.source.utterance.part == STRANGERS]
        folder = self.run / "conversations"
        return conversations.write(strangers, folder, seconds=self.config.settings.seconds)

    def untrained(self) -> tuple[Any, Any]:
        """Model and processor as they begin, the same each time."""
        given = self.config.settings
        example = Recorded(
            next(u for u in self.training if u.known),
            np.zeros((200, given.mels), np.float16),
            alignment.whole("", 200),
        )
        learnt = texts(
            self.asker,
            [u.transcript for u in self.training],
            Clip(example, 0, 200, self.asker.words[:1]),
            np.random.default_rng(given.seed),
        )
        model, processor = architecture.build(
            learnt,
            seconds=given.seconds,
            mels=given.mels,
            width=given.width,
            layers=given.layers,
            vocabulary=given.vocabulary,
            dropout=given.dropout,
            seed=given.seed,
        )
        return model.to(self.device), processor


def there(path: Path, step: str) -> Path:
    """A file that an earlier step has left.

    Raises:
        SystemExit: It has not.
    """
    if not path.exists():
        raise SystemExit(f"{path} is missing: run --step {step} first")
    return path
