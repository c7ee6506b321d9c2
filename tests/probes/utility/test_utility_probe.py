"""What a model understands: models of known hearing, real anonymizers, every way to answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import voxguard
from voxguard.audio import AudioWriter, read
from voxguard.audiollm import AnswerRecord
from voxguard.errors import ConfigurationError
from voxguard.evaluation import Manifest, Utterance
from voxguard.probes.document import ProbeDocument
from voxguard.probes.utility import probe_utility
from voxguard.probes.utility.tasks import exercises

RATE = 16_000
TEXTS = [f"{a} {b}" for a in ("morning", "evening", "sudden", "quiet")
         for b in ("light", "shade", "storm", "water", "music", "stone")]  # fmt: skip


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, make_voice):
    folder = tmp_path_factory.mktemp("clips")
    utterances = []
    for i, text in enumerate(TEXTS):
        path = folder / f"{i}.wav"
        with AudioWriter(path, RATE, 1) as file:
            file.write(make_voice(seconds=0.5, speaker=i % 6)[None, : 6_000 + 80 * i])
        labels = {"question": "What is it about?", "answer": text.split()[1]}
        utterances.append(Utterance(f"u{i}", path, f"s{i % 6}", transcript=text, labels=labels))
    return Manifest("clips", tuple(utterances))


class Hearing:
    """Knows the clips by heart: by their samples, or by their length, which an anonymizer keeps."""

    name = "hearing"

    def __init__(self, manifest, by):
        self._by = by
        self._known = {by(read(u.path)[0][0]): u.transcript for u in manifest.utterances}

    def __call__(self, samples, sample_rate, prompt):
        heard = self._known.get(self._by(samples), "") if samples.any() else ""
        if "Which of these" in prompt:
            offered = prompt.splitlines()[1:]
            return next((line for line in offered if line[3:] in heard.split()), "I cannot tell.")
        return heard


def samples_of(samples):
    return samples.tobytes()


@pytest.mark.parametrize("task", ["words", "questions", "transcription"])
def test_a_model_that_hears_through_loses_nothing(manifest, task):
    found = probe_utility(
        Hearing(manifest, len), manifest, anonymizers=voxguard.McAdams(), tasks=[task]
    )
    assert found.figure("accuracy", task=task).value == 1.0
    assert found.figure("accuracy", "silence", task=task).value == 0.0
    loss = found.figure("utility_loss", "protected", task=task)
    assert (loss.value, loss.low, loss.high) == (0.0, 0.0, 0.0)
    assert found.figure("agreement", "protected", task=task).value == 1.0


def test_a_model_that_hears_nothing_any_more_loses_all(manifest):
    found = probe_utility(
        Hearing(manifest, samples_of), manifest, anonymizers={"m": voxguard.McAdams()}
    )
    assert found.figure("accuracy", task="words").value == 1.0
    loss = found.figure("utility_loss", "m", task="words")
    assert loss.value == pytest.approx(4 / 3)  # from 1 past a blind guess of 1/4 to 0
    assert found.systems["m"]["method"] == "mcadams"


def test_half_is_half(manifest):
    whole = Hearing(manifest, len)
    raw = {read(u.path)[0][0].tobytes() for u in manifest.utterances}

    def half(samples, sample_rate, prompt):
        through = samples.tobytes() in raw or len(samples) % 160
        return whole(samples, sample_rate, prompt) if through else "no"

    found = probe_utility(half, manifest, anonymizers=voxguard.McAdams(), tasks=["questions"])
    loss = found.figure("utility_loss", "protected", task="questions")
    assert loss.value == pytest.approx(0.5)
    assert loss.low < 0.5 < loss.high


def test_who_guesses_has_nothing_to_lose(manifest):
    def first(samples, sample_rate, prompt):
        return "A)"

    found = probe_utility(first, manifest, anonymizers=voxguard.McAdams())
    assert 0.0 < found.figure("accuracy", task="words").value < 0.7
    loss = found.figure("utility_loss", "protected", task="words")
    assert loss.value is None
    assert "not clearly better than without ears" in loss.why


def test_options_are_shuffled_and_the_truth_is_among_them(manifest):
    found, _ = exercises(manifest.utterances, ["words"], seed=3)
    places = {one.options.index(one.truth) for one in found}
    assert places == {0, 1, 2, 3}
    for one in found:
        said = set(one.utterance.transcript.split())
        assert said & set(one.options) == {one.truth}


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        ("{truth}", 1.0),
        ("The word is “{truth}”.", 1.0),
        ("({letter})", 1.0),
        ("{letter}) {truth}", 1.0),
        ("{LOUD}!", 1.0),
        ("{other}", 0.0),
        ("{truth} or {other}", 0.0),
        ("{letter}) {other}", 0.0),
        ("un{truth}able", 0.0),
        ("", 0.0),
        ("I cannot tell.", 0.0),
    ],
)
def test_answers_are_marked(manifest, answer, mark):
    one = exercises(manifest.utterances, ["words"], seed=0)[0][0]
    place = one.options.index(one.truth)
    words = {
        "truth": one.truth,
        "LOUD": one.truth.upper(),
        "letter": "ABCD"[place],
        "other": one.options[place - 1],
    }
    assert one.mark(answer.format(**words)) == mark


def test_a_transcription_has_the_share_of_its_words(manifest):
    one = exercises(manifest.utterances, ["transcription"], seed=0)[0][0]
    assert one.mark("Morning light") == 1.0
    assert one.mark("morning bright") == 0.5
    assert one.mark("a b c d e f") == 0.0


def test_without_transcripts_there_is_nothing_to_ask(manifest):
    bare = replace(
        manifest, utterances=tuple(replace(u, transcript="") for u in manifest.utterances)
    )
    with pytest.raises(ConfigurationError, match="nothing to ask"):
        probe_utility(len, bare)
    with pytest.raises(ConfigurationError, match="unknown task 'singing'"):
        probe_utility(len, manifest, tasks=["singing"])


def test_failed_questions_are_left_out_of_every_condition(manifest):
    hearing = Hearing(manifest, len)

    def fails_on_some(samples, sample_rate, prompt):
        if len(samples) % 400 == 0:
            raise OSError("not this one")
        return hearing(samples, sample_rate, prompt)

    record = AnswerRecord()
    found = probe_utility(fails_on_some, manifest, record=record, limit=18, seed=1)
    accuracy = found.figure("accuracy", task="words")
    assert accuracy.value == 1.0
    assert 0 < accuracy.n < 18
    assert found.counts["error"] == 2 * (18 - accuracy.n)
    again = probe_utility(hearing, manifest, record=record, limit=18, seed=1)
    assert again.figure("accuracy", task="words").n == 18


def test_a_record_never_answers_for_another_anonymizer(manifest):
    hearing, asked = Hearing(manifest, len), []

    def counted(samples, sample_rate, prompt):
        asked.append(prompt)
        return hearing(samples, sample_rate, prompt)

    record = AnswerRecord()
    for coefficient, times in ((0.6, 3), (0.9, 1), (0.6, 0)):  # raw, silence and protected, once
        mine = voxguard.McAdams(coefficient=(coefficient, coefficient))
        probe_utility(counted, manifest, anonymizers={"mine": mine}, record=record, limit=18)
        assert len(asked) == 18 * times
        asked.clear()


def test_when_all_fail_there_is_no_figure(manifest):
    def unreadable(samples, sample_rate, prompt):
        raise voxguard.VoxguardError("no")

    with pytest.raises(voxguard.VoxguardError, match="in a row"):
        probe_utility(unreadable, manifest)


def test_the_document_comes_back(manifest, tmp_path):
    found = probe_utility(Hearing(manifest, len), manifest, anonymizers=voxguard.McAdams(seed=4))
    found.write(tmp_path / "u.json")
    assert ProbeDocument.read(tmp_path / "u.json").as_dict() == found.as_dict()
    assert np.isfinite([f.value for f in found.figures if f.value is not None]).all()
