"""The report of an evaluation: a terminal table, an offline HTML page and a CSV, from one JSON."""

from __future__ import annotations

from voxguard.evaluation.report.comparison import Comparison, compare
from voxguard.evaluation.report.csv import render_csv
from voxguard.evaluation.report.html import render_comparison, render_report
from voxguard.evaluation.report.standalone import render_trade_off
from voxguard.evaluation.report.table import print_comparison, print_report

__all__ = [
    "Comparison",
    "compare",
    "print_comparison",
    "print_report",
    "render_comparison",
    "render_csv",
    "render_report",
    "render_trade_off",
]
