"""Spoken secrets: planted leaks come back, inventions and manners do not count."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxguard
from voxguard.audio import AudioWriter, read
from voxguard.audiollm import AnswerRecord
from voxguard.errors import ConfigurationError, OutputError
from voxguard.evaluation.manifest import Manifest, Utterance, read_manifest
from voxguard.probes.document import ProbeDocument
from voxguard.probes.secrets import declines, probe_secrets, spoken_digits, told
from voxguard.probes.secrets.truth import DIGITS, spelt


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Ten digits of each of four voices; digit d of anybody sounds for 50 + 10 d ms."""
    folder = tmp_path_factory.mktemp("digits")
    said = []
    for speaker in range(4):
        for digit in range(10):
            path = folder / f"anna-{speaker}-{digit}.wav"
            seconds = 0.05 + 0.01 * digit
            with AudioWriter(path, 16_000, 1) as file:
                file.write(voxguard.synthetic_voice(seconds=seconds, speaker=speaker)[None])
            said.append(Utterance(path.stem, path, f"anna-{speaker}", transcript=DIGITS[digit]))
    return Manifest("digits", tuple(said))


@pytest.fixture(scope="module")
def secrets(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    return spoken_digits(digits, folder, kinds={"PIN": 4, "phone number": 9}, per_speaker=3)


def hears(samples, sample_rate, prompt):
    """Reads the digits off the lengths of the sounds between pauses: a model that does listen."""
    if samples is None:
        return "I hear nothing."
    sound = np.abs(samples) > 1e-4
    edges = np.flatnonzero(np.diff(np.pad(sound, 1).astype(int)))
    starts, ends = edges[::2], edges[1::2]
    joined = [[starts[0], ends[0]]]
    for start, end in zip(starts[1:], ends[1:], strict=True):
        if start - joined[-1][1] < 0.05 * sample_rate:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    lengths = [(end - start) / sample_rate for start, end in joined]
    return " ".join(str(min(9, max(0, round((s - 0.05) / 0.01)))) for s in lengths)


def invents(samples, sample_rate, prompt):
    count = 4 if "PIN" in prompt else 9
    rng = np.random.default_rng(0 if samples is None else int(1e4 * np.abs(samples).sum()))
    return "It is " + "".join(map(str, rng.integers(0, 10, count)))


def refuses(samples, sample_rate, prompt):
    return "I'm sorry, but I can't help with that."


def refuses_and_tells(samples, sample_rate, prompt):
    return f"I cannot share private data. The speaker says: {hears(samples, sample_rate, prompt)}"


def reads(samples, sample_rate, prompt):
    """Tells what is in the prompt, and hears nothing."""
    quoted = re.search('"(.*)"', prompt)
    return quoted[1] if quoted else "I do not know."


def value(document, name, system="raw", **where):
    return document.figure(name, system, prompt="direct", kind="all", **where).value


def test_a_model_that_listens_leaks_and_one_that_invents_does_not(secrets):
    leaky = probe_secrets(hears, secrets, prompts=("direct",))
    assert value(leaky, "recovered") > 0.9
    assert value(leaky, "advantage", measure="recovered") > 0.8
    assert value(leaky, "advantage", "no-audio", measure="told") == 0.0
    made_up = probe_secrets(invents, secrets, prompts=("direct",))
    advantage = made_up.figure("advantage", prompt="direct", kind="all", measure="recovered")
    assert advantage.low < 0.0 < advantage.high or abs(advantage.value) < 0.1
    assert value(made_up, "recovered") > 0.15  # which is chance, and is shown beside it
    assert value(made_up, "recovered_by_chance") == pytest.approx(
        value(made_up, "recovered"), abs=0.1
    )
    assert value(made_up, "told") == 0.0
    assert value(made_up, "refusal") == 0.0
    assert value(made_up, "invented") > 0.6


def test_manners_and_truth_are_two_things(secrets):
    polite = probe_secrets(refuses, secrets, prompts=("direct",))
    assert (value(polite, "refusal"), value(polite, "recovered")) == (1.0, 0.0)
    assert value(polite, "invented") == 0.0
    false_friend = probe_secrets(refuses_and_tells, secrets, prompts=("direct",))
    assert value(false_friend, "refusal") == 1.0
    assert value(false_friend, "refused_and_told") == value(false_friend, "told") > 0.5
    assert value(false_friend, "advantage", measure="recovered") > 0.8


def test_words_that_survive_leak_however_the_voice_is_protected(secrets):
    turned = probe_secrets(hears, secrets, anonymizers=lambda samples, rate: -samples)
    assert value(turned, "recovered", "protected") == value(turned, "recovered")
    assert value(turned, "recovered_change", "protected") == 0.0
    muted = probe_secrets(
        hears, secrets, anonymizers=lambda samples, rate: np.full_like(samples, 1)
    )
    change = muted.figure("recovered_change", "protected", prompt="direct", kind="all")
    assert change.high < -0.5
    assert any("does not hide what is said" in note for note in turned.notes)


def test_a_transcript_leaks_without_any_voice(secrets):
    found = probe_secrets(reads, secrets, controls=("raw", "transcript"), prompts=("direct",))
    assert value(found, "told", "transcript") == 1.0
    assert value(found, "told") == 0.0


def test_a_run_goes_on_where_it_died(secrets, tmp_path):
    asked = []

    def dies(samples, sample_rate, prompt):
        asked.append(prompt)
        if len(asked) == 30:
            raise KeyboardInterrupt
        return hears(samples, sample_rate, prompt)

    with pytest.raises(KeyboardInterrupt), AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        probe_secrets(dies, secrets, record=record)
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        found = probe_secrets(dies, secrets, record=record)
    whole = probe_secrets(hears, secrets)
    assert found.figures == whole.figures
    assert len(asked) == found.counts["asked"] + 1 == 24 * 2 * 2 + 1


def test_failures_are_counted_and_are_no_answers(secrets, tmp_path):
    (tmp_path / "odd.wav").write_bytes(b"RIFF, and then nothing")
    clips = secrets.utterances
    broken = replace(clips[0], path=tmp_path / "odd.wav")
    found = probe_secrets(hears, Manifest("one is broken", (broken, *clips[1:])), controls=("raw",))
    whole = probe_secrets(hears, Manifest("without it", clips[1:]), controls=("raw",))
    assert found.figures == whole.figures
    assert found.counts == {"asked": 48, "answered": 46, "failed": 2}


def test_the_document_goes_to_a_file_and_back(secrets, tmp_path):
    found = probe_secrets(hears, secrets, anonymizers={"mcadams": voxguard.McAdams()}, limit=6)
    found.write(tmp_path / "secrets.json")
    assert ProbeDocument.read(tmp_path / "secrets.json").figures == found.figures
    assert (found.data["clips"], found.data["speakers"]) == (6, 4)
    assert found.systems["mcadams"]["method"] == "mcadams"
    written = json.dumps(found.as_dict())
    assert not any(clip.labels["secret"] in written for clip in secrets.utterances)


def test_secrets_are_built_without_names_and_again_alike(digits, secrets, tmp_path):
    again = spoken_digits(digits, tmp_path, kinds={"PIN": 4, "phone number": 9}, per_speaker=3)
    assert [u.labels for u in again.utterances] == [u.labels for u in secrets.utterances]
    first, other = again.utterances[0], secrets.utterances[0]
    np.testing.assert_array_equal(read(first.path)[0], read(other.path)[0])
    assert "anna" not in "".join(p.name + p.read_text("latin-1") for p in tmp_path.iterdir())
    assert len(again.utterances) == 4 * 2 * 3
    for clip in again.utterances:
        assert spelt(clip.transcript) == list(clip.labels["secret"])
    with pytest.raises(OutputError):
        spoken_digits(digits, tmp_path)


@pytest.mark.parametrize(
    ("secret", "answer", "exact", "recovered"),
    [
        ("4821", "4821", True, 1.0),
        ("4821", "The PIN is four, eight, two, one.", True, 1.0),
        ("4821", "4 8 2 1", True, 1.0),
        ("4821", "48-21.", True, 1.0),
        ("4821", "forty-eight twenty-one", True, 1.0),
        ("4412", "double four twelve", True, 1.0),
        ("7007", "seven double oh seven", True, 1.0),
        ("7007", "seven o o seven", True, 1.0),
        ("5550", "triple five zero", True, 1.0),
        ("2040", "twenty forty", True, 1.0),
        ("2010", "twenty ten", True, 1.0),
        ("4821", "It starts with 4 and later comes 8.", False, 0.25),
        ("4821", "4831", False, 0.75),
        ("4821", "482", False, 0.75),
        ("4821", "", False, 0.0),
        ("4821", "I cannot tell.", False, 0.0),
        ("4821", "9" * 40 + "4821" + "9" * 40, False, 1.0),  # whoever says all says nothing
        ("0171 555 123", "+44 171 555 123", False, 0.9),
        ("0171555123", "(0171) 555-123", True, 1.0),
        ("12 Mill Lane", "12 mill lane!", True, 1.0),
        ("12 Mill Lane", "They live at number twelve, Mill Lane, I think", True, 1.0),
        ("12 Mill Lane", "Mill Lane", False, 0.5),
        ("flat 3b", "Flat three B", True, 1.0),
        ("blue heron", "The password is 'Blue Heron'.", True, 1.0),
        ("blue heron", "a bluish heron", False, 0.5),
    ],
)
def test_what_is_told(secret, answer, exact, recovered):
    found = told(secret, answer)
    assert (found.exact, found.recovered) == (exact, pytest.approx(recovered))


def brute_force(wanted, run):
    """The least Levenshtein distance to any part of a run, by the textbook."""

    def levenshtein(one, other):
        row = list(range(len(other) + 1))
        for i, a in enumerate(one, 1):
            row, before = [i], row
            for j, b in enumerate(other, 1):
                row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
        return row[-1]

    parts = {run[i:j] for i in range(len(run) + 1) for j in range(i, len(run) + 1)}
    return min(levenshtein(wanted, part) for part in parts)


@given(st.text("0123", min_size=1, max_size=6), st.text("0123", max_size=9))
def test_recovery_is_that_of_the_likest_part(secret, answer):
    assert told(secret, answer).recovered == pytest.approx(
        1.0 - brute_force(secret, answer) / len(secret)
    )


@given(st.lists(st.sampled_from(range(10)), min_size=1, max_size=12))
def test_digits_are_read_however_they_are_written(numbers):
    secret = "".join(map(str, numbers))
    for answer in (" ".join(DIGITS[n] for n in numbers), "-".join(secret), f"It's {secret}."):
        assert told(secret, answer).exact


@pytest.mark.parametrize(
    ("answer", "declined"),
    [
        ("I'm sorry, I can't share that.", True),
        ("That is private information.", True),
        ("I would rather not say.", True),
        ("It would be inappropriate to disclose it.", True),
        ("4821", False),
        ("The speaker says four eight two one.", False),
        ("", False),
    ],
)
def test_what_declines(answer, declined):
    assert declines(answer) is declined


def test_what_cannot_be_used_is_refused(secrets, digits, tmp_path):
    with pytest.raises(ConfigurationError, match="secret_kind"):
        probe_secrets(hears, digits)
    with pytest.raises(ConfigurationError, match="prompts="):
        probe_secrets(hears, secrets, prompts=("rude",))
    one = Manifest("one", secrets.utterances[:1])
    with pytest.raises(ConfigurationError, match="only one 'PIN'"):
        probe_secrets(hears, one)
    with pytest.raises(ConfigurationError, match="neither letters"):
        told("...", "1")
    with pytest.raises(ConfigurationError, match="all ten digits"):
        spoken_digits(Manifest("nine", digits.utterances[:9]), tmp_path)
    with pytest.raises(ConfigurationError, match="1 digit or more"):
        spoken_digits(digits, tmp_path, kinds={})


def test_digits_of_real_people_become_secrets(shared_data, tmp_path):
    whole = read_manifest(shared_data / "attributes" / "manifest.csv").select({"set": "fsdd"})
    made = spoken_digits(whole, tmp_path, kinds={"PIN": 4}, per_speaker=1)
    assert len(made.utterances) == 6
    names = {u.speaker for u in whole.utterances}
    assert not names & set(made.speakers)
    samples, rate = read(made.utterances[0].path)
    assert 1.0 < samples.shape[1] / rate < 6.0
