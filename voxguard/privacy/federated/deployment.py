"""A real federation on this machine: SuperLink and SuperNodes, with TLS and node authentication."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from voxguard.models.optional import optional
from voxguard.privacy.federated.identity import make_certificates, make_node_key
from voxguard.privacy.federated.processes import Processes
from voxguard.privacy.federated.runtime import (
    Run,
    RunFailedError,
    Value,
    as_toml,
    flwr_json,
    free_port,
    private_home,
    quiet_environment,
    submit,
    wait_for_port,
    write_connection,
)


@dataclass
class Node:
    """A SuperNode.

    Attributes:
        name: In the federation.
        processes: It, and what it starts.
        process: The SuperNode itself.
        log: What it prints.
    """

    name: str
    processes: Processes
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As a power cut would, with the client app that it runs."""
        self.processes.kill()


class Deployment:
    """The deployment runtime of Flower on loopback, as it would be run on many machines.

    One SuperLink speaks HTTPS with a certificate of an authority made for this occasion, and
    admits only SuperNodes whose keys were registered. All is gone when the context is left: the
    processes, the keys, the state. What is to outlast a restart (ledger, model) belongs in a folder
    of the app's own, named in its configuration.

    Example:
        A federation of two, in which one node dies::

            with Deployment() as deployment, ThreadPoolExecutor() as threads:
                nodes = [deployment.add_node({"partition-id": i}) for i in range(2)]
                deployment.wait_for_nodes(2)
                running = threads.submit(deployment.run, app, config={"rounds": 3})
                nodes[1].kill()
                print(running.result().log)

    Raises:
        MissingExtraError: Flower is not installed.
        RunFailedError: The SuperLink does not start.
    """

    def __init__(self) -> None:
        optional("flwr", "fl", "a federation")
        optional("cryptography", "fl", "a federation")
        self._stack = ExitStack()
        self._nodes = 0

    def __enter__(self) -> Self:
        with self._stack:
            self.home = self._stack.enter_context(private_home())
            self.processes = self._stack.enter_context(Processes(quiet_environment(self.home)))
            self.certificates = make_certificates(self.home / "tls")
            self.port = free_port()
            write_connection(
                self.home,
                {
                    "address": f"127.0.0.1:{self.port}",
                    "root-certificates": str(self.certificates.authority),
                },
            )
            self.start_superlink()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start_superlink(self) -> None:
        """Start the SuperLink, or start it again after :meth:`kill_superlink`; nodes come back.

        Raises:
            RunFailedError: It does not answer.
        """
        files, log = self.certificates, self.home / "superlink.log"
        self._superlink = self._stack.enter_context(Processes(self.processes.environment))
        self._superlink.start(
            [
                "flower-superlink",
                *("--ssl-ca-certfile", str(files.authority)),
                *("--ssl-certfile", str(files.server)),
                *("--ssl-keyfile", str(files.key)),
                "--enable-supernode-auth",
                *("--host", "127.0.0.1", "--port", str(self.port)),
                *("--database", str(self.home / "state.db")),
            ],
            log=log,
        )
        wait_for_port(self.port, log)

    def kill_superlink(self) -> None:
        """End the SuperLink at once, with the ServerApp that it runs; nodes keep running."""
        self._superlink.kill()

    def add_node(self, config: Mapping[str, Value] | None = None, *, register: bool = True) -> Node:
        """Make a key, register it, start a SuperNode with it.

        Args:
            config: What the client app finds in ``context.node_config``.
            register: False leaves the SuperLink in the dark; it will refuse the node.

        Raises:
            RunFailedError: It could not be registered.
        """
        self._nodes += 1
        name = f"node-{self._nodes}"
        key = self.home / name
        public = make_node_key(key)
        if register:
            flwr_json(self.processes, "supernode", "register", str(public))
        # Processes of its own, so that this node can be killed with all that it started
        processes = self._stack.enter_context(Processes(self.processes.environment))
        log = self.home / f"{name}.log"
        process = processes.start(
            [
                "flower-supernode",
                *("--superlink", f"127.0.0.1:{self.port}"),
                *("--root-certificates", str(self.certificates.authority)),
                *("--auth-supernode-private-key", str(key)),
                *("--host", "127.0.0.1", "--port", str(free_port())),
                *(("--node-config", as_toml(config)) if config else ()),
            ],
            log=log,
        )
        return Node(name, processes, process, log)

    def online(self) -> int:
        """How many SuperNodes are connected."""
        listed = flwr_json(self.processes, "supernode", "list")
        return sum(node["status"] == "online" for node in listed["nodes"])

    def wait_for_nodes(self, count: int, seconds: float = 60.0) -> None:
        """Until so many are connected.

        Args:
            count: How many.
            seconds: How long to wait.

        Raises:
            RunFailedError: They did not come.
        """
        until = time.monotonic() + seconds
        while (there := self.online()) < count:
            if time.monotonic() > until:
                raise RunFailedError(f"{there} of {count} nodes came within {seconds:g} s")
            time.sleep(0.5)

    def run(
        self,
        app: str | Path,
        *,
        config: Mapping[str, Value] | None = None,
        timeout_s: float = 3600.0,
        progress: Callable[[str], None] | None = None,
    ) -> Run:
        """Run an app, and wait for it.

        Args:
            app: Its folder.
            config: Replaces values of ``[tool.flwr.app.config]``.
            timeout_s: Seconds until it is given up.
            progress: Gets the lines of the log.

        Raises:
            ConfigurationError: The folder holds no app.
            RunFailedError: It failed or took too long.
        """
        return submit(
            self.processes, self.home, app, config=config, timeout_s=timeout_s, progress=progress
        )
