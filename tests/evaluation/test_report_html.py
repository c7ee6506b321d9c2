"""The HTML report, without a browser: whole, offline, accessible, escaped."""

import re
import sys
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from example import bare, example, nothing, reference

from voxguard.errors import MissingExtraError
from voxguard.evaluation.report import compare, html, render_comparison, render_report
from voxguard.evaluation.results import Results

pytest.importorskip("jinja2")
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """What the tests look at; refuses tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.ids, self.rows, self.svgs = [], [], [], [], []
        self.texts, self.cell = [], None
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = [dict(attrs).get("class") or "", ""]
        if tag == "svg":
            self.svgs.append([])
        elif "svg" in self.open:
            self.svgs[-1].append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"
        if tag in ("td", "th"):
            self.rows[-1].append(tuple(self.cell))
            self.cell = None

    def handle_data(self, data):
        self.texts.append(data)
        if self.cell is not None:
            self.cell[1] += data


def without(*names):
    document = example()
    for name in names:
        del document[name]
    return document


def emptied():
    document = example()
    for name in ("attributes", "profiles", "utility", "stress", "notes"):
        document[name] = []
    for one in document["attackers"]:
        for name in ("subgroups", "lengths", "populations", "det", "histogram", "zebra_tag"):
            del one[name]
    return document


def no_intervals():
    document = example()
    for one in document["attackers"]:
        for figure in one["metrics"].values():
            figure.update(low=None, high=None, why="too few speakers")
    document["headline"]["eer"].update(low=None, high=None)
    return document


def all_missing():
    """Every section is there and not a figure in it was computed."""
    document = example()

    def clear(found):
        if isinstance(found, dict):
            if {"value", "n"} <= set(found):
                found.update(nothing("no sound"))
            for inner in found.values():
                clear(inner)
        elif isinstance(found, list):
            for inner in found:
                clear(inner)

    clear(document)
    for one in document["attackers"]:
        one["det"] = {"false_match": [], "false_non_match": []}
        one["histogram"] = {"edges": [0.0, 0.0], "mated": [0], "non_mated": [0]}
    return document


DOCUMENTS = {
    "complete": example,
    "trusted": lambda: example(trusted=True, strength=0.2),
    "the least": bare,
    "original speech": reference,
    "sections missing": lambda: without("attributes", "utility", "cost", "metrics", "disclosure"),
    "sections empty": emptied,
    "no intervals": no_intervals,
    "nothing computed": all_missing,
}


@cache
def rendered(name):
    return render_report(Results(DOCUMENTS[name]()))


@pytest.fixture(params=DOCUMENTS)
def page(request):
    return rendered(request.param)


def test_is_whole(page):
    parsed = Page(page)
    assert page.startswith("<!DOCTYPE html>")
    assert len(parsed.ids) == len(set(parsed.ids))
    referred = [a["href"][1:] for t, a in parsed.tags if t == "a"]
    labels = [x for _, a in parsed.tags for x in a.get("aria-labelledby", "").split()]
    assert referred
    assert set(referred) | set(labels) <= set(parsed.ids)


def test_loads_and_runs_nothing(page):
    parsed = Page(page)
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "image", "use", "form"}
    attributes = [(n, v or "") for _, found in parsed.tags for n, v in found.items()]
    assert not [n for n, _ in attributes if n.startswith("on") or n in ("src", "srcset", "action")]
    assert all(v.startswith("#") for n, v in attributes if n in ("href", "xlink:href"))
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_is_accessible(page):
    parsed = Page(page)
    headings = [int(t[1]) for t, _ in parsed.tags if re.fullmatch(r"h[1-6]", t)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    assert [t for t, _ in parsed.tags].count("main") == 1
    assert all(a.get("scope") in ("col", "row") for t, a in parsed.tags if t == "th")
    assert [t for t, _ in parsed.tags].count("caption") == [t for t, _ in parsed.tags].count(
        "table"
    )
    assert all(a["role"] == "img" for t, a in parsed.tags if t == "svg")
    for inside in parsed.svgs:
        assert inside[:2] == ["title", "desc"]
        assert len(inside) > 4  # no empty plot


def test_every_figure_has_its_n_and_interval(page):
    found = [text for row in Page(page).rows for kind, text in row if kind == "figure"]
    for text in found:
        assert re.search(r"n = \d", text) or "MiB" in text or text.strip().endswith(" s"), text
        assert "[" in text or "no interval" in text or "MiB" in text or " s" in text, text


def test_says_which_way_is_private(page):
    assert "EER: higher is more private" in page


def test_no_number_is_garbled(page):
    text = " ".join(Page(page).texts)
    assert not re.search(r"\bnan\b|\binf\b|None|Undefined|object at 0x", text)
    assert not re.search(r"<svg.*(nan|inf)\b.*</svg>", page)


def test_complete_figures():
    page = render_report(Results(example()))
    rows = {row[0][1].split(" ")[0].strip(): row for row in Page(page).rows}
    eer = rows["semi-informed/dvector-finetuned/wccn"]
    assert any(cell[0] == "figure" for cell in eer)
    for part in ("4.3", "[0.8, 7.9]", "n = 125", "UNTRUSTED", "13 speakers are too few",
                 "must not be quoted", "not measured: speechmos", "cannot be decoded",
                 "voxguard evaluate data/speech", "? not checked", "Lorem"):  # fmt: skip
        assert (part in page) == (part != "Lorem"), part
    keys = [
        "reading",
        "checks",
        "attackers",
        "scores",
        "utility",
        "lengths",
        "populations",
        "attributes",
        "subgroups",
        "stress",
        "data",
        "origin",
        "appendix",
        "glossary",
    ]
    assert re.findall(r'<h2 id="([a-z]+)"', page) == keys  # fmt: skip
    drawn = re.findall(r'<title id="([\w-]+)-title"', page)
    assert {
        "verdict",
        "forest",
        "det",
        "histogram-0",
        "histogram-1",
        "tradeoff",
        "lengths-eer",
        "populations-link_rate",
        "attribute-bars",
        "subgroups-0",
        "stress-eer",
    } <= set(drawn)
    order = page.index("unprotected/<wbr>dvector"), page.index("ignorant/<wbr>dvector")
    assert order[0] < order[1]


def test_a_trusted_headline():
    page = render_report(Results(example(trusted=True)))
    assert "TRUSTED" in page
    assert "UNTRUSTED</p>" not in page
    assert "must not be quoted" not in page


def test_original_speech_is_no_anonymized_speech():
    page = render_report(Results(reference()))
    assert "This is original speech" in page
    assert "anonymized speech" not in page[: page.index('id="reading"')]
    assert len(re.findall(r'<title id="histogram-\d-title"', page)) == 1


def test_nothing_measured_is_said():
    page = render_report(Results(bare()))
    assert not Page(page).svgs
    assert page.count("Not measured in this evaluation.") >= 4
    assert "Nothing was left out." in page


HOSTILE = '<script>alert("x")</script>\'"&{{ 7*7 }}'


def hostile(document):
    """The document with the text in every place where a name or a note can stand."""
    document["system"]["name"] = HOSTILE
    document["command"] = document["notes"][0] = document["protocol"]["name"] = HOSTILE
    document["protocol"]["settings"] = {HOSTILE: {HOSTILE: HOSTILE}}
    document["headline"]["reasons"] = [HOSTILE]
    document["headline"]["checks"][0].update(check=HOSTILE, detail=HOSTILE)
    document["data"]["excluded"][0] = dict.fromkeys(("utterance", "speaker", "reason"), HOSTILE)
    document["data"]["subgroups"] = {HOSTILE: {HOSTILE: 3}}
    document["versions"] = document["machine"] = {HOSTILE: HOSTILE}
    document["metrics"]["eer"] = dict.fromkeys(("title", "source", "chance"), HOSTILE)
    document["metrics"]["eer"]["unit"] = "%"
    for index, one in enumerate(document["attackers"]):
        one["name"] = f"{HOSTILE}{index}"
        one["encoder"] = one["backend"] = one["zebra_tag"] = one["fingerprint"] = HOSTILE
        one["metrics"][HOSTILE] = one["metrics"]["eer"]
        one["subgroups"] = {HOSTILE: {HOSTILE: one["subgroups"]["sex"]["F"], "worst": HOSTILE,
                                      "gap": 0.1}}  # fmt: skip
    names = {one["metrics"]["eer"]["value"]: one["name"] for one in document["attackers"]}
    document["headline"]["attacker"] = names[document["headline"]["eer"]["value"]]
    for row in document["attributes"]:
        row.update(attribute=HOSTILE, features=HOSTILE, classes=[HOSTILE])
        row["recall"] = {HOSTILE: row["recall"]["F"]}
    for row in document["utility"]:
        row.update(measure=HOSTILE, how=HOSTILE)
    for row in document["stress"]:
        row.update(axis=HOSTILE, level=HOSTILE, attacker=HOSTILE)
    document["disclosure"]["how"] = document["cost"]["how"] = HOSTILE
    return document


def test_text_stays_text():
    results = Results(hostile(example()))
    for page in (
        render_report(results),
        render_comparison(compare([results, results], [HOSTILE, "b"])),
    ):
        parsed = Page(page)
        assert "script" not in {tag for tag, _ in parsed.tags}
        assert not [a for _, a in parsed.tags if "alert" in str(a)]
        assert "{{ 7*7 }}" in page
        assert page.count("&lt;script&gt;") > 15
        assert len(parsed.ids) == len(set(parsed.ids))


def test_a_long_list_is_cut_and_says_so():
    document = example()
    row = {"utterance": "u", "speaker": "s", "reason": "empty"}
    document["data"]["excluded"] = [row] * 1000
    page = render_report(Results(document))
    assert "700 more are listed in the JSON and the CSV." in page


def test_without_jinja2(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    html._environment.cache_clear()
    with pytest.raises(MissingExtraError, match=r"voxguard\[report\]"):
        render_report(Results(bare()))
    html._environment.cache_clear()


def test_symbols_are_set():
    assert "C<sub>llr</sub><sup>min</sup>" in render_report(Results(example()))
