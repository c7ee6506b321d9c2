"""The attributes probe for other harnesses: questions out, answers back."""

from voxguard.probes.exports.answers import score_answers
from voxguard.probes.exports.folder import Export, Selection
from voxguard.probes.exports.jsonl import export_jsonl
from voxguard.probes.exports.lines import Line
from voxguard.probes.exports.lmms_eval import export_lmms_eval

__all__ = ["Export", "Line", "Selection", "export_jsonl", "export_lmms_eval", "score_answers"]
