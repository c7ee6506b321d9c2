"""``flwr run`` on a tiny app, offline and without anything left behind."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("dp_accounting", reason="needs voxguard[dp]")
pytest.importorskip("flwr", reason="needs voxguard[fl]")
pytest.importorskip("ray", reason="needs voxguard[fl]")

from tiny_federation import write_app

from voxguard.errors import ConfigurationError
from voxguard.privacy.federated import run_simulation
from voxguard.privacy.federated.processes import Processes
from voxguard.privacy.federated.runtime import (
    as_toml,
    private_home,
    quiet_environment,
    submit,
)

SERVER = """
import json
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, Array, ConfigRecord
from flwr.serverapp import ServerApp

from voxguard.privacy import Ledger
from voxguard.privacy.federated import SpeakerDPFedAvg, SpeakerDPSecAgg

app = ServerApp()
INITIAL = {"w": np.zeros((1, 3), np.float32), "b": np.zeros(()), "seen": np.array(7)}


@app.main()
def main(grid, context):
    out = Path(context.run_config["out"])
    found = {}
    for kind in (SpeakerDPFedAvg, SpeakerDPSecAgg):
        name = kind.__name__
        with Ledger(out / f"{name}.json", unit="client", population=4) as ledger:
            strategy = kind(noise_multiplier=0.0, sampling_rate=1.0, population=4,
                            clipping_norm=1.0, ledger=ledger, state=out / f"{name}.npz")
            result = strategy.start(
                grid=grid,
                initial_arrays=ArrayRecord({k: Array(v) for k, v in INITIAL.items()}),
                num_rounds=2,
                train_config=ConfigRecord({"fails": 2}),
                wait_for=4,
            )
        found[name] = {
            "arrays": {k: v.numpy().tolist() for k, v in result.arrays.items()},
            "replied": [r.replied for r in strategy.history],
            "steps": ledger.steps,
        }
    (out / "found.json").write_text(json.dumps(found))
"""


def test_a_simulation(tmp_path):
    """Both strategies, with a node that fails; the figures are those of test_federated_rounds."""
    lines = []
    run = run_simulation(
        write_app(tmp_path / "app", SERVER),
        nodes=4,
        config={"out": str(tmp_path)},
        cpus=2,
        timeout_s=300,
        progress=lines.append,
    )
    assert lines == run.log.splitlines()
    assert any("round 2: 4 asked, 3 used" in line for line in lines)
    found = json.loads((tmp_path / "found.json").read_text())
    plain, masked = found["SpeakerDPFedAvg"], found["SpeakerDPSecAgg"]
    for one in (plain, masked):
        assert one["replied"] == [3, 3]
        assert one["steps"] == 2
    np.testing.assert_allclose(plain["arrays"]["w"], masked["arrays"]["w"], atol=1e-5)
    np.testing.assert_allclose(plain["arrays"]["b"], 2 * (0.05 / 5.01 + 0.15) / 4, rtol=0.01)
    home = re.search(r"installed tiny to (\S+?)/apps", run.log)[1]
    assert not Path(home).exists()
    if sys.platform == "linux":
        assert not daemons(home)


def daemons(home):
    """What a run has left behind; its environment tells."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"FLWR_HOME={home}\0".encode() in (entry / "environ").read_bytes():
                left.append((entry / "cmdline").read_bytes())
        except OSError:
            continue
    return left


def test_a_folder_without_an_app_is_refused(tmp_path):
    with private_home() as home, Processes(quiet_environment(home)) as processes:
        refused = pytest.raises(ConfigurationError, match=r"pyproject\.toml")
        with refused:
            submit(processes, home, tmp_path)


def test_flower_keeps_to_itself():
    with private_home() as home:
        environment = quiet_environment(home)
        assert home.stat().st_mode & 0o077 == 0
    assert not home.exists()
    assert environment["FLWR_TELEMETRY_ENABLED"] == "0"
    assert environment["FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION"] == "1"
    assert environment["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert as_toml({"name": 'a "b"'}) == 'name="a \\"b\\""'
