"""The exit codes, which scripts rely on."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130

EXIT_CODES = f"""\b
Exit codes:
  {DONE:<3}  all done
  {FAILED:<3}  at least one recording failed, or the stream broke
  {USAGE:<3}  the command, an option or a key cannot be used
  {INTERRUPTED:<3}  interrupted; no partial file was left
"""
