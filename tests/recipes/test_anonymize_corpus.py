"""The corpus recipe, as its README has it, and its examples for clusters as far as they can be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from recipes.anonymize_corpus.__main__ import main

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "anonymize_corpus"


def test_the_readme(tmp_path):
    text = (RECIPE / "README.md").read_text().partition("## 3.")[0]
    blocks = re.findall(r"```\n(.*?)```", text, re.S)
    lines = (
        "".join(blocks).replace("pip install", "true").replace("--recordings 40", "--recordings 20")
    )
    (tmp_path / "voxguard").write_text(f'#!/bin/sh\nexec {sys.executable} -m voxguard "$@"\n')
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for name in ("voxguard", "python"):
        (tmp_path / name).chmod(0o755)
    lines = lines.replace("--key-file", "--method mcadams --key-file")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        "20 recordings, 20 anonymized: 0 missing, 0 twice, 0 still like the source" in done.stderr
    )


def test_the_check_notices(tmp_path):
    assert main(["make", str(tmp_path / "raw"), "--recordings", "11", "--seconds", "0.5"]) == 0
    shutil.copytree(tmp_path / "raw", tmp_path / "same")
    assert main(["check", str(tmp_path / "raw"), str(tmp_path / "same")]) == 1
    (tmp_path / "same" / "00001.tar").unlink()
    assert main(["check", str(tmp_path / "raw"), str(tmp_path / "same")]) == 1


def test_the_examples_call_what_there_is():
    for name in ("job.yaml", "rayjob.yaml"):
        yaml.safe_load((RECIPE / name).read_text())
    subprocess.run(["bash", "-n", str(RECIPE / "slurm.sh")], check=True)
    texts = ((RECIPE / name).read_text() for name in ("job.yaml", "rayjob.yaml", "slurm.sh"))
    text = "".join(re.sub(r"^#.*\n", "", text, flags=re.M) for text in texts)
    help_text = subprocess.run(
        [sys.executable, "-m", "voxguard", "anonymize", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    ).stdout  # fmt: skip
    for option in set(re.findall(r"(?<=\s)--[a-z-]+(?=[ \n])", text)):
        assert option in help_text, option
