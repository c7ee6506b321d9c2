"""``python -m voxguard``."""

from __future__ import annotations

import sys

from voxguard.cli import main

if __name__ == "__main__":
    sys.exit(main())
