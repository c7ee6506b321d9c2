"""A corpus of recordings, anonymized by one machine or many, exactly once per recording."""

from __future__ import annotations

from voxguard.corpus.run import CorpusReport, anonymize_corpus
from voxguard.corpus.settings import Maker, Settings

__all__ = ["CorpusReport", "Maker", "Settings", "anonymize_corpus"]
