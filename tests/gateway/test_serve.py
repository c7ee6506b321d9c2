"""``voxguard serve`` as a process: how it starts, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from servers import base64_of, recordings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

PLUGIN = Path(__file__).parents[1] / "plugin"
KEY = "sk-a-clients-secret"
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def command(*arguments):
    return [sys.executable, "-m", "voxguard", "serve", *map(str, arguments)]


@pytest.fixture
def serve(upstream, tmp_path):
    """Starts the process, waits until it answers; gives it and its address."""
    started = []

    def start(*arguments, url=None, scheme="http", **options):
        port = free_port()
        process = subprocess.Popen(
            command("--upstream", url or upstream.url, "--port", port, "--jobs", 1,
                    "--live-jobs", 1, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(PLUGIN), "TMPDIR": str(tmp_path)},
            cwd=tmp_path,
            **options,
        )  # fmt: skip
        started.append(process)
        address = f"{scheme}://127.0.0.1:{port}"
        for _ in range(600):
            assert process.poll() is None, process.stdout.read().decode()
            try:
                httpx2.get(f"{address}/healthz", verify=False)
            except httpx2.HTTPError:
                time.sleep(0.1)
            else:
                return process, address
        raise AssertionError

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def chat(address, wav, **options):
    part = {"type": "input_audio", "input_audio": {"data": base64_of(wav), "format": "wav"}}
    return httpx2.post(
        f"{address}/v1/chat/completions?api-key={KEY}",
        json={"messages": [{"role": "user", "content": [part]}]},
        headers={"authorization": f"Bearer {KEY}"},
        timeout=60,
        **options,
    )


def no_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as on a disk that is full


@POSIX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_writes_and_says_nothing_of_what_passes(serve, upstream, wav, tmp_path):
    process, address = serve("--method", "mcadams", preexec_fn=no_files)
    assert chat(address, wav).status_code == 200
    assert chat(address, wav[: len(wav) // 2]).status_code == 400
    assert chat(address, b"RIFF" + bytes(8) + b"no wav").status_code == 400
    assert len(recordings(upstream.requests[0][3])) == 1
    assert upstream.requests[0][2]["authorization"] == f"Bearer {KEY}"
    audio = base64_of(wav[44:])
    with connect(f"{address.replace('http', 'ws')}/v1/realtime?api-key={KEY}") as live:
        live.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
        live.send(json.dumps({"type": "x", "y": KEY, "audio": audio}))
        assert json.loads(live.recv(timeout=10))["type"] == "session.created"
        assert json.loads(live.recv(timeout=10))["type"] == "error"
    with pytest.raises(InvalidStatus):
        connect(f"{address.replace('http', 'ws')}/elsewhere?api-key={KEY}").__enter__()
    metrics = httpx2.get(f"{address}/metrics").text
    assert 'voxguard_requests_total{route="chat/completions",status="200"} 1.0' in metrics
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[0].decode()
    assert process.returncode == 0
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    for secret in (KEY, "realtime", "elsewhere", audio[100:132], audio[3000:3032]):
        assert secret not in said + metrics.replace('route="realtime"', "")
    assert "POST refused: 400, invalid_audio" in said


@POSIX
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_what_is_under_way(serve, upstream, wav, sent):
    process, address = serve("--method", "test-scramble", "-o", "pause_ms=1500", "--live-jobs", 0)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(chat(address, wav)))
    thread.start()
    time.sleep(0.6)
    process.send_signal(sent)
    thread.join()
    assert answers[0].status_code == 200
    assert process.wait(timeout=30) == 0
    with pytest.raises(httpx2.HTTPError):
        chat(address, wav)
    assert len(upstream.requests) == 1


def test_with_tls(serve, wav, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )  # fmt: skip
    options = ("--ssl-certfile", certificate, "--ssl-keyfile", key)
    _, address = serve("--method", "mcadams", *options, scheme="https")
    assert chat(address, wav, verify=False).status_code == 200
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(address.replace("https", "http"))


def run(*arguments):
    done = subprocess.run(command(*arguments), capture_output=True, timeout=120, text=True)
    return done.returncode, done.stderr


def test_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run("--upstream", "http://127.0.0.1:9", "--port", taken.getsockname()[1],
                         "--method", "mcadams", "--jobs", 1, "--live-jobs", 0)  # fmt: skip
    assert code == 1
    assert "error: cannot listen on 127.0.0.1" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--upstream", "nowhere"), "upstream takes the URL"),
        (("--upstream", "http://x", "--method", "nothing"), "unknown method 'nothing'"),
        (("--upstream", "http://x", "--ssl-certfile", "x"), "go together"),
        (("--upstream", "http://x", "-o", "seed=1"), "not for methods"),
        (("--upstream", "http://x", "-o", "levels=9"), "levels takes 1"),
        (("--upstream", "http://x", "--key-file", "no-such-file"), "cannot be read"),
        (("--upstream", "http://x", "--live-method", "world"), "cannot work on a live signal"),
        ((), "upstream"),
    ],
)
def test_what_cannot_be_started(arguments, told):
    code, said = run(*arguments, "--jobs", 1, "--live-jobs", 1)
    assert code == 2
    assert told in said
    assert "Traceback" not in said


def test_another_machine_without_tls_is_warned_of(serve):
    process, _ = serve("--method", "mcadams", "--host", "0.0.0.0")  # noqa: S104
    process.send_signal(signal.SIGTERM)
    assert b"unencrypted" in process.communicate(timeout=30)[0]
