"""A real Ray cluster of several node processes on this machine, of which one is killed."""

import json
import os
import subprocess
import time

import pytest
from made import COMMAND, ENVIRONMENT, check, make, recording, told, written

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
pytest.importorskip("ray", reason="ray is not installed: it has an environment of its own")

from ray.cluster_utils import Cluster

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

METHOD = ("--method", "test-deadly", "--engine", "ray")


@pytest.fixture(scope="module")
def cluster():
    """A head without processors, and three nodes of one each; the driver is another process.

    It is made once, which takes long: the test that kills a node is the last.
    """
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "env_vars": ENVIRONMENT})
    nodes = [made.add_node(num_cpus=1, env_vars=ENVIRONMENT) for _ in range(3)]
    yield made, nodes
    made.shutdown()


def start(cluster, *arguments):
    environment = {**ENVIRONMENT, "RAY_ADDRESS": cluster.address}
    return subprocess.Popen(
        [*COMMAND, "anonymize", *map(str, arguments), *METHOD, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def finished(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def test_more_workers_than_room_do_not_wait_for_each_other(tmp_path, cluster):
    made, _ = cluster
    contents = [recording(number) for number in range(12)]
    source = make("webdataset", tmp_path / "raw", contents, per_shard=3)
    report = finished(start(made, source, tmp_path / "safe", "--from", "webdataset", "--jobs", 8))
    assert (report["done"], report["complete"]) == (12, True)
    check("webdataset", tmp_path / "safe", contents)


def test_a_recording_that_kills_workers_is_blamed(tmp_path, cluster):
    made, _ = cluster
    contents = [recording(number) for number in range(12)]
    source = make("webdataset", tmp_path / "raw", contents, per_shard=3)
    target = tmp_path / "safe"
    process = start(made, source, target, "--from", "webdataset", "-o", "kills=4004")
    out, _ = process.communicate(timeout=240)
    report = json.loads(out)
    assert (process.returncode, report["done"], report["failed"]) == (1, 11, 1)
    assert "died 3 times" in told(target)["001.tar/004.wav"]["reason"]


def test_a_node_is_killed_under_load_and_then_the_driver(tmp_path, cluster):
    made, nodes = cluster
    contents = [recording(number) for number in range(90)]
    source = make("webdataset", tmp_path / "raw", contents, per_shard=3)
    (tmp_path / "key").write_text("ab" * 32)
    target = tmp_path / "safe"
    order = (source, target, "--from", "webdataset", "-o", "pause_ms=100",
             "--speaker-column", "speaker", "--key-file", tmp_path / "key")  # fmt: skip
    parts = (target / "manifest").glob
    process = start(made, *order)
    wait_for(lambda: len(list(parts("part-*"))) >= 4)
    made.remove_node(nodes[0], allow_graceful=False)
    before = len(list(parts("part-*")))
    wait_for(lambda: len(list(parts("part-*"))) >= before + 4)  # it goes on with two
    process.kill()
    process.communicate()
    made.add_node(num_cpus=1, env_vars=ENVIRONMENT)
    report = finished(start(made, *order, "--resume"))
    assert report["units_there"] >= before + 4
    assert report["units_there"] + report["units_done"] == 30
    assert report["complete"]
    check("webdataset", target, contents)

    # Another engine under the same key gives the same bytes.
    local = tmp_path / "local"
    done = subprocess.run(
        [*COMMAND, "anonymize", str(source), str(local), *map(str, order[2:4]), *order[6:8],
         *map(str, order[8:]), "--method", "test-deadly", "--engine", "local", "--json"],
        env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert written("webdataset", local) == written("webdataset", target)
