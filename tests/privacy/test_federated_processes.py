"""Nothing outlives the context: daemons, what ignores signals, and when the parent is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from voxguard.privacy.federated.processes import Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="daemons are found by /proc")

DAEMON = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], start_new_session=True)
{then}
"""
STAYS = DAEMON.format(then="signal.pause()")
LEAVES = DAEMON.format(then="")


def wait_until(holds, seconds=20.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("program", [STAYS, LEAVES])
@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_a_daemon_of_a_daemon_ends_with_the_context(program, error):
    def scenario():
        with Processes(dict(os.environ)) as processes:
            processes.start([sys.executable, "-c", program])
            wait_until(lambda: len(processes.alive()) >= (2 if program is STAYS else 1))
            pids.extend(processes.alive())
            processes.stop(patience_s=0.3)
            assert not processes.alive()
            processes.start([sys.executable, "-c", program])
            wait_until(lambda: processes.alive())
            pids.extend(processes.alive())
            if error is not None:
                raise error

    pids = []
    if error is None:
        scenario()
    else:
        with pytest.raises(error):
            scenario()
    assert len(pids) >= 2
    wait_until(lambda: not any(running(pid) for pid in pids))


def test_killed_means_at_once():
    with Processes(dict(os.environ)) as processes:
        process = processes.start([sys.executable, "-c", STAYS])
        wait_until(lambda: len(processes.alive()) == 2)
        processes.kill()
        assert process.returncode == -signal.SIGKILL
        assert not processes.alive()


def test_what_was_started_directly_ends_even_if_the_parent_is_killed(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys, time\n"
            "from voxguard.privacy.federated.processes import Processes\n"
            "with Processes(dict(os.environ)) as processes:\n"
            "    child = processes.start([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
            "    print(child.pid, flush=True)\n"
            "    time.sleep(100)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not running(child))


def test_output_goes_to_the_log(tmp_path):
    with Processes({**os.environ, "WORD": "anything"}) as processes:
        command = [sys.executable, "-c", "import os; print(os.environ['WORD'])"]
        process = processes.start(command, log=tmp_path / "log")
        wait_until(lambda: process.poll() is not None)
    assert (tmp_path / "log").read_text() == "anything\n"
