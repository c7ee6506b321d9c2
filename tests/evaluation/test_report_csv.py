"""The tidy table: every figure of the document once, and no formula."""

import csv
import io

import pytest
from example import bare, example

from voxguard.evaluation.report.csv import COLUMNS, render_csv, safe
from voxguard.evaluation.results import Results


def rows(*results, **options):
    return list(csv.DictReader(io.StringIO(render_csv(*results, **options))))


def figures_in(found):
    if isinstance(found, dict):
        if {"value", "n"} <= set(found):
            return 1
        return sum(figures_in(inner) for inner in found.values())
    return sum(figures_in(inner) for inner in found) if isinstance(found, list) else 0


def test_every_figure_is_there_once():
    document = example()
    table = rows(Results(document))
    counted = [row for row in table if row["n"] != ""]
    assert len(counted) == figures_in(document)
    keys = [tuple(row[c] for c in COLUMNS if c not in ("value", "low", "high")) for row in counted]
    assert len(set(keys)) == len(keys)


def test_values_are_those_of_the_document():
    document = example()
    one = document["attackers"][5]
    row = next(
        r for r in rows(Results(document))
        if (r["section"], r["name"], r["metric"], r["subgroup"])
        == ("attackers", one["name"], "eer", "")
    )  # fmt: skip
    figure = one["metrics"]["eer"]
    assert [float(row[c]) for c in ("value", "low", "high", "n")] == [
        figure["value"], figure["low"], figure["high"], figure["n"]
    ]  # fmt: skip
    assert (row["unit"], row["private"], row["chance"]) == ("fraction", "higher", "0.5")
    assert row["fingerprint"] == one["fingerprint"]


def test_what_was_not_measured_says_why():
    row = next(r for r in rows(Results(example())) if r["metric"] == "dnsmos" and not r["value"])
    assert row["why"] == "speechmos is not installed"


def test_exclusions_are_listed():
    listed = [row for row in rows(Results(example())) if row["section"] == "excluded"]
    assert [row["why"] for row in listed].count("shorter than 1 s") == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "＝1"])  # noqa: RUF001
def test_formulas_are_neutralised(text):
    document = example(name=text)
    document["data"]["excluded"][0]["utterance"] = text
    table = list(csv.reader(io.StringIO(render_csv(Results(document)))))
    cells = {cell for row in table[1:] for cell in row}
    assert text not in cells
    assert "'" + text.replace("\t", " ").replace("\r", " ") in cells


def test_numbers_stay_numbers():
    assert safe(-1.5) == -1.5
    assert safe(None) == ""
    assert safe("a=b") == "a=b"


def test_several_evaluations_in_one_table():
    table = rows(Results(example()), Results(example(name="vc")), runs=["one", "two"])
    assert {row["run"] for row in table} == {"one", "two"}
    assert {row["system"] for row in table} == {"mcadams", "vc"}


def test_nothing_measured():
    assert [row["section"] for row in rows(Results(bare()))] == ["headline"]
