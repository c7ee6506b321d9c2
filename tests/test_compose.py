from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import voxguard
from voxguard import Anonymizer, Compose, PseudoVoice
from voxguard.errors import ConfigurationError

RATE = 16_000


@dataclass(frozen=True, repr=False)
class Value(PseudoVoice):
    value: float


class Add(Anonymizer):
    """Adds a drawn constant; streams with a latency."""

    name = "add"
    streamable = True

    def __init__(self, *, latency=0, **randomness):
        super().__init__(**randomness)
        self.latency = latency
        self.bound = "unset"

    def draw(self, rng):
        return Value(rng.uniform(0.1, 0.2))

    def render(self, samples, sample_rate, voice):
        self.rate = sample_rate
        return samples + np.float32(voice.value)

    def open_stream(self, sample_rate, channels, voice, max_latency_ms):
        self.bound = max_latency_ms
        return Late(channels, np.float32(voice.value), self.latency)


class Late:
    def __init__(self, channels, value, latency):
        self.held = np.zeros((channels, 0), np.float32)
        self.value, self.latency_samples = value, latency

    def push(self, samples):
        self.held = np.concatenate([self.held, samples + self.value], axis=1)
        ready = max(0, self.held.shape[1] - self.latency_samples)
        out, self.held = self.held[:, :ready], self.held[:, ready:]
        return out

    def flush(self):
        return self.held


class Double(Add):
    name = "double"
    streamable = False

    def render(self, samples, sample_rate, voice):
        self.rate = sample_rate
        return 2 * samples


class At8k(Double):
    native_sample_rate = 8_000


class Live8k(Add):
    native_sample_rate = 8_000


def test_in_order(voice):
    value = Compose([Add(), Double()], seed=1).draw_voice().parts[0].value
    added_first = Compose([Add(), Double()], seed=1)(voice, RATE)
    doubled_first = Compose([Double(), Add()], seed=1)(voice, RATE)
    assert np.allclose(added_first, 2 * (voice + np.float32(value)), atol=1e-6)
    assert not np.allclose(added_first, doubled_first, atol=1e-3)


def test_each_part_draws_for_itself():
    first, second = Compose([Add(), Add()], seed=1).draw_voice().parts
    assert first.value != second.value
    chain = Compose([Add(), Add()], key=bytes(32))
    again = Compose([Add(), Add()], key=bytes(32))
    drawn = [c.draw_voice(speaker="anna").parts for c in (chain, again)]
    assert [v.value for v in drawn[0]] == [v.value for v in drawn[1]]


def test_parts_agree_on_the_lowest_rate(make_voice):
    parts = [Double(), At8k(), Double()]
    samples = make_voice(44_100, seconds=0.503)
    out = Compose(parts)(np.stack([samples, -samples]), 44_100)
    assert [part.rate for part in parts] == [8_000, 8_000, 8_000]  # no part has more to give
    assert out.shape == (2, samples.size)
    low = slice(0, int(0.503 * 3000))
    spectrum, expected = (np.fft.rfft(x)[low] for x in (out[0], 8 * samples))
    assert np.abs(spectrum - expected).max() < 0.02 * np.abs(expected).max()


def test_chains_nest(voice):
    inner = Compose([Add(), Add()])
    out = Compose([inner, Double()], seed=1)(voice, RATE)
    assert out.shape == voice.shape
    assert Compose([inner, Add()]).streamable
    assert not Compose([inner, Double()]).streamable


class TestStreams:
    def test_latencies_add_up_and_the_call_is_met(self, voice):
        chain = Compose([Add(latency=30), Add(latency=50)], seed=1)
        session = chain.stream(RATE)
        assert session.latency_ms == 5.0
        out = [session.push(c) for c in np.split(voice, [0, 1, 10, 500, 7000])]
        out = np.concatenate([*out, session.flush()])
        assert np.array_equal(out, Compose([Add(), Add()], seed=1)(voice, RATE))

    def test_shorter_than_the_latency(self, voice):
        session = Compose([Add(latency=30), Add(latency=50)], seed=1).stream(RATE, channels=2)
        out = [session.push(np.stack([voice[:7], voice[:7]])), session.flush()]
        assert [x.shape for x in out] == [(2, 0), (2, 7)]

    def test_a_bound_is_shared(self):
        parts = [Add(), Add()]
        Compose(parts).stream(RATE, max_latency_ms=10.0)
        assert [part.bound for part in parts] == [5.0, 5.0]
        Compose(parts).stream(RATE)
        assert [part.bound for part in parts] == [None, None]

    def test_all_or_none(self):
        assert Compose([Add()]).streamable
        with pytest.raises(ConfigurationError):
            Compose([Add(), Double()]).stream(RATE)
        assert Compose([Live8k()]).stream(RATE).latency_ms > 6.0  # there and back


class TestRefused:
    @pytest.mark.parametrize("parts", [[], (), [Add], ["mcadams"], [None], [Add(), lambda x: x]])
    def test_parts_that_are_none(self, parts):
        with pytest.raises(ConfigurationError, match="Compose takes"):
            Compose(parts)

    @pytest.mark.parametrize(
        "own", [{"seed": 1}, {"key": bytes(32)}, {"scope": "corpus"}, {"session": "x"}]
    )
    def test_randomness_in_a_part(self, own):
        with pytest.raises(ConfigurationError, match="Compose, not to its part add"):
            Compose([Add(), Add(**own)])

    def test_registered_or_not_it_never_fails_with_a_bare_type_error(self):
        with pytest.raises(ConfigurationError):
            voxguard.create("compose")

    def test_the_input_is_withheld(self, voice):
        class Nothing(Double):
            def render(self, samples, sample_rate, voice):
                return samples

        with pytest.raises(voxguard.VoxguardError, match="changed nothing"):
            Compose([Nothing(), Nothing()])(voice, RATE)


def test_shown():
    chain = Compose([Add(latency=3)], key=bytes(32))
    assert "Add(latency=3" in repr(chain)
    assert bytes(32).hex()[:8] not in repr(chain)
    assert not any(c.isdigit() for c in repr(chain.draw_voice()))
