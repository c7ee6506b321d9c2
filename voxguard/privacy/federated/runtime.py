"""Run a Flower app as it should be run where privacy matters: offline, and with no traces left."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.models.optional import optional
from voxguard.privacy.federated.processes import Processes

Value = bool | int | float | str


class RunFailedError(VoxguardError, RuntimeError):
    """A Flower run did not finish, or failed; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Run:
    """A run that has finished.

    Attributes:
        run_id: Flower's.
        seconds: From its submission to its end.
        log: What it printed.
    """

    run_id: int
    seconds: float
    log: str


def quiet_environment(home: str | Path) -> dict[str, str]:
    """The environment in which Flower keeps to itself.

    Flower 1.41 by default reports each run to its makers, looks for updates, and fetches an app's
    dependencies into an environment that comes before yours; Ray reports usage. All of it is off.
    State, logs and copies of apps are kept in a folder that can be removed.

    Args:
        home: The folder: for ``FLWR_HOME`` and Ray's files. Ray takes no long path.

    Returns:
        A copy of this process's environment, changed.

    Example:
        >>> changed = quiet_environment("/srv/flower")
        >>> changed["FLWR_TELEMETRY_ENABLED"], changed["FLWR_HOME"]
        ('0', '/srv/flower')
    """
    programs = str(Path(sys.executable).parent)  # where pip put flwr's commands
    return {
        **os.environ,
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")]),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "FLWR_HOME": str(home),
        "RAY_TMPDIR": str(home),
    }


def run_simulation(
    app: str | Path,
    *,
    nodes: int,
    config: Mapping[str, Value] | None = None,
    cpus: int | None = None,
    client_cpus: int = 1,
    client_gpus: float = 0.0,
    timeout_s: float = 3600.0,
    progress: Callable[[str], None] | None = None,
) -> Run:
    """Run a Flower app with simulated nodes, by ``flwr run``.

    The SuperLink is started on a free port of the loopback interface, in a private temporary
    folder, and is gone afterwards with all that it and Ray started, however this call ends.

    Args:
        app: Folder of the app, with its ``pyproject.toml``. The app is run in this Python
            environment; dependencies that it names are not installed.
        nodes: Number of simulated clients.
        config: Replaces values of ``[tool.flwr.app.config]``. Paths should be absolute.
        cpus: That Ray may use in all; by default all there are.
        client_cpus: That Ray sets aside for a client: ``cpus // client_cpus`` work at a time.
        client_gpus: Share of a GPU for a client.
        timeout_s: Seconds until the run is given up.
        progress: Gets the lines of the run's log as they come.

    Raises:
        ConfigurationError: The folder holds no app.
        MissingExtraError: Flower or Ray is not installed.
        RunFailedError: The run failed or took too long.

    Example:
        ``run_simulation("recipes/federated/app", nodes=4, config={"rounds": 3})``
    """
    optional("ray", "fl", "a federated simulation")
    if nodes < 1:
        raise ConfigurationError(f"nodes takes 1 or more, got {nodes}")
    federation: dict[str, Value] = {
        "num-supernodes": nodes,
        "client-resources-num-cpus": client_cpus,
        "client-resources-num-gpus": client_gpus,
        "init-args-num-cpus": cpus or os.cpu_count() or 1,
    }
    with private_home() as home, Processes(quiet_environment(home)) as processes:
        port = free_port()
        connection: dict[str, Value] = {"address": f"127.0.0.1:{port}", "insecure": True}
        write_connection(home, connection)
        superlink = ["flower-superlink", "--insecure", "--simulation"]
        processes.start(
            [*superlink, "--host", "127.0.0.1", "--port", str(port)], log=home / "superlink.log"
        )
        wait_for_port(port, home / "superlink.log")
        return submit(
            processes,
            home,
            app,
            config=config,
            federation=federation,
            timeout_s=timeout_s,
            progress=progress,
        )


def submit(
    processes: Processes,
    home: Path,
    app: str | Path,
    *,
    config: Mapping[str, Value] | None = None,
    federation: Mapping[str, Value] | None = None,
    timeout_s: float = 3600.0,
    progress: Callable[[str], None] | None = None,
) -> Run:
    """``flwr run`` on the SuperLink that a home knows of, until the run has ended.

    Args:
        processes: Where the command is started.
        home: ``FLWR_HOME``.
        app: Folder of the app.
        config: Of the run.
        federation: Of the simulation.
        timeout_s: Seconds until it is given up.
        progress: Gets the lines of the log.

    Raises:
        ConfigurationError: The folder holds no app.
        RunFailedError: The run failed or took too long.
    """
    app = Path(app).resolve()
    if not (app / "pyproject.toml").is_file():
        raise ConfigurationError(f"{app} holds no Flower app: there is no pyproject.toml in it")
    command = ["flwr", "run", str(app), "--stream"]
    if config:
        command += ["--run-config", as_toml(config)]
    if federation:
        command += ["--federation-config", as_toml(federation)]
    log = home / f"run-{time.monotonic_ns()}.log"
    began = time.monotonic()
    process = processes.start(command, log=log)
    shown = 0
    while process.poll() is None:
        if time.monotonic() - began > timeout_s:
            raise RunFailedError(f"the run took more than {timeout_s:g} s\n{_tail(log)}")
        time.sleep(0.2)
        shown = _show(log, shown, progress)
    _show(log, shown, progress)
    text = log.read_text(errors="replace")
    seconds = time.monotonic() - began
    found = re.search(r"started run (\d+)", text)
    if process.returncode or found is None:
        raise RunFailedError(f"flwr run did not start a run\n{_tail(log)}")
    status = run_status(processes, int(found[1]))
    if status != "finished:completed":
        raise RunFailedError(f"the run ended as {status}\n{_tail(log)}")
    return Run(int(found[1]), seconds, text)


def run_status(processes: Processes, run_id: int) -> str:
    """What Flower says of a run: ``running``, ``finished:completed``, ``finished:failed`` ...

    Args:
        processes: Whose environment names the SuperLink.
        run_id: Of the run.
    """
    listed = flwr_json(processes, "ls", "--run-id", str(run_id))
    return str(listed["runs"][0]["status"])


def flwr_json(processes: Processes, *arguments: str) -> Any:
    """Run a ``flwr`` command and read the JSON that it prints.

    Args:
        processes: Whose environment names the SuperLink.
        arguments: Of the command.

    Raises:
        RunFailedError: It failed.
    """
    try:
        done = subprocess.run(  # noqa: S603
            ["flwr", *arguments, "--format", "json"],  # noqa: S607
            env=processes.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunFailedError(f"flwr {' '.join(arguments)} got no answer in 120 s") from None
    start = done.stdout.find("{")
    if done.returncode or start < 0:
        raise RunFailedError(f"flwr {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return json.JSONDecoder().raw_decode(done.stdout[start:])[0]


@contextmanager
def private_home() -> Iterator[Path]:
    """A folder that only this user can look into, removed afterwards."""
    # Not below TMPDIR of a test or a job: Ray's sockets lie in it, whose paths are short.
    home = Path(tempfile.mkdtemp(prefix="vg-", dir="/tmp" if os.name == "posix" else None))  # noqa: S108
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def write_connection(home: Path, connection: Mapping[str, Value]) -> None:
    """The one SuperLink that ``flwr`` will know of.

    Args:
        home: ``FLWR_HOME``.
        connection: ``address``, and ``insecure`` or ``root-certificates``.
    """
    lines = [f"{key} = {json.dumps(value)}" for key, value in connection.items()]
    table = "\n".join(["[superlink]", 'default = "own"', "", "[superlink.own]", *lines])
    (home / "config.toml").write_text(table + "\n")


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, log: Path, seconds: float = 60.0) -> None:
    """Until something listens there.

    Args:
        port: Of the loopback interface.
        log: What to cite if nothing does.
        seconds: How long to wait.

    Raises:
        RunFailedError: Nothing came.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RunFailedError(f"the SuperLink did not answer within {seconds:g} s\n{_tail(log)}")


def as_toml(values: Mapping[str, Value]) -> str:
    """Pairs as the options of Flower's commands take them.

    Example:
        >>> as_toml({"rounds": 3, "out": "results", "dp": True})
        'rounds=3 out="results" dp=true'
    """
    return " ".join(f"{key}={json.dumps(value)}" for key, value in values.items())


def _show(log: Path, shown: int, progress: Callable[[str], None] | None) -> int:
    """Give the complete lines after a byte; returns where to go on."""
    if progress is None:
        return shown
    with log.open("rb") as file:
        file.seek(shown)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        progress(line)
    return shown + len(whole)


def _tail(log: Path, lines: int = 200) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
