"""Recipes are run as a user runs them: in a process of their own, on voices that are made up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory):
    """``smoke_run("dp_keyword")``: the work folder of its smoke run, and what that found."""

    def run(recipe):
        work = tmp_path_factory.mktemp("work")
        done = subprocess.run(
            [sys.executable, "-m", f"recipes.{recipe}", "synthetic", "--config", "smoke.yaml",
             "--device", "cpu", "--work", str(work)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return work, json.loads((work / "results" / "smoke.json").read_text())

    return run
