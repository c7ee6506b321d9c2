"""The drawings: that figures are where they belong."""

import re
from decimal import Decimal
from itertools import pairwise
from statistics import NormalDist
from xml.etree import ElementTree as ET

import pytest

from voxguard.evaluation.report import svg
from voxguard.evaluation.report.charts.det import det
from voxguard.evaluation.report.charts.histogram import histogram
from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.charts.sweep import Curve, sweep
from voxguard.evaluation.report.charts.tradeoff import Spot, tradeoff
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Figure

MEASURED = Figure(0.2, 0.1, 0.3, 50)
MISSING = Figure(None, why="no trials")


def parse(chart):
    """A drawing has to be XML by itself."""
    return ET.fromstring(chart.svg)  # noqa: S314


def found(chart, class_):
    return [e for e in parse(chart).iter() if class_ in (e.get("class") or "").split()]


def test_scales():
    linear = svg.Scale(0.0, 10.0, 100.0, 200.0)
    assert [linear(v) for v in (0, 5, 10)] == [100, 150, 200]
    assert (linear(-3), linear(99)) == (100, 200)
    probits = svg.Scale(0.01, 0.99, 0.0, 100.0, svg.probit)
    assert probits(0.5) == pytest.approx(50)
    assert probits(0.1) + probits(0.9) == pytest.approx(100)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 0.55), (-0.4, 1.0), (-7, 33), (0, 3e-5)])
def test_ticks_are_round_and_within(low, high):
    values = svg.ticks(low, high)
    assert all(low - 1e-9 <= v <= high + 1e-9 for v in values)
    assert 3 <= len(values) <= 7
    assert 0 in values
    steps = {round((b - a) / (high - low), 6) for a, b in pairwise(values)}
    assert len(steps) == 1
    assert all(len(Decimal(f"{value:.9g}").normalize().as_tuple().digits) <= 2 for value in values)


def test_text_is_escaped_and_cut():
    assert svg.label(0.0, 0.0, "<b>&") == '<text x="0" y="0">&lt;b&gt;&amp;</text>'
    assert svg.shorten("semi-informed/dvector", 1000) == "semi-informed/dvector"
    cut = svg.shorten("semi-informed/dvector-finetuned/wccn", 100)
    assert len(cut) * 5.6 <= 100
    assert cut.startswith("semi")
    assert cut.endswith("wccn")
    assert "…" in cut


def test_methods_never_look_like_the_reference():
    numbers = [svg.method_series(i) for i in range(40)]
    assert len(set(numbers[:30])) == 30
    marks = [svg.marker(0.0, 0.0, n) for n in numbers]
    assert not any("hollow" in m or 's0"' in m for m in marks)
    assert "hollow" in svg.marker(0.0, 0.0, 0)


def test_rows_place_figures_and_intervals():
    chart = rows("k", "c", [("group", [Item("a", MEASURED, 1), Item("b", MISSING, 2)])],
                 unit="%", axis="EER", chance=[(0.5, "guessing")])  # fmt: skip
    low, high = (float(found(chart, "whisker")[0].get(x)) for x in ("x1", "x2"))
    chance = float(found(chart, "chance")[0].get("x1"))
    zero = 8.0
    per_share = (chance - zero) / 0.5
    assert (low - zero) / per_share == pytest.approx(0.1, abs=1e-3)
    assert (high - zero) / per_share == pytest.approx(0.3, abs=1e-3)
    assert len(found(chart, "mark")) == 1
    text = "".join(parse(chart).itertext())
    assert "20.0 % [10.0, 30.0]" in text
    assert "not measured" in text
    assert "n = 50" in text


def test_bars_start_at_zero():
    chart = rows("k", "c", [("", [Item("a", Figure(-0.2, n=3), 1), Item("b", MEASURED, 1)])],
                 unit="", axis="x", mark="bar")  # fmt: skip
    negative, positive = found(chart, "area")
    edge = float(negative.get("x")) + float(negative.get("width"))
    assert edge == pytest.approx(float(positive.get("x")), abs=0.02)
    assert float(negative.get("width")) == pytest.approx(float(positive.get("width")), abs=0.02)


def coordinates(element):
    return [tuple(map(float, p.split())) for p in re.split("[MLZ]", element.get("d")) if p]


def test_det_crosses_the_diagonal_at_the_eer():
    d = svg.probit(0.9) * 2  # two normals this far apart have an EER of 10 %
    steps = [-4 + 0.05 * i for i in range(200)]
    accepted = [NormalDist().cdf(-s) for s in steps]
    rejected = [NormalDist().cdf(s - d) for s in steps]
    chart = det("k", "c", [("name", 2, {"false_match": accepted, "false_non_match": rejected})])
    points = coordinates(next(e for e in found(chart, "line") if e.tag == "path"))
    axis = svg.Scale(0.001, 0.99, 46.0, 350.0, svg.probit)
    nearest = min(points, key=lambda p: abs((p[0] - 46) - (314 - p[1])))
    assert nearest[0] == pytest.approx(axis(0.1), abs=3)


def test_det_of_a_perfect_attacker_draws_no_line():
    chart = det("k", "c", [("name", 2, {"false_match": [1, 0, 0], "false_non_match": [0, 0, 1]})])
    assert not [e for e in found(chart, "line") if e.tag == "path"]
    assert det("k", "c", [("name", 2, {"false_match": [], "false_non_match": []})]) is None


def test_histograms_have_the_same_area():
    edges = [0.0, 0.25, 0.5, 1.0]
    chart = histogram("k", "c", {"edges": edges, "mated": [0, 10, 10], "non_mated": [300, 0, 0]})

    def area(element):
        points = coordinates(element)
        pairs = zip(points, points[1:] + points[:1], strict=True)
        return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2

    non_mated, mated = (area(e) for e in found(chart, "area"))
    assert mated == pytest.approx(non_mated, rel=0.02)


@pytest.mark.parametrize(
    "content",
    [
        {"edges": [0.0, 1.0], "mated": [0], "non_mated": [5]},
        {"edges": [], "mated": [], "non_mated": []},
        {"edges": [1.0, 1.0], "mated": [3], "non_mated": [5]},
    ],
)
def test_histograms_of_nothing(content):
    assert histogram("k", "c", content) is None


def test_tradeoff_places_methods():
    spots = [
        Spot("A", "first", Figure(0.1, 0.05, 0.2, 9), Figure(0.2, 0.1, 0.3, 9), 1),
        Spot("B", "second", Figure(0.4, 0.3, 0.5, 9), Figure(0.4, 0.3, 0.5, 9), 2),
        Spot("C", "third", Figure(0.4, n=9), MISSING, 3),
    ]
    chart = tradeoff("k", "c", spots, Terms({})["wer"])
    upright = [w for w in found(chart, "whisker") if w.get("x1") == w.get("x2")]
    assert float(upright[0].get("x1")) < float(upright[1].get("x1"))  # more errors: right
    assert float(upright[0].get("y1")) > float(upright[1].get("y1"))  # more private: up
    text = "".join(parse(chart).itertext())
    assert "third" not in text
    assert "← better" in text
    assert tradeoff("k", "c", spots[2:], Terms({})["wer"]) is None


def test_labels_of_methods_that_coincide_do_not():
    same = Figure(0.2, 0.1, 0.3, 9)
    chart = tradeoff("k", "c", [Spot(x, x, same, same, 1) for x in "ABCD"], Terms({})["uar"])
    places = {(e.get("x"), e.get("y"), e.get("text-anchor")) for e in found(chart, "strong")}
    assert len(places) == 4


def test_sweeps_place_figures():
    points = [(1, Figure(0.4, 0.3, 0.5, 9)), (10, Figure(0.2, 0.1, 0.3, 3)), (100, MISSING)]
    chart = sweep("k", "c", [Curve("one", 2, points)], unit="%", x_title="x", y_title="y",
                  chance=[(1, 0.5), (100, 0.5)])  # fmt: skip
    curve = next(e for e in found(chart, "line") if e.tag == "path")
    (x1, y1), (x2, y2) = coordinates(curve)
    assert x1 < x2
    assert y1 < y2  # more is higher up
    assert len(found(chart, "mark")) == 3  # two figures and the legend
    nobody = Curve("none", 2, points[2:])
    assert sweep("k", "c", [nobody], unit="", x_title="x", y_title="y") is None


def test_a_single_point_and_a_figure_of_zero_are_drawn():
    one = Curve("one", 1, [(5, Figure(0.0, 0.0, 0.0, 9))])
    assert found(sweep("k", "c", [one], unit="%", x_title="x", y_title="y"), "mark")
    zero = Item("zero", Figure(0.0, 0.0, 0.0, 9), 1)
    assert found(rows("k", "c", [("", [zero])], unit="%", axis="x"), "mark")


def test_a_sweep_over_one_size():
    drawn = sweep(
        "one", "Caption", [Curve("semi", 0, [(2, MEASURED)])],
        unit="%", x_title="people", y_title="link rate", chance=[(2, 0.5)],
    )  # fmt: skip
    assert len(found(drawn, "chance")) == 1
