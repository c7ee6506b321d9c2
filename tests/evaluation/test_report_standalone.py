"""The trade-off as a drawing of its own."""

import re
from xml.etree import ElementTree

import pytest
from example import bare, example

from voxguard.errors import ConfigurationError
from voxguard.evaluation.report import compare, render_trade_off
from voxguard.evaluation.results import Results

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*documents):
    results = [Results(document) for document in documents]
    return render_trade_off(compare(results, [f"{k}.json" for k in range(len(results))]))


def texts(svg):
    root = ElementTree.fromstring(svg)  # noqa: S314
    return [text.text for text in root.iter(f"{SVG}text")]


def test_every_method_has_a_mark_and_both_intervals():
    svg = drawn(example(), example(name="<script>", strength=0.3, wer=0.5))
    root = ElementTree.fromstring(svg)  # noqa: S314
    assert root.tag == f"{SVG}svg"
    whiskers = [x for x in root.iter(f"{SVG}line") if "whisker" in x.get("class")]
    assert len(whiskers) == 2 * 3  # the original and two methods
    named = "".join(filter(None, texts(svg)))
    assert "A  mcadams (UNTRUSTED)" in named
    assert "B  <script> (UNTRUSTED)" in named
    assert "NOT COMPARABLE" not in svg


def test_it_needs_no_other_file():
    svg = drawn(example(), example(name="other"))
    assert "<script" not in svg
    assert not re.search(r"(href|src|url\(|@import)", svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}
    used = set(re.findall(r"var\((--[a-z0-9-]+)", svg))
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", svg)) | {"--halo"}


def test_what_cannot_be_compared_is_not_ranked():
    other = example(name="other")
    other["protocol"]["name"] = "vpc"
    assert "NOT COMPARABLE: do not rank" in texts(drawn(example(), other))


def test_nothing_to_draw_is_said():
    with pytest.raises(ConfigurationError, match="no trade-off to draw"):
        drawn(bare(), bare())
