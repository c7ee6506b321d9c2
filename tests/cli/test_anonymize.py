"""voxguard anonymize on files and folders."""

import base64
import hashlib
import json
import signal
import time

import numpy as np
import pytest
import soundfile

METHOD = ("--method", "test-scramble")
SLOW = (*METHOD, "-o", "pause_ms=100")
RECORD = "voxguard-run.json"


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_file(call, record, tmp_path):
    record("a b é.wav", 44_100, 44_100, 2)
    code, out, err = call("anonymize", "a b é.wav", "o.flac", *METHOD)
    assert (code, err) == (0, b"")
    assert out.startswith(b"o.flac: 1.00 s anonymized with test-scramble")
    info = soundfile.info(tmp_path / "o.flac")
    assert (info.frames, info.channels, info.samplerate) == (44_100, 2, 44_100)


def test_a_file_into_a_folder_keeps_its_name(call, record, tmp_path):
    record("in.wav")
    (tmp_path / "safe").mkdir()
    assert call("anonymize", "in.wav", "safe", *METHOD)[0] == 0
    assert names(tmp_path) == ["in.wav", "safe/in.wav"]


def test_json_has_one_shape_for_files_and_folders(call, record):
    record("raw/in.wav")
    results = []
    for source, target in (("raw", "safe"), ("raw/in.wav", "o.wav"), ("raw/in.wav", "o.wav")):
        code, out, _ = call("anonymize", source, target, *METHOD, "-o", "delay=7", "--json")
        results.append((code, json.loads(out)))
    folder, file, again = results
    assert (folder[0], file[0], again[0]) == (0, 0, 1)
    assert set(folder[1]) == set(file[1]) == set(again[1])
    assert folder[1]["options"]["delay"] == 7
    assert folder[1]["done"] == file[1]["done"] == 1
    assert again[1]["failed"][0]["path"] == "raw/in.wav"
    assert "exists" in again[1]["failed"][0]["reason"]


def test_a_folder(call, record, tmp_path):
    record("raw/x/1.wav")
    record("raw/2.flac")
    (tmp_path / "raw" / "bad.wav").write_bytes(b"RIFF")
    code, out, err = call("anonymize", "raw", "safe", *METHOD, "--jobs", "0")
    assert code == 1
    assert err.startswith(b"error: bad.wav: ")
    assert err.count(b"\n") == 1
    assert b"anonymized  2" in out
    assert names(tmp_path / "safe") == ["2.flac", RECORD, "x/1.wav"]


@pytest.mark.parametrize("kind", ["raise", "nan", "copy", "shape", "memory"])
def test_a_method_that_breaks(call, record, tmp_path, kind):
    record("in.wav")
    code, out, err = call("anonymize", "in.wav", "o.wav", "--method", "test-fault", "-o",
                          f"kind={kind}")  # fmt: skip
    assert (code, out) == (1, b"")
    assert err.startswith(b"error: in.wav: ")
    assert b"raw samples" not in err
    assert names(tmp_path) == ["in.wav"]


def test_a_seed_repeats_and_is_marked(call, record, tmp_path):
    record("raw/in.wav")
    for target in ("one", "two"):
        code, out, err = call("anonymize", "raw", target, *METHOD, "--seed", "3", "--json")
        assert code == 0
        assert b"warning: --seed weakens privacy" in err
        assert json.loads(out)["randomness"]["weakens_privacy"]
        assert json.loads((tmp_path / target / RECORD).read_text())["randomness"]["seed"] == 3
    assert (tmp_path / "one/in.wav").read_bytes() == (tmp_path / "two/in.wav").read_bytes()


def test_a_key_repeats_and_is_nowhere_to_be_found(call, record, tmp_path):
    record("raw/anna/in.wav", subtype="FLOAT")
    key = bytes(range(100, 132))
    (tmp_path / "my.key").write_text(key.hex())
    said = b""
    for arguments in (
        ("raw", "one", "--speaker-from", "folder"),
        ("raw", "two", "--speaker-from", "folder", "--json"),
        ("raw/anna/in.wav", "three.wav", "--speaker", "anna", "--json"),
        ("raw/anna/in.wav", "-", "--speaker", "anna"),
        ("raw", "one", "--seed", "1", "--json"),
    ):
        _, out, err = call("anonymize", *arguments, *METHOD, "--key-file", "my.key")
        said += out + err
    one, two = ((tmp_path / f / "anna/in.wav").read_bytes() for f in ("one", "two"))
    assert one == two == (tmp_path / "three.wav").read_bytes()
    for folder in ("one", "two"):
        said += (tmp_path / folder / RECORD).read_bytes() + one
    derived = [key, *(hashlib.new(name, key).digest() for name in ("md5", "sha1", "sha256"))]
    for secret in derived:
        for text in (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")):
            assert text not in said
            assert text[:10] not in said


def test_resume_with_other_options_is_refused(call, record, tmp_path):
    record("raw/in.wav")
    assert call("anonymize", "raw", "safe", *METHOD)[0] == 0
    code, out, err = call("anonymize", "raw", "safe", *METHOD, "-o", "delay=3", "--resume")
    assert (code, out) == (2, b"")
    assert b"was made with options" in err
    assert call("anonymize", "raw", "safe", *METHOD, "--resume")[0] == 0


def test_killed_in_the_middle_then_resumed(call, start, record, tmp_path):
    for number in range(6):
        record(f"raw/{number}.wav", 300_000, seed=number)
    process = start("anonymize", "raw", "safe", *SLOW, "--jobs", "2")
    wait_for(lambda: len(list((tmp_path / "safe").glob("*.wav"))) >= 1)
    process.kill()
    process.wait()
    left = names(tmp_path / "safe")
    assert any(name.endswith(".part") for name in left)
    complete = [name for name in left if name.endswith(".wav")]
    assert all(soundfile.info(tmp_path / "safe" / name).frames == 300_000 for name in complete)
    code, out, _ = call("anonymize", "raw", "safe", *SLOW, "--resume", "--json")
    assert code == 0
    assert json.loads(out)["skipped"] == len(complete)
    assert names(tmp_path / "safe") == [*(f"{n}.wav" for n in range(6)), RECORD]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_no_partial_file(start, record, tmp_path, number):
    for name in "abcd":
        record(f"raw/{name}.wav", 300_000)
    process = start("anonymize", "raw", "safe", *SLOW, "--jobs", "2")
    wait_for(lambda: any(name.endswith(".part") for name in names(tmp_path)))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b"error: interrupted; no partial file was left\n"
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


def test_an_interrupted_file(start, record, tmp_path):
    record("in.wav", 3_000_000)
    process = start("anonymize", "in.wav", "o.wav", *SLOW)
    wait_for(lambda: len(names(tmp_path)) > 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert names(tmp_path) == ["in.wav"]


def test_two_processes_at_once(start, record, tmp_path):
    for number in range(10):
        record(f"raw/{number}.wav", 100_000)
    arguments = ("anonymize", "raw", "safe", *METHOD, "-o", "pause_ms=20", "--resume", "--json")
    reports = [json.loads(p.communicate(timeout=60)[0]) for p in [start(*arguments) for _ in "ab"]]
    assert [report["failed"] for report in reports] == [[], []]
    assert sum(report["done"] for report in reports) == 10
    assert all(report["done"] + report["skipped"] == 10 for report in reports)
    assert len(names(tmp_path / "safe")) == 11
    assert all(soundfile.info(path).frames == 100_000 for path in (tmp_path / "safe").glob("*.wav"))


def test_output_carries_nothing_of_the_source(call, tmp_path):
    path = tmp_path / "in.wav"
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        file.title, file.artist = "Interview with Anna", "Anna"
        file.write(np.random.default_rng(0).normal(0, 0.1, 16_000))
    assert call("anonymize", "in.wav", "o.wav", *METHOD)[0] == 0
    assert b"Anna" not in (tmp_path / "o.wav").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["", "out"], b"is empty"),
        (["a.wav", ""], b"is empty"),
        (["a.wav", "b.wav", "--jobs", "7"], b"--jobs has no meaning"),
        (["a.wav", "b.wav", "--rate", "0"], b"--rate has no meaning"),
        (["a.wav", "b.wav", "-o", "coefficient=2020-13-45"], b"not a YAML value"),
        (["a.wav", "b.wav", "-o", "coefficient=!!int abc"], b"not a YAML value"),
        (["a.wav", "b.wav", "-o", "coefficient=" + "[" * 3000], b"not a YAML value"),
        (["a.wav", "b.wav", "--scope", "corpus", "--session", "x"], b'scope="session"'),
    ],
)
def test_what_means_nothing_is_refused(call, record, arguments, said):
    record("a.wav")
    code, out, err = call("anonymize", *arguments)
    assert (code, out) == (2, b"")
    assert said in err
    assert b"Traceback" not in err


def test_a_name_that_the_system_refuses(call, record):
    record("a.wav")
    code, _, err = call("anonymize", "a.wav", "x" * 300 + ".wav")
    assert code != 0
    assert b"Traceback" not in err


def test_a_folder_without_audio_says_so(call, tmp_path):
    (tmp_path / "in").mkdir()
    code, _, err = call("anonymize", "in", "out")
    assert code == 0
    assert b"nothing was done" in err


def test_a_session_changes_the_voice_of_a_speaker(call, record, tmp_path):
    record("a.wav")
    (tmp_path / "k").write_text("ab" * 32)
    for number, session in enumerate(["monday", "tuesday", "monday"]):
        code, _, err = call(
            *("anonymize", "a.wav", f"{number}.wav", "--key-file", "k"),
            *("--speaker", "x", "--session", session),
        )
        assert code == 0, err
    first, other, again = ((tmp_path / f"{n}.wav").read_bytes() for n in range(3))
    assert first == again != other


def test_resume_takes_no_other_recording_for_its_own(call, record, tmp_path):
    record("in/a.wav")
    assert call("anonymize", "in", "out")[0] == 0
    samples, rate = soundfile.read(tmp_path / "in" / "a.wav")
    soundfile.write(tmp_path / "in" / "a.wav", samples[:-100], rate)
    code, _, err = call("anonymize", "in", "out", "--resume")
    assert code == 1
    assert b"is not of this recording" in err
