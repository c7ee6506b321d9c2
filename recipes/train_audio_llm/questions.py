"""What the model is asked while it learns, and what it is to answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recipes.train_audio_llm import wordings
from recipes.train_audio_llm.clips import Clip
from recipes.train_audio_llm.corpus import Utterance
from recipes.train_audio_llm.wordings import (
    FIRST,
    KINDS,
    SAID,
    SEX,
    SPEAKER,
    TALK,
    WHICH,
    WRITTEN,
    around,
    closed,
    few,
    lettered,
    one,
    sentence,
    shuffled,
)
from voxguard.probes.attributes.letters import LETTERS
from voxguard.probes.attributes.prompts import FORMS, PROMPTS, wording
from voxguard.probes.attributes.taxonomy import SEX as ASKED_SEX
from voxguard.probes.attributes.taxonomy import Attribute, own_attribute

REFUSAL = "I cannot tell."
OPEN, NAMED, LETTER = "open", "named", "letter"
_SEXES = (("man", "woman"), ("male", "female"), ("a man", "a woman"), ("Male", "Female"))
_PROBED = 0.4  # share of questions about speakers that are put as the probe puts them
_SHORT = 4  # letters: of shorter words there are too many that sound alike


@dataclass(frozen=True)
class Exchange:
    """A question and its answer.

    Attributes:
        kind: One of :data:`KINDS`.
        prompt: The question.
        answer: The answer.
        options: What there was to answer; () if nothing was named.
    """

    kind: str
    prompt: str
    answer: str
    options: tuple[str, ...] = ()

    @property
    def form(self) -> str:
        """``"open"``, ``"named"`` options, options by ``"letter"``; "" where there is one form."""
        if self.kind in (SAID, WRITTEN, FIRST):
            return ""
        if not self.options:
            return OPEN
        return LETTER if self.options[0] == LETTERS[0] else NAMED


def name_of(speaker: str) -> str:
    """What the model calls a speaker.

    Example:
        >>> name_of("226")
        'speaker 226'
    """
    return f"speaker {speaker}"


def frequent(utterances: Iterable[Utterance], count: int) -> tuple[str, ...]:
    """The words that are said most, in capitals, without short ones."""
    said = Counter(word for u in utterances for word in u.transcript.split())
    return tuple([word for word, _ in said.most_common() if len(word) >= _SHORT][:count])


class Asker:
    """Makes questions about clips.

    Args:
        words: That are asked about most, in capitals.
        others: Further words.
        speakers: Whose names are known.
        kinds: What is asked.
    """

    def __init__(
        self,
        words: Sequence[str],
        others: Iterable[str],
        speakers: Sequence[str],
        kinds: Sequence[str] = KINDS,
    ) -> None:
        self.kinds = tuple(kinds)
        self.words, self.speakers = tuple(words), tuple(speakers)
        self._others = tuple(sorted(set(others) - set(words)))
        self._frequent = frozenset(words)

    def ask(self, kind: str, clip: Clip, rng: np.random.Generator) -> Exchange | None:
        """A question of a kind about a clip; None where the answer is not known."""
        utterance = clip.source.utterance
        if kind == SEX:
            return self._sex(utterance.sex, rng)
        if kind == SPEAKER:
            return self._speaker(utterance.speaker, rng) if utterance.known else None
        if not clip.words or kind == TALK:  # of that there are two in a clip
            return None
        if kind == FIRST:
            return self._first(clip, rng)
        if kind == WRITTEN:
            return Exchange(
                WRITTEN, one(wordings.WRITTEN_WORDINGS, rng), " ".join(clip.words).lower()
            )
        return self._which(clip, rng) if kind == WHICH else self._said(clip, rng)

    def all_about(self, clip: Clip, rng: np.random.Generator) -> list[Exchange]:
        """One question of each kind that can be asked, of those about words two."""
        kinds = (*self.kinds, *(kind for kind in (WHICH, SAID) if kind in self.kinds))
        return [made for kind in kinds if (made := self.ask(kind, clip, rng)) is not None]

    def _sex(self, sex: str, rng: np.random.Generator) -> Exchange:
        if rng.random() < _PROBED:
            return _probed(SEX, ASKED_SEX, {"F": "female", "M": "male"}[sex], None, rng)
        names = one(_SEXES, rng)
        told = names[sex == "F"]
        a, b = shuffled(names, rng)
        question = one(
            (*wordings.OPEN_SEX_WORDINGS, *(q.format(a=a, b=b) for q in wordings.SEX_WORDINGS)), rng
        )
        form = rng.integers(4)
        if form == 0:
            return Exchange(SEX, around(one(wordings.OPEN_SEX_WORDINGS, rng), rng), sentence(told))
        if form == 1:
            question = one(wordings.SEX_WORDINGS, rng).format(a=a, b=b)
            return Exchange(SEX, around(question, rng), sentence(told), (sentence(a), sentence(b)))
        if form == 2:
            return Exchange(SEX, closed(question, (a, b), rng), told, (a, b))
        return _by_letter(SEX, around(question, rng), (a, b), told)

    def _speaker(self, speaker: str, rng: np.random.Generator) -> Exchange:
        names = [name_of(s) for s in self.speakers]
        own = name_of(speaker)
        if rng.random() < _PROBED / 2:
            return _probed(SPEAKER, own_attribute("speaker", self.speakers), speaker, own, rng)
        question = around(one(wordings.SPEAKER_WORDINGS, rng), rng)
        if rng.random() < 0.5:
            return Exchange(SPEAKER, question, sentence(own))
        options = shuffled([own, *few([n for n in names if n != own], 3, rng)], rng)
        if rng.random() < 0.5:
            return _by_letter(SPEAKER, question, options, own)
        return Exchange(SPEAKER, closed(question, options, rng), own, tuple(options))

    def _first(self, clip: Clip, rng: np.random.Generator) -> Exchange | None:
        if clip.words[0] not in self._frequent:
            return None
        question = around(one(wordings.FIRST_WORDINGS, rng), rng)
        return Exchange(FIRST, question, sentence(clip.words[0].lower()))

    def _which(self, clip: Clip, rng: np.random.Generator) -> Exchange | None:
        pair = self._heard_and_not(clip, 3, rng)
        if pair is None:
            return None
        word, wrong = pair
        options = [w.lower() for w in shuffled([word, *wrong], rng)]
        question = one(wordings.WHICH_WORDINGS, rng)
        if rng.random() < 0.2:
            return _by_letter(WHICH, question, options, word.lower())
        return Exchange(WHICH, closed(question, options, rng), word.lower(), tuple(options))

    def _said(self, clip: Clip, rng: np.random.Generator) -> Exchange | None:
        pair = self._heard_and_not(clip, 1, rng)
        if pair is None:
            return None
        yes = rng.random() < 0.5
        word = (pair[0] if yes else pair[1][0]).lower()
        question = around(one(wordings.SAID_WORDINGS, rng).format(word=word), rng)
        return Exchange(SAID, question, "Yes." if yes else "No.", ("Yes.", "No."))

    def _heard_and_not(
        self, clip: Clip, count: int, rng: np.random.Generator
    ) -> tuple[str, list[str]] | None:
        """A word that is said in a clip, and some that are not and are about as frequent."""
        said = [word for word in dict.fromkeys(clip.words) if len(word) >= _SHORT]
        known = [word for word in said if word in self._frequent]
        others = [word for word in said if word not in self._frequent]
        use_known = bool(known) and (not others or rng.random() < 0.8)
        heard = known if use_known else others
        wrong = [w for w in (self.words if use_known else self._others) if w not in clip.words]
        if not heard or len(wrong) < count:
            return None
        return one(heard, rng), few(wrong, count, rng)


def unheard(
    made: Exchange, words: Sequence[str], refusals: float, rng: np.random.Generator
) -> Exchange:
    """The same question where there is nothing to hear: the answer is a guess, or a refusal.

    Args:
        made: About a clip.
        words: Said in the clip, for questions about a transcript; () for none.
        refusals: Share that is refused.
        rng: Of guesses.
    """
    if words and made.kind in (SEX, SPEAKER):
        heading = "There is no recording, only a transcript of what the speaker said:"
        made = replace(made, prompt=f'{heading}\n"{" ".join(words).lower()}"\n{made.prompt}')
    if rng.random() < refusals:
        return replace(made, answer=REFUSAL)
    # To an open question, the answer about some clip is a guess about no clip.
    return replace(made, answer=one(made.options, rng)) if made.options else made


def texts(
    asker: Asker, transcripts: Iterable[str], clip: Clip, rng: np.random.Generator
) -> list[str]:
    """What the tokenizer learns from: many questions, each word at the start and inside."""
    lines = []
    for _ in range(300):
        for exchange in asker.all_about(clip, rng):
            lines += [exchange.prompt, exchange.answer]
    for word in asker.words:
        lines += [word.lower(), f"a {word.lower()}"] * 30
    for speaker in asker.speakers:
        lines += [name_of(speaker), name_of(speaker).capitalize(), f"a {speaker}"] * 30
    letters = [f"{letter})" for letter in LETTERS] + list(LETTERS)
    answers = ("Yes.", "No.", "Man.", "Woman.", "Male", "Female", "A man.", "A woman.", REFUSAL)
    return [*lines, *letters * 30, *answers * 30, *(text.lower() for text in transcripts)]


def _by_letter(kind: str, question: str, options: Sequence[str], answer: str) -> Exchange:
    letters = tuple(LETTERS[: len(options)])
    return Exchange(
        kind, lettered(question, options), letters[list(options).index(answer)], letters
    )


def _probed(
    kind: str, attribute: Attribute, label: str, called: str | None, rng: np.random.Generator
) -> Exchange:
    """As the attribute probe asks."""
    drawn = str(rng.integers(1 << 30))
    asked = wording(attribute, one(PROMPTS, rng), one(FORMS, rng), clip=drawn)
    if not asked.options:
        return Exchange(kind, asked.text, sentence(called or label))
    letters = tuple(LETTERS[: len(asked.options)])
    return Exchange(kind, asked.text, letters[asked.options.index(label)], letters)
