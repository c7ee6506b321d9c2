"""``voxguard demo`` as a process: starts, answers this machine alone, ends when told."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import voxguard

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

COMMAND = [sys.executable, "-m", "voxguard", "demo"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(voxguard.__file__).parents[1]),
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture
def server(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "--no-browser"], cwd=tmp_path, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    address = process.stdout.readline().strip()
    yield process, address
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(server, tmp_path, sent):
    process, address = server
    match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/[\w-]{20,}/", address)
    assert match
    with urllib.request.urlopen(address) as answer:  # noqa: S310
        assert b"<h1>" in answer.read()
        assert "server" not in answer.headers
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{match[1]}/")
    refused.value.close()
    assert "Ctrl-C" in process.stdout.readline()
    process.send_signal(sent)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())


def test_it_listens_on_loopback_only(server):
    _, address = server
    port = int(address.split(":")[2].split("/")[0])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for other in others - {"127.0.0.1"}:
        if not other.startswith("127."):
            with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
                socket.create_connection((other, port), timeout=2)


def run(*arguments, cwd):
    return subprocess.run([*COMMAND, *arguments], cwd=cwd, env=ENVIRONMENT, text=True,
                          capture_output=True, timeout=60, check=False)  # fmt: skip


def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run("--no-browser", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr


def test_what_cannot_be_meant(tmp_path):
    assert run("--port", "70000", cwd=tmp_path).returncode == 2
    done = run("--overwrite", cwd=tmp_path)
    assert done.returncode == 2
    assert "FOLDER" in done.stderr


def test_without_the_extra_it_says_what_to_do(tmp_path):
    code = (
        "import sys\n"
        "from importlib.util import find_spec as find\n"
        "import voxguard.models.optional as optional\n"
        "optional.find_spec = lambda name: None if name == 'starlette' else find(name)\n"
        "from voxguard.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )

    def demo(*arguments):
        return subprocess.run(
            [sys.executable, "-c", code, "demo", *arguments], cwd=tmp_path, env=ENVIRONMENT,
            text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    done = demo()
    assert done.returncode == 2
    assert 'pip install "voxguard[demo]"' in done.stderr
    assert "voxguard demo ." in done.stderr
    assert demo("show").returncode == 0
    assert (tmp_path / "show" / "voice.anonymized.wav").exists()
