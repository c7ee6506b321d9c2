"""A SuperLink and SuperNodes: TLS, authentication, a node that dies, a server that is restarted."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("dp_accounting", reason="needs voxguard[dp]")
pytest.importorskip("flwr", reason="needs voxguard[fl]")

from tiny_federation import write_app

from voxguard.privacy.federated.deployment import Deployment
from voxguard.privacy.federated.runtime import RunFailedError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nodes are killed by way of /proc")

# The first server asks node 1, which hangs until it is killed; nobody asks it again. The second one
# waits longer: a node looks for a SuperLink that was away at growing intervals, of up to 20 s.
SERVER = """
import json
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord
from flwr.serverapp import ServerApp

from voxguard.privacy import Ledger
from voxguard.privacy.federated import SpeakerDPFedAvg

app = ServerApp()
INITIAL = {"w": np.zeros((1, 3), np.float32), "b": np.zeros(()), "seen": np.array(7)}


@app.main()
def main(grid, context):
    out = Path(context.run_config["out"])
    resumed = (out / "ledger.json").exists()
    with Ledger(out / "ledger.json", unit="client", population=2) as ledger:
        strategy = SpeakerDPFedAvg(noise_multiplier=1.0, sampling_rate=1.0, population=2,
                                   clipping_norm=1.0, ledger=ledger, state=out / "model.npz")
        result = strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord({k: Array(v) for k, v in INITIAL.items()}),
            num_rounds=3,
            timeout=90 if resumed else 15,
            train_config=ConfigRecord({"hangs": 1, "signs": str(out)}),
        )
        found = {
            "rounds": [[r.number, len(r.cohort), r.replied] for r in strategy.history],
            "steps": ledger.steps,
        }
    (out / "found.json").write_text(json.dumps(found))
"""


def wait_until(holds, seconds=120.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def charged(folder):
    file = folder / "ledger.json"
    return (
        sum(charge[2] for charge in json.loads(file.read_text())["charges"]) if file.exists() else 0
    )


def test_a_federation_survives_its_nodes_and_its_server(tmp_path):
    app = write_app(tmp_path / "app", SERVER)
    with Deployment() as deployment, ThreadPoolExecutor() as threads:
        nodes = [deployment.add_node({"partition-id": node}) for node in range(2)]
        stranger = deployment.add_node(register=False)
        deployment.wait_for_nodes(2)

        running = threads.submit(deployment.run, app, config={"out": str(tmp_path)}, timeout_s=200)
        wait_until(lambda: (tmp_path / "hanging").exists() or running.done())
        nodes[1].kill()  # mid-round: the round goes on without it
        wait_until(lambda: charged(tmp_path) >= 2 or running.done())
        assert not running.done()
        deployment.kill_superlink()  # mid-round: the round was charged, and is not finished
        assert charged(tmp_path) == 2
        with pytest.raises(RunFailedError):
            running.result()

        wait_until(lambda: stranger.process.poll() is not None)
        assert stranger.process.returncode != 0
        assert nodes[0].process.poll() is None

        deployment.start_superlink()
        deployment.run(app, config={"out": str(tmp_path)}, timeout_s=300)
    found = json.loads((tmp_path / "found.json").read_text())
    assert [number for number, _, _ in found["rounds"]] == [2, 3]
    assert found["rounds"][-1][2] == 1  # node 0 works on
    assert found["steps"] == charged(tmp_path) == 3
    assert nodes[0].process.poll() is not None
