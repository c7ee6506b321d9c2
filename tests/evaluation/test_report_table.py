"""The terminal report: narrow, without colour, nothing left out."""

import io
import re

import pytest
from example import bare, example, nothing

from voxguard.evaluation.report import compare, print_comparison, print_report
from voxguard.evaluation.report.figures import number, show
from voxguard.evaluation.results import Figure, Results


def printed(results, width=80):
    stream = io.StringIO()
    print_report(results, stream, width=width)
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_fits(width):
    assert max(map(len, printed(Results(example()), width).splitlines())) <= width


def test_says_it_all():
    text = printed(Results(example()))
    for part in ("Lowest EER  4.3 % [0.8, 7.9]  n = 125", "UNTRUSTED", "13 speakers are too few",
                 "semi-informed/dvector-finetuned/wccn", "EER: higher is more private",
                 "Original    1.1 % [0.0, 2.9]", "not measured:", "shorter than 1 s",
                 "Not checked: targets", "Note: Cross-session"):  # fmt: skip
        assert part in text, part
    assert text.index("unprotected/") < text.index("ignorant/")
    assert "\x1b" not in text


def test_every_figure_has_its_n_and_interval():
    values = re.findall(r"\d %  n \d+", printed(Results(example())))
    intervals = re.findall(r"\[-?[\d.]+, [\d.]+\]", printed(Results(example())))
    assert len(values) > 40
    assert len(intervals) >= len(values)


def test_a_trusted_headline():
    text = printed(Results(example(trusted=True)))
    assert "TRUSTED" in text
    assert "UNTRUSTED" not in text


def test_nothing_measured():
    text = printed(Results(bare()))
    for part in ("not measured: one speaker only", "Speaker attackers: none was tried",
                 "Utility: not measured", "Left out: nothing"):  # fmt: skip
        assert part in text


def test_markup_is_text():
    document = example(name="[bold red]x[/bold red] :smile:")
    assert "[bold red]x[/bold red] :smile:" in printed(Results(document))


def test_comparison():
    both = [Results(example()), Results(example(name="vc", strength=0.2, trusted=True))]
    stream = io.StringIO()
    print_comparison(compare(both, ["a", "b"]), stream, width=80)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for part in ("original (A)", "A  mcadams", "B  vc", "✗ UNTRUSTED", "✓ trusted",
                 "EER: higher is more private"):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0432, "%", "4.3"),
        (1.0, "%", "100.0"),
        (0.0, "%", "0.0"),
        (0.0004, "%", "0.04"),
        (-0.00001, "%", "-0.001"),
        (0.721, "bit", "0.721"),
        (-1.6, "dB", "-1.60"),
        (0.0041, "", "0.0041"),
        (0.0, "", "0"),
        (1980.1, "s", "1980"),
        (1e9, "", "1.00e+09"),
    ],
)
def test_numbers(value, unit, text):
    assert number(value, unit) == text


def test_figures():
    assert str(show(Figure(0.5, 0.4, 0.6, 9), "%")) == "50.0 % [40.0, 60.0]"
    assert str(show(Figure.of(nothing("no trials")))) == "not measured: no trials"
    assert show(Figure(1.0, n=3, why="one speaker")).interval == "no interval: one speaker"
