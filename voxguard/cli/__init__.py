"""The command line: ``voxguard``, one file a command."""

from __future__ import annotations

from voxguard.cli.app import main

__all__ = ["main"]
