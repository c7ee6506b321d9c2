"""Recordings on disk: one file, or a folder of them, anonymized."""

from __future__ import annotations

from voxguard.files.folder import Failure, FolderReport, anonymize_folder
from voxguard.files.memory import anonymize_bytes
from voxguard.files.single import anonymize_file

__all__ = ["Failure", "FolderReport", "anonymize_bytes", "anonymize_file", "anonymize_folder"]
