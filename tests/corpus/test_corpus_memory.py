"""Memory does not grow with the corpus."""

import json
import threading
from pathlib import Path

import pytest
from made import COMMAND, ENVIRONMENT, make, recording, subprocess

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


def peak_mb(pid):
    """Most memory of its own that a process or a child of it has taken so far."""
    task = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [pid, *map(int, task.read_text().split())]
    peak = 0.0
    for each in pids:
        status = Path(f"/proc/{each}/status").read_text()
        peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) / 1024)
    return peak


def run(source, target, kind):
    process = subprocess.Popen(
        [*COMMAND, "anonymize", str(source), str(target), "--from", kind, "--method",
         "test-deadly", "--json"],
        env=ENVIRONMENT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    peak, over = [0.0], threading.Event()

    def watch():
        while not over.wait(0.01):
            try:
                peak.append(peak_mb(process.pid))
            except (OSError, IndexError):
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    out = process.communicate(timeout=240)[0]
    over.set()
    watcher.join()
    return json.loads(out), max(peak)


@pytest.mark.parametrize("kind", ["folder", "webdataset", "parquet"])
def test_a_corpus_larger_than_the_memory_that_is_taken(tmp_path, kind):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    contents = [recording(number, seconds=20.0) for number in range(160)]
    peaks = []
    for name, times in (("small", 1), ("large", 8)):
        source = make(kind, tmp_path / name, contents[: 20 * times], per_shard=20 * times)
        report, peak = run(source, tmp_path / f"{name}-safe", kind)
        assert report["done"] == 20 * times
        peaks.append(peak)
    size = sum(p.stat().st_size for p in (tmp_path / "large").rglob("*") if p.is_file()) / 1e6
    assert size > 100
    assert peaks[1] - peaks[0] < 0.5 * size, (peaks, size)
