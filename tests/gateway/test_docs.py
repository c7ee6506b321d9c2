"""The commands of docs/gateway.md, as they stand there but for the address."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from servers import recordings

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
COMMANDS = re.findall(r"^```bash\n(curl.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", COMMANDS)
def test_curl(gateway, upstream, wav, tmp_path, command):
    (tmp_path / "question.wav").write_bytes(wav)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("http://127.0.0.1:8585", gateway.url)],
        cwd=tmp_path,
        env={**os.environ, "OPENAI_API_KEY": "sk-test"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "I hear you." in done.stdout
    assert upstream.requests[0][2]["authorization"] == "Bearer sk-test"
    assert len(recordings(upstream.requests[0][3])) == 1


def test_there_are_commands():
    assert len(COMMANDS) == 3
