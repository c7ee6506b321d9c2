"""voxguard anonymize - -: live, and silent when it breaks."""

import contextlib
import io
import random
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
import soundfile

from voxguard.audio.pcm import decode_pcm, encode_pcm, read_wav_header, wav_header

METHOD = ("--method", "test-scramble")
TOLD = b"stdin: anonymizing with test-scramble, live\n"
ENCODINGS = {"s16le": "PCM_16", "s24le": "PCM_24", "s32le": "PCM_32", "f32le": "FLOAT"}


def voice(frames, channels=1):
    return np.random.default_rng(1).normal(0, 0.1, (channels, frames)).astype(np.float32)


def talk(process, data, size):
    """Write in chunks while everything that comes back is read."""

    def write():
        position = 0
        with contextlib.suppress(BrokenPipeError), process.stdin:
            while position < len(data):
                end = position + size()
                process.stdin.write(data[position:end])
                process.stdin.flush()
                position = end

    writer = threading.Thread(target=write)
    writer.start()
    out = process.stdout.read()
    writer.join()
    process.wait(30)
    return out, process.stderr.read()


def assert_scrambled(raw, out, tolerance=2e-4):
    """What came out is a gain between 0.2 and 0.8 and every other sample's sign."""
    raw = raw[:, : out.shape[1]]
    inverted = np.where(np.arange(raw.shape[1]) % 2, -raw, raw)
    gain = float(np.vdot(inverted, out) / np.vdot(raw, raw))
    assert 0.2 <= gain <= 0.8
    assert np.allclose(out, gain * inverted, atol=tolerance)
    assert abs(np.vdot(raw, out)) < 0.1 * np.linalg.norm(raw) * np.linalg.norm(out)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_raw_in_chunks_of_any_size(start, encoding, channels):
    raw = voice(20_011, channels)
    data = encode_pcm(raw, ENCODINGS[encoding])
    process = start("anonymize", "-", "-", "--raw", "--rate", 16_000, "--channels", channels,
                    "--encoding", encoding, *METHOD, stdin=subprocess.PIPE)  # fmt: skip
    sizes = random.Random(0)  # noqa: S311
    out, err = talk(process, data, lambda: sizes.choice([7, 100, 101, 4096]))
    assert (process.returncode, err) == (0, TOLD)
    assert_scrambled(raw, decode_pcm(out, ENCODINGS[encoding], channels)[:, :20_011])
    assert len(out) == len(data)


@pytest.mark.parametrize("known", [True, False])
def test_wav_of_known_and_unknown_length(call, known):
    raw = voice(10_000, 2)
    header = wav_header(16_000, 2, "PCM_16", 10_000 if known else None)
    behind = b"LIST\x04\x00\x00\x00INFO" if known else b""
    code, out, err = call("anonymize", "-", "-", *METHOD,
                          stdin=header + encode_pcm(raw, "PCM_16") + behind)  # fmt: skip
    assert (code, err) == (0, TOLD)
    stream = io.BytesIO(out)
    got = read_wav_header(stream)
    assert (got.sample_rate, got.channels, got.subtype) == (16_000, 2, "PCM_16")
    assert got.frames == (10_000 if known else None)
    out = decode_pcm(stream.read(), "PCM_16", 2)
    assert out.shape == raw.shape
    assert_scrambled(raw, out)


def test_audio_comes_out_while_it_goes_in(start):
    chunk = encode_pcm(voice(1600), "PCM_16")
    process = start("anonymize", "-", "-", "--raw", "--rate", 16_000, *METHOD,
                    stdin=subprocess.PIPE)  # fmt: skip
    for index in range(5):
        process.stdin.write(chunk)
        process.stdin.flush()
        ready = 2 * (1600 - (160 if index == 0 else 0))
        assert len(process.stdout.read(ready)) == ready
    process.stdin.close()
    assert len(process.stdout.read()) == 2 * 160
    assert process.wait() == 0


def test_resampled_to_the_rate_of_the_method(call):
    raw = voice(44_111, 2)
    stream = wav_header(44_100, 2, "FLOAT") + encode_pcm(raw, "FLOAT")
    code, out, _ = call("anonymize", "-", "-", *METHOD, "-o", "rate=16000", stdin=stream)
    assert code == 0
    stream = io.BytesIO(out)
    assert read_wav_header(stream).sample_rate == 44_100
    assert decode_pcm(stream.read(), "FLOAT", 2).shape == raw.shape


def test_a_method_that_is_named_works_live_too(call):
    raw = voice(8000)
    stream = wav_header(16_000, 1, "PCM_16") + encode_pcm(raw, "PCM_16")
    for options, told in (((), b", live"), (("-o", "live=false"), b", once it has ended")):
        code, out, err = call(
            "anonymize", "-", "-", "--method", "voice_conversion", *options, stdin=stream
        )
        assert (code, err) == (0, b"stdin: anonymizing with voice_conversion" + told + b"\n")
        assert len(out) == len(stream)


@pytest.mark.parametrize(
    ("kind", "after"),
    [(kind, n) for kind in ("raise", "nan", "shape", "memory", "copy") for n in (0, 8000)],
)
def test_what_breaks_stops_and_nothing_raw_follows(start, kind, after):
    raw = voice(32_000)
    fault = ("--method", "test-fault", "-o", f"kind={kind}", "-o", f"after={after}")
    process = start("anonymize", "-", "-", "--raw", "--rate", 16_000, *fault,
                    stdin=subprocess.PIPE)  # fmt: skip
    data, ready = encode_pcm(raw, "PCM_16"), 2 * 1600
    process.stdin.write(data[:ready])
    process.stdin.flush()
    first = process.stdout.read(ready) if after else b""
    out, err = talk(process, data[ready:], lambda: 1600)
    assert process.returncode == 1
    assert err.startswith(b"stdin: anonymizing with test-fault, live\nerror: ")
    assert err.count(b"\n") == 2
    out = decode_pcm(first + out, "PCM_16", 1)
    assert out.shape[1] <= after
    if after:
        assert_scrambled(raw, out)


def test_a_file_that_turns_out_to_be_broken(call, record, tmp_path):
    path, _ = record("in.wav", 200_000)
    with path.open("r+b") as file:
        file.truncate(300_000)
    code, out, err = call("anonymize", "in.wav", "-", *METHOD)
    assert (code, out) == (1, b"")
    assert b"cut short" in err


def test_file_to_pipe_and_pipe_to_file(call, record, tmp_path):
    _, raw = record("in.flac", 50_000, 16_000, 2)
    code, out, err = call("anonymize", "in.flac", "-", *METHOD)
    assert (code, err) == (0, TOLD.replace(b"stdin", b"in.flac"))
    stream = io.BytesIO(out)
    assert read_wav_header(stream).frames == 50_000
    assert_scrambled(raw, decode_pcm(stream.read(), "PCM_16", 2))
    stdin = wav_header(8000, 1, "PCM_16") + encode_pcm(raw[:1], "PCM_16")
    code, out, err = call("anonymize", "-", "o.flac", *METHOD, stdin=stdin)
    assert (code, out, err) == (0, b"", TOLD)
    assert_scrambled(raw[:1], soundfile.read(tmp_path / "o.flac", dtype="float32")[0][None])


def test_a_stream_into_a_file_that_breaks_leaves_no_file(call, tmp_path):
    stream = wav_header(8000, 1, "PCM_16", 9999) + encode_pcm(voice(5000), "PCM_16")
    code, out, err = call("anonymize", "-", "o.wav", *METHOD, stdin=stream)
    assert (code, out) == (1, b"")
    assert b"ended in the middle" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("--raw",), b"\0\0", 2),  # at which rate?
        (("--raw", "--rate", "100"), b"\0\0", 1),
        (("--raw", "--rate", "16000", "--channels", "0"), b"\0\0", 2),
        (("--raw", "--rate", "16000"), b"", 1),
        (("--raw", "--rate", "16000", "--channels", "2"), b"\0\0", 1),
        (("--rate", "16000"), b"\0\0", 2),
        ((), b"", 1),
        ((), b"no wav at all, but text", 1),
        (("--json",), b"", 2),
        (("--resume",), b"", 2),
        (("--max-latency-ms", "5", "-o", "live=false"), wav_header(8000, 1, "PCM_16"), 2),
    ],
)
def test_what_cannot_be_done(call, arguments, stdin, code):
    got, out, err = call("anonymize", "-", "-", *METHOD, *arguments, stdin=stdin)
    assert got == code
    assert err.removeprefix(TOLD).startswith(b"error: ")
    if "--json" not in arguments:
        assert out in (b"", wav_header(8000, 1, "PCM_16"))


def test_a_listener_who_goes_away(start):
    process = start("anonymize", "-", "-", "--raw", "--rate", 16_000, *METHOD,
                    stdin=subprocess.PIPE)  # fmt: skip
    chunk = encode_pcm(voice(16_000), "PCM_16")
    process.stdin.write(chunk)
    process.stdin.flush()
    process.stdout.read(100)
    process.stdout.close()
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            process.stdin.write(chunk)
            process.stdin.flush()
        except BrokenPipeError:
            break
    process.wait(10)
    assert process.returncode == 1
    assert process.stderr.read() == TOLD
    try:
        process.stdin.close()
    except BrokenPipeError:
        return


def test_interrupted(start):
    process = start("anonymize", "-", "-", "--raw", "--rate", 16_000, *METHOD,
                    stdin=subprocess.PIPE)  # fmt: skip
    process.stdin.write(encode_pcm(voice(16_000), "PCM_16"))
    process.stdin.flush()
    process.stdout.read(100)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
