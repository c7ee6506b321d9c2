"""Encoders by name, and what all of them share."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.encoders import Encoder, create_encoder, encoders
from voxguard.attacks.encoders.base import digest_of
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError, UnknownNameError

SOURCE = {"source": "a/b"}
NEEDED = {"joined": {"of": ["level", "prosody"]}, "speechbrain": SOURCE, "transformers": SOURCE}
TRAINABLE = {"dvector-finetuned", "ecapa", "transcript"}


class Loudness(Encoder):
    """A plug-in's encoder."""

    name = "loudness"

    def __init__(self, *, power: float = 2.0) -> None:
        self.power = power

    @property
    def fingerprint(self):
        return digest_of(self.name, self.power)

    def embed(self, recording):
        return np.array([np.mean(np.abs(recording.samples()) ** self.power)])


def test_all_are_there():
    assert encoders.names() == [
        "acoustic",
        "dvector",
        "dvector-finetuned",
        "ecapa",
        "joined",
        "level",
        "prosody",
        "speechbrain",
        "transcript",
        "transformers",
    ]


@pytest.mark.parametrize("name", encoders.names())
def test_each_is_made_by_name_and_says_what_it_is(name):
    made = create_encoder(name, **NEEDED.get(name, {}))
    assert made.name == name
    assert made.trainable == (name in TRAINABLE)
    assert repr(made).startswith(type(made).__name__ + "(")
    again = create_encoder(name, **made.options)
    assert again.options == made.options


@pytest.mark.parametrize("name", encoders.names())
def test_an_unknown_option_is_named(name):
    with pytest.raises(ConfigurationError, match=f"encoder {name} has no option 'colour'"):
        create_encoder(name, colour=1, **NEEDED.get(name, {}))


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_cannot_be_left_out(name):
    option = next(iter(NEEDED[name]))
    with pytest.raises(ConfigurationError, match=f"cannot do without its option '{option}'"):
        create_encoder(name)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown encoder 'ivector'; known: acoustic, "):
        create_encoder("ivector")


@pytest.mark.parametrize("name", sorted(TRAINABLE))
def test_untrained_ones_say_so(name):
    made = create_encoder(name)
    recording = Recording("u", "s", lambda: np.ones(16_000, np.float32), "words")
    with pytest.raises(ConfigurationError, match=r"has not been trained: call fit\(\) or restore"):
        made.embed(recording)
    with pytest.raises(ConfigurationError, match="has not been trained"):
        _ = made.fingerprint


def test_an_encoder_of_ones_own(tmp_path):
    made = Loudness(power=1.0)
    assert made.embed(Recording("u", "s", lambda: np.full(4, -0.5, np.float32))) == 0.5
    assert made.fingerprint != Loudness().fingerprint
    assert repr(made) == "Loudness(power=1.0)"
    for attempt in (
        lambda: made.fit([]),
        lambda: made.save(tmp_path / "x"),
        lambda: made.restore(tmp_path / "x"),
    ):
        with pytest.raises(ConfigurationError, match="loudness encoder is not trainable"):
            attempt()


def test_the_digest_tells_contents_apart():
    said = [
        digest_of(),
        digest_of("a"),
        digest_of("a", "b"),
        digest_of("ab"),
        digest_of(b"ab"),
        digest_of({"a": 1}),
        digest_of(np.zeros(2)),
        digest_of(np.zeros(2, np.float32)),
        digest_of(np.zeros((2, 1))),
        digest_of(np.array([0.0, 1.0])),
    ]
    assert len(set(said)) == len(said)
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
