"""What the small audio LLM is asked while it learns, and about which clips."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("jiwer")

from ten_words import SAID, asker, recorded

from recipes.train_audio_llm import clips, questions, wordings
from recipes.train_audio_llm.clips import Clip
from recipes.train_audio_llm.questions import Exchange


def test_clips_lie_between_words():
    source = recorded()
    rng = np.random.default_rng(0)
    drawn = [clips.draw(source, 600, 0.5, rng) for _ in range(200)]
    for clip in drawn:
        assert 0 <= clip.start < clip.end <= 1200
        assert clip.end - clip.start <= 600
        assert clip.words == tuple(SAID[clip.first : clip.first + len(clip.words)])
        assert clip.words
    assert {len(clip.words) for clip in drawn} >= {1, 2, 5}
    parts = clips.divide(source, 400)
    assert [word for clip in parts for word in clip.words] == SAID
    assert all(clip.end - clip.start <= 400 for clip in parts)
    silent = recorded(words=[])
    assert [clip.words for clip in clips.divide(silent, 500)] == [(), (), ()]
    assert clips.draw(silent, 600, 0.5, rng).words == ()


def test_answers_are_true():
    """Whatever is asked in whatever form: the answer follows from the clip."""
    source, ask, rng = recorded(), asker(), np.random.default_rng(0)
    for _ in range(300):
        clip = clips.draw(source, 600, 0.5, rng)
        for made in ask.all_about(clip, rng):
            chosen = made.answer
            if made.options and made.options[0] == "A" and made.kind != wordings.SAID:
                line = next(x for x in made.prompt.splitlines() if x.startswith(f"{chosen}) "))
                chosen = line[3:]
            if made.kind == wordings.SEX:
                assert chosen.strip(".").lower().removeprefix("a ") in ("woman", "female")
            elif made.kind == wordings.SPEAKER:
                assert chosen.strip(".").lower().removeprefix("speaker ") == "7"
            elif made.kind == wordings.WHICH:
                assert chosen.upper() in clip.words
                others = [w for w in SAID if w not in clip.words and w.lower() in made.options]
                assert len(made.options) == 4
                assert chosen.upper() not in others
            elif made.kind == wordings.FIRST:
                assert chosen == f"{clip.words[0].capitalize()}."
            elif made.kind == wordings.SAID:
                named = [w for w in (*SAID, "ELEVEN", "TWELVE") if f"{w.lower()}" in made.prompt]
                longest = max(named, key=len)
                assert (longest in clip.words) == (made.answer == "Yes.")
            else:
                assert chosen == " ".join(clip.words).lower()


def test_the_first_word_is_asked_for_where_it_is_known():
    ask, rng = asker(kinds=[wordings.FIRST]), np.random.default_rng(0)
    source = recorded()
    asked = {k: ask.all_about(clips.Clip(source, 100 * k, 1200, tuple(SAID[k:]), k), rng)
             for k in range(len(SAID))}  # fmt: skip
    assert {k for k, made in asked.items() if made} == {2, 3, 4, 5, 6}
    assert {made[0].answer for made in asked.values() if made} == {
        "Three.", "Four.", "Five.", "Six.", "Seven."}  # fmt: skip
    assert all(made[0].form == "" and not made[0].options for made in asked.values() if made)


def test_most_clips_begin_with_a_word_that_is_wanted():
    source, rng = recorded(), np.random.default_rng(0)
    anywhere, wanted = (
        [clips.draw(source, 600, 0.5, rng, beginning=words).words[0] == "FIVE" for _ in range(300)]
        for words in ((), {"FIVE"})
    )
    assert np.mean(anywhere) < 0.2
    assert 0.6 < np.mean(wanted) < 0.85
    other = recorded(words=["ONE", "TWO"])
    assert clips.draw(other, 600, 0.5, rng, beginning={"FIVE"}).words


def test_clips_begin_with_the_words_and_do_not_overlap():
    found = clips.beginning_with(recorded(), {"TWO", "THREE", "EIGHT"}, 250)
    assert [clip.words for clip in found] == [("TWO", "THREE"), ("EIGHT", "NINE")]
    assert [(clip.start, clip.end) for clip in found] == [(100, 300), (700, 900)]
    assert clips.beginning_with(recorded(), {"NOTHING"}, 250) == []


def test_strangers_are_not_asked_for_by_name():
    clip = Clip(recorded(known=False, speaker="999"), 0, 300, ("THREE",))
    rng = np.random.default_rng(0)
    assert asker().ask(wordings.SPEAKER, clip, rng) is None
    assert asker(kinds=[wordings.SEX]).all_about(clip, rng)[0].kind == wordings.SEX


def test_what_is_not_heard_is_guessed_or_refused():
    rng = np.random.default_rng(0)
    made = Exchange("sex", "Who?", "a man", ("a man", "a woman"))
    guesses = [questions.unheard(made, (), 0.0, rng).answer for _ in range(200)]
    assert 60 < guesses.count("a man") < 140
    assert questions.unheard(made, (), 1.0, rng).answer == questions.REFUSAL
    assert '"one two"' in questions.unheard(made, ("ONE", "TWO"), 0.0, rng).prompt
