"""The command line as others meet it: a process with two outputs and an exit code."""

import subprocess

import numpy as np
import pytest
import soundfile
from process import COMMAND, ENVIRONMENT


@pytest.fixture
def start(tmp_path):
    """Start ``voxguard ...`` in a folder of its own; whatever still runs is ended."""
    started = []

    def run(*arguments, **options):
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=ENVIRONMENT,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


@pytest.fixture
def call(tmp_path):
    """Run ``voxguard ...`` to its end: exit code, stdout, stderr as bytes."""

    def run(*arguments, stdin=b"", **options):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=ENVIRONMENT,
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
            **options,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def record(tmp_path):
    """Write noise as a file; gives its path and its samples as (channels, n)."""

    def write(name, frames=16_000, rate=16_000, channels=1, seed=0, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(seed).normal(0, 0.1, (frames, channels))
        soundfile.write(path, samples, rate, **options)
        return path, np.ascontiguousarray(
            soundfile.read(path, dtype="float32", always_2d=True)[0].T
        )

    return write
