"""How the tests start ``voxguard``."""

import os
import sys
from pathlib import Path

import voxguard

PATHS = [Path(voxguard.__file__).parents[1], Path(__file__).parents[1] / "plugin"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(map(str, PATHS)),
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "80",
}
COMMAND = [sys.executable, "-m", "voxguard"]
