"""The session, around renderers that do what they should not; the contracts hold for real ones."""

from __future__ import annotations

import traceback
import warnings

import numpy as np
import pytest

from voxguard.errors import (
    NonFiniteAudioError,
    PrivacyWarning,
    StreamError,
    UnsupportedAudioError,
)
from voxguard.streaming import Session

RATE = 1000


class Delay:
    """Turns the polarity and holds `latency_samples` back."""

    def __init__(self, latency=5, channels=1):
        self.latency_samples = latency
        self.held = np.zeros((channels, 0), np.float32)
        self.flushed = 0

    def push(self, samples):
        self.held = np.concatenate([self.held, -samples], axis=1)
        ready = max(0, self.held.shape[1] - self.latency_samples)
        out, self.held = self.held[:, :ready], self.held[:, ready:]
        return out

    def flush(self):
        self.flushed += 1
        return self.held


class Broken(Delay):
    def __init__(self, push=None, flush=None):
        super().__init__()
        self.on_push, self.on_flush = push, flush

    def push(self, samples):
        return self.on_push(samples) if self.on_push else super().push(samples)

    def flush(self):
        return self.on_flush() if self.on_flush else super().flush()


def ramp(size, channels=None):
    shape = size if channels is None else (channels, size)
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape) / 1000


def test_samples_come_in_order_late_and_whole():
    session = Session(Delay(), RATE)
    assert session.latency_ms == 5.0
    out = [session.push(ramp(12)[:3]), session.push(ramp(12)[3:])]
    assert [x.shape for x in out] == [(0,), (7,)]
    assert np.array_equal(np.concatenate([*out, session.flush()]), -ramp(12))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100])
def test_stereo_chunks_of_any_length(size):
    session = Session(Delay(channels=2), RATE, channels=2)
    out = [session.push(ramp(size, 2)), session.flush()]
    assert np.array_equal(np.concatenate(out, axis=1), -ramp(size, 2))


def test_one_channel_as_a_row():
    session = Session(Delay(), RATE)
    assert session.push(ramp(7, 1)).shape == (1, 2)
    assert session.flush().shape == (1, 5)


def test_int16():
    session = Session(Delay(), RATE)
    chunk = np.arange(-5, 5, dtype=np.int16)
    out = np.concatenate([session.push(chunk), session.flush()])
    assert out.dtype == np.int16
    assert np.array_equal(out, -chunk)


def test_flush_of_nothing():
    renderer = Delay()
    assert Session(renderer, RATE).flush().shape == (0,)
    assert renderer.flushed == 0


@pytest.mark.parametrize("closed_by", ["flush", "with", "error in with"])
def test_closed(closed_by):
    session = Session(Delay(), RATE)
    if closed_by == "flush":
        session.flush()
    elif closed_by == "with":
        with session:
            pass
    else:
        with pytest.raises(ZeroDivisionError), session:
            raise ZeroDivisionError
    with pytest.raises(StreamError, match="open a new one"):
        session.push(ramp(5))


def test_the_caller_mistakes_and_goes_on():
    session = Session(Delay(channels=2), RATE, channels=2)
    first = session.push(ramp(9, 2))
    for wrong in (ramp(9), ramp(9, 3), np.zeros((9, 2), np.float32), [0.0], None):
        with pytest.raises(UnsupportedAudioError):
            session.push(wrong)
    rest = session.flush()
    assert np.array_equal(np.concatenate([first, rest], axis=1), -ramp(9, 2))
    assert session.failure is None


def fail_with(error):
    def fail(*_):
        raise error

    return fail


PUSH_FAULTS = {
    "exception": (fail_with(RuntimeError("secret 0.123")), "RuntimeError"),
    "own exception": (fail_with(StreamError("of ours")), "of ours"),
    "NaN": (lambda x: x * np.nan, "NaN"),
    "infinity": (lambda x: x + np.inf, "infinite"),
    "flat": (lambda x: x[0], "shape"),
    "too many channels": (lambda x: np.vstack([x, x]), "shape"),
    "None": (lambda x: None, ""),
    "a list": (lambda x: x.tolist(), ""),
}


@pytest.mark.parametrize(("fault", "reason"), PUSH_FAULTS.values(), ids=PUSH_FAULTS.keys())
def test_a_broken_push_is_silence(fault, reason):
    session = Session(Broken(push=fault), RATE)
    with pytest.warns(PrivacyWarning, match=reason) as caught:
        out = session.push(ramp(9))
    assert len(caught) == 1
    assert "secret" not in str(caught[0].message)
    assert caught[0].filename == __file__, "the warning points at the caller"
    assert out.shape == (9,)
    assert not out.any()
    for _ in range(3):  # silent and quiet from here on, also for more NaN
        assert not session.push(ramp(9)).any()
        assert not session.push(ramp(9) * np.float32("nan")).any()
    with pytest.raises(StreamError, match="silent since") as raised:
        session.flush()
    assert session.failure is not None
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert "secret" not in str(raised.value)


FLUSH_FAULTS = {
    "exception": fail_with(OSError()),
    "too few": lambda: np.zeros((1, 4), np.float32),
    "too many": lambda: np.zeros((1, 6), np.float32),
    "NaN": lambda: np.full((1, 5), np.nan, np.float32),
    "wrong shape": lambda: np.zeros((2, 5), np.float32),
}


@pytest.mark.parametrize("fault", FLUSH_FAULTS.values(), ids=FLUSH_FAULTS.keys())
def test_a_broken_flush_raises(fault):
    session = Session(Broken(flush=fault), RATE)
    session.push(ramp(9))
    with pytest.warns(PrivacyWarning), pytest.raises(StreamError, match="silent"):
        session.flush()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_the_signal(channels, bad):
    session = Session(Delay(channels=channels), RATE, channels)
    chunk = ramp(9, channels) if channels > 1 else ramp(9)
    session.push(chunk)
    broken = chunk.copy()
    broken[..., 4] = bad
    with pytest.warns(PrivacyWarning, match="NaN"):
        out = session.push(broken)
    assert out.shape == chunk.shape
    assert not out.any()
    assert not session.push(chunk).any()
    assert isinstance(session.failure, NonFiniteAudioError)
    with pytest.raises(StreamError, match="NaN"):
        session.flush()


def test_on_failure_raise():
    session = Session(Broken(push=fail_with(KeyError("k"))), RATE, on_failure="raise")
    with pytest.raises(KeyError):
        session.push(ramp(9))
    assert not session.push(ramp(9)).any()
    with pytest.raises(StreamError):
        session.flush()
    session = Session(Broken(flush=fail_with(KeyError("k"))), RATE, on_failure="raise")
    session.push(ramp(9))
    with pytest.raises((KeyError, StreamError)):
        session.flush()


def test_warnings_as_errors_let_nothing_through():
    session = Session(Broken(push=fail_with(RuntimeError())), RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PrivacyWarning):
            session.push(ramp(9))
        assert not session.push(ramp(9)).any()
        with pytest.raises(StreamError):
            session.flush()


def test_a_flush_after_a_failed_one_gives_nothing():
    session = Session(Broken(flush=fail_with(OSError())), RATE)
    session.push(ramp(9))
    with pytest.warns(PrivacyWarning), pytest.raises(StreamError):
        session.flush()
    with pytest.raises(StreamError):
        session.flush()
