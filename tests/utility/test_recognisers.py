"""Recognisers: the one that is always there on real speech, the others on models made here."""

from __future__ import annotations

import csv
import importlib.util
import pickle
from typing import Any

import numpy as np
import pytest

from voxguard.audio import read
from voxguard.errors import (
    ConfigurationError,
    MissingExtraError,
    NonFiniteAudioError,
    UnknownNameError,
    UnsupportedAudioError,
)
from voxguard.metrics import wer
from voxguard.utility.recognisers import Recogniser, create_recogniser, recognisers

SPECS = ["pocketsphinx", "faster-whisper:no/such", "speechbrain:no/such"]
PACKAGES = {
    "pocketsphinx": ("pocketsphinx", "eval"),
    "faster-whisper": ("faster_whisper", "whisper"),
    "speechbrain": ("speechbrain", "train"),
}


def needs(*modules):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


class Loud(Recogniser):
    """Hears a word wherever it is loud."""

    name = "loud"
    how = "loudness"

    def __init__(self, *, word: str = "aye") -> None:
        self.word = word
        self.loads = 0

    def load(self) -> Any:
        self.loads += 1
        return object()

    def recognise(self, model, samples):
        return self.word if np.abs(samples).max() > 0.5 else ""


def test_the_model_is_loaded_once_and_when_needed(voice):
    loud = Loud()
    assert loud.loads == 0
    assert [loud.transcribe(gain * voice / np.abs(voice).max()) for gain in (1, 0.1, 1)] == [
        "aye", "", "aye"
    ]  # fmt: skip
    assert loud.loads == 1


def test_the_model_is_not_sent_to_another_process(voice):
    loud = Loud(word="no")
    loud.transcribe(voice)
    sent = pickle.loads(pickle.dumps(loud))  # noqa: S301
    assert "_model" not in vars(sent)
    assert sent.transcribe(np.ones(1_000)) == "no"
    assert sent.loads == loud.loads + 1


def test_options_make_the_fingerprint():
    assert Loud().fingerprint == Loud().fingerprint != Loud(word="no").fingerprint
    assert Loud().options == {"word": "aye"}


@pytest.mark.parametrize(
    ("samples", "error"),
    [
        (np.zeros((2, 900)), UnsupportedAudioError),
        (np.zeros(900, np.int16), UnsupportedAudioError),
        (np.zeros(0), UnsupportedAudioError),
        (np.full(900, np.nan), NonFiniteAudioError),
    ],
)
def test_what_is_no_speech(samples, error):
    with pytest.raises(error):
        Loud().transcribe(samples)


def test_nothing_is_heard_in_a_moment():
    assert Loud().transcribe(np.ones(399)) == ""


def test_names_and_options():
    assert {*PACKAGES} <= {*recognisers.names()}
    with pytest.raises(UnknownNameError, match="pocketsphinx"):
        create_recogniser("kaldi")
    with pytest.raises(ConfigurationError, match="no option 'beam'"):
        create_recogniser("faster-whisper:tiny", beam=3)
    with pytest.raises(ConfigurationError, match=r"faster-whisper:MODEL"):
        create_recogniser("faster-whisper")
    with pytest.raises(ConfigurationError, match="no option 'model'"):
        create_recogniser("pocketsphinx:large")
    with pytest.raises(ConfigurationError, match="at least 1"):
        create_recogniser("faster-whisper:tiny", beam_size=0)
    with pytest.raises(ConfigurationError, match="EncoderASR"):
        create_recogniser("speechbrain:x", interface="Nonsense")
    assert create_recogniser("faster-whisper:a/b:c").options["model"] == "a/b:c"


@pytest.mark.parametrize("spec", SPECS)
def test_without_the_package(spec, monkeypatch, voice):
    package, extra = PACKAGES[spec.partition(":")[0]]
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "voxguard.models.optional.find_spec", lambda name: None if name == package else found(name)
    )
    recogniser = create_recogniser(spec)
    for use in (lambda: recogniser.transcribe(voice), lambda: recogniser.how):
        with pytest.raises(MissingExtraError, match=rf"voxguard\[{extra}\]"):
            use()


@needs("pocketsphinx", "jiwer")
def test_pocketsphinx_on_real_speech(shared_data):
    with (shared_data / "speech" / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "eval"]
    rows = sorted(rows, key=lambda row: float(row["seconds"]))[:4]
    speech = [read(shared_data / "speech" / row["path"])[0][0] for row in rows]
    recogniser = create_recogniser("pocketsphinx")
    heard = [recogniser.transcribe(samples) for samples in speech]
    assert wer([row["transcript"] for row in rows], heard) < 0.6
    assert pickle.loads(pickle.dumps(recogniser)).transcribe(speech[0]) == heard[0]  # noqa: S301


@needs("pocketsphinx")
def test_pocketsphinx_forgets_the_utterance_before(shared_data):
    """This one is understood otherwise after others, unless the front end is reset."""
    folder = shared_data / "speech"
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "eval"][::20]
    speech = read(folder / rows[3]["path"])[0][0][:64_000]
    recogniser = create_recogniser("pocketsphinx")
    first = recogniser.transcribe(speech)
    recogniser.transcribe(3.0 * np.ones(1_000))
    assert recogniser.transcribe(speech) == first


@needs("pocketsphinx")
def test_pocketsphinx_on_what_has_no_words():
    recogniser = create_recogniser("pocketsphinx")
    for samples in (np.zeros(16_000), np.zeros(400), 3.0 * np.ones(1_000)):
        assert isinstance(recogniser.transcribe(samples), str)
    assert recogniser.how.startswith("pocketsphinx 5")
    assert recogniser.fingerprint == create_recogniser("pocketsphinx").fingerprint
    assert {path.name for path in recogniser.files()} >= {"en-us.lm.bin", "mdef"}
