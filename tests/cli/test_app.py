"""Start, help, exit codes, and how it fails."""

import json
import stat
import subprocess
import sys

import pytest
from process import COMMAND, ENVIRONMENT

import voxguard
from voxguard.cli.make import parse_options
from voxguard.pseudonym import read_key


def test_help_and_version_are_light():
    code = (
        "import sys\n"
        "from voxguard.cli import main\n"
        "assert main(['--help']) == 0 and main(['anonymize', '--help']) == 0\n"
        "heavy = {'numpy', 'scipy', 'torch', 'soundfile', 'rich', 'yaml', 'librosa', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "130  interrupted" in done.stdout


@pytest.mark.parametrize("text", ["None", "null", ""])
def test_no_value_can_be_given_as_methods_shows_it(text):
    assert parse_options([f"levels={text}", "a-b=[1, x]"]) == {"levels": None, "a_b": [1, "x"]}


def test_no_argument_is_help(call):
    code, out, err = call()
    assert (code, err) == (0, b"")
    assert b"anonymize" in out


def test_version(call):
    assert call("--version") == (0, f"voxguard {voxguard.__version__}\n".encode(), b"")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "bogus"),
        (["anonymize", "in.wav"], "OUT"),
        (["anonymize", "in.wav", "o.wav", "--jobs", "-1"], "jobs"),
        (["anonymize", "in.wav", "o.wav", "--scope", "day"], "scope"),
        (["anonymize", "absent.wav", "o.wav", "--method", "test-scramble"], "does not exist"),
        (["anonymize", "in.wav", "o.wav", "--method", "nope"], "known:"),
        (["anonymize", "in.wav", "o.wav", "--method", "test-missing"], "voxguard_no_such_module"),
        (["anonymize", "in.wav", "o.wav", "-o", "x"], "NAME=VALUE"),
        (["anonymize", "in.wav", "o.wav", "-o", "x=[1"], "YAML"),
        (["anonymize", "in.wav", "o.wav", "-o", "key=abc"], "--key-file"),
        (["anonymize", "in.wav", "o.wav", "-o", "seed=1"], "--seed"),
        (["anonymize", "in.wav", "o.wav", "--method", "test-scramble", "-o", "x=1"], "no option"),
        (["anonymize", "in.wav", "o.wav", "--key-file", "absent.key"], "absent.key"),
        (["anonymize", "in.wav", "o.wav", "--raw"], "pipes"),
        (["anonymize", "in.wav", "-", "--rate", "8000"], "says so itself"),
        (["anonymize", "in.wav", "o.wav", "--method", "test-scramble", "--resume"], "single file"),
    ],
)
def test_what_cannot_be_meant_exits_with_2(call, record, tmp_path, arguments, message):
    record("in.wav")
    code, out, err = call(*arguments)
    assert (code, out) == (2, b"")
    assert err.startswith(b"error: ")
    assert err.count(b"\n") == 1
    assert message in err.decode()
    code, out, _ = call(*arguments, "--json")
    assert code == 2
    assert set(json.loads(out)) == {"schema_version", "error"}
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_methods(call):
    code, out, err = call("methods", "--json")
    assert (code, err) == (0, b"")
    found = {about["name"]: about for about in json.loads(out)["methods"]}
    assert {"mcadams", "test-scramble", "test-missing"} <= set(found)
    assert found["test-scramble"]["options"]["delay"] == 160
    assert found["test-scramble"]["summary"] == "Inverts the spectrum at a random gain."
    assert "voxguard_no_such_module" in found["test-missing"]["error"]
    code, out, _ = call("methods")
    assert code == 0
    assert b"delay=160" in out
    assert b"voxguard_no_such_module" in out
    assert b"\x1b" not in out


def test_doctor(call):
    code, out, err = call("doctor", "--json")
    assert (code, err) == (0, b"")
    about = json.loads(out)
    assert about["schema_version"] == 1
    assert about["packages"]["numpy"]
    assert about["libsndfile"]
    assert about["mcadams_kernel"] in about["mcadams_kernels"]
    assert about["live_voice_conversion_kernel"] in ("compiled", "numpy")
    assert "no raw audio is sent" in about["network"]
    assert call("doctor")[0] == 0


def test_keygen_makes_a_key_for_its_owner_only(call, tmp_path):
    code, out, err = call("keygen", "my.key")
    assert (code, err) == (0, b"")
    path = tmp_path / "my.key"
    assert len(read_key(path)) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text()
    assert content.strip().encode() not in out
    code, _, err = call("keygen", "my.key")
    assert code == 1
    assert b"exists" in err
    assert path.read_text() == content
    assert call("keygen", "no/such/folder.key")[0] == 1


def test_nobody_reads_the_result(start):
    process = start("doctor")
    process.stdout.close()
    assert process.wait(30) == 1
    assert process.stderr.read() == b""


def test_stdout_that_knows_only_ascii(start, record, tmp_path):
    record("bért.wav")
    process = subprocess.run(
        [*COMMAND, "anonymize", "bért.wav", "o.wav", "--method", "test-fault"],
        cwd=tmp_path, env=ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}, capture_output=True,
        check=False,
    )  # fmt: skip
    assert process.returncode == 1
    assert b"rt.wav: could not" in process.stderr


def test_demo(call, tmp_path):
    code, out, err = call("demo", "show")
    assert (code, err) == (0, b"")
    assert sorted(p.name for p in (tmp_path / "show").iterdir()) == [
        "voice.anonymized.wav",
        "voice.wav",
    ]
    assert b"voxguard anonymize recording.wav" in out
    assert call("demo", "show")[0] == 1
    assert call("demo", "show", "--overwrite")[0] == 0
