"""The results document: what is refused, and that it comes back as it was."""

import copy
import json

import numpy as np
import pytest
from example import bare, example, nothing, reference

from voxguard.errors import ConfigurationError, OutputError
from voxguard.evaluation.results import Figure, Results, write_text


def test_what_is_written_is_read(tmp_path):
    document = example()
    path = tmp_path / "new" / "results.json"
    Results(document).write(path)
    assert Results.read(path).document == document
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_nothing_is_overwritten_unless_told(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        Results(bare()).write(path)
    assert path.read_text() == "precious"
    Results(bare()).write(path, overwrite=True)
    assert Results.read(path).system == "none"


def test_the_document_is_a_copy():
    document = bare()
    results = Results(document)
    document["attackers"].append("spoilt")
    assert results.attackers == ()


def test_tuples_become_lists():
    document = bare()
    document["protocol"]["settings"] = {"lengths": (1, 3)}
    assert Results(document).document["protocol"]["settings"] == {"lengths": [1, 3]}


def test_accessors():
    results = Results(example())
    assert results.headline.attacker == "semi-informed/dvector-finetuned/wccn"
    assert results.headline.eer.value == pytest.approx(0.0432, abs=1e-4)
    assert not results.headline.trusted
    assert [one.knowledge for one in results.attackers[:3]] == ["unprotected"] * 3
    knowledge = [one.knowledge for one in results.attackers]
    assert sorted(set(knowledge), key=knowledge.index) == [
        "unprotected", "ignorant", "lazy-informed", "semi-informed"
    ]  # fmt: skip
    assert results.strongest("lazy-informed").name == "lazy-informed/dvector/cosine"
    assert results.references[0].name == "unprotected/dvector/cosine"
    assert results.attackers[0].metric("no_such").why == "not measured"
    assert Results(bare()).strongest("ignorant") is None
    assert Results(bare()).section("utility") == []
    assert Results(bare()).section("cost") == {}


def test_figures():
    assert Figure.of(None).value is None
    assert Figure.of({"value": 1, "n": 3}) == Figure(1, n=3)


@pytest.mark.parametrize(
    "missing",
    ["voxguard", "seed", "protocol", "system", "data", "headline", "attackers"],
)
def test_missing_keys(missing):
    document = example()
    del document[missing]
    with pytest.raises(ConfigurationError, match=f"{missing} is missing"):
        Results(document)


@pytest.mark.parametrize(
    "optional",
    ["versions", "machine", "command", "metrics", "disclosure", "attributes", "profiles",
     "utility", "stress", "cost", "notes"],
)  # fmt: skip
def test_what_need_not_be_there(optional):
    document = example()
    del document[optional]
    assert optional not in Results(document).document


def change(path, value):
    def apply(document):
        found = document
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value

    return apply


EER = ("attackers", 3, "metrics", "eer")
FAULTS = {
    "not an object": (lambda d: d.clear(), "not a results document"),
    "other schema": (change(["schema"], "voxguard.evaluation/9"), "voxguard.evaluation/9"),
    "nan": (change([*EER, "value"], float("nan")), r"attackers\[3\].metrics.eer.value is nan"),
    "infinity": (change(["cost", "seconds_of_audio"], float("inf")), "seconds_of_audio is inf"),
    "infinity in a list": (change(["attackers", 0, "det", "false_match", 2], -np.inf), r"\[2\]"),
    "not JSON": (change(["notes"], [np.float32(1)]), "float32, which JSON does not have"),
    "no n": (lambda d: d["attackers"][3]["metrics"]["eer"].pop("n"), "eer.n is missing"),
    "negative n": (change([*EER, "n"], -1), "is a count"),
    "true is no number": (change([*EER, "value"], True), "is a number, got True"),
    "interval upside down": (change([*EER, "low"], 0.9), "down to"),
    "half an interval": (change([*EER, "high"], None), "one end"),
    "no value and no why": (change([*EER], {**nothing("x"), "why": ""}), "no 'why'"),
    "unknown knowledge": (change(["attackers", 0, "knowledge"], "guru"), "lazy-informed"),
    "attacker without a name": (lambda d: d["attackers"][0].pop("name"), "name is missing"),
    "two of a name": (lambda d: d["attackers"].append(d["attackers"][0]), "two attackers"),
    "headline of nobody": (change(["headline", "attacker"], None), "names no attacker"),
    "headline of a stranger": (change(["headline", "attacker"], "x/y/z"), "'x/y/z' is not among"),
    "headline on original speech": (
        change(["headline", "attacker"], "unprotected/dvector/cosine"), "is not among"),
    "headline is not the lowest": (change(["headline", "eer", "value"], 0.3), "is the lowest"),
    "stress without an attacker": (lambda d: d["stress"][1].pop("attacker"), r"stress\[1\].eer"),
    "trusted in spite of a check": (
        lambda d: d["headline"].update(trusted=True, reasons=[]), "failed checks"),
    "trusted with reasons": (
        lambda d: d["headline"].update(trusted=True, checks=[]), "reasons against"),
    "untrusted without a reason": (change(["headline", "reasons"], []), "does not say why"),
    "curve of two lengths": (
        lambda d: d["attackers"][0]["det"]["false_match"].pop(), "false_non_match"),
    "bins do not fit": (lambda d: d["attackers"][0]["histogram"]["edges"].pop(), "edges"),
    "edges fall": (change(["attackers", 0, "histogram", "edges", 3], -9.0), "fall"),
    "list for object": (change(["data"], []), "data is an object"),
    "text for list": (change(["notes"], "one"), "notes is a list"),
    "text for number": (change(["data", "speakers"], "13"), "speakers is a whole number"),
    "subgroup without figures": (
        change(["attackers", 0, "subgroups", "sex", "F"], 0.1), "sex.F is an object"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault):
    document = copy.deepcopy(example())
    spoil, message = FAULTS[fault]
    spoil(document)
    with pytest.raises(ConfigurationError, match=message):
        Results(document)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not JSON: .* in line 1"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[]", "not a results document"),
        (b'{"schema": "voxguard.evaluation/1", "x": NaN}', "holds NaN"),
        (b'{"schema": "voxguard.evaluation/1", "x": 1e999}', "x is inf"),
        (b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_files_that_are_no_results(tmp_path, content, message):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"(?s)bad.json.*{message}"):
        Results.read(path)


def test_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent.json cannot be read"):
        Results.read(tmp_path / "absent.json")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Results.read(tmp_path)


def test_original_speech_leads_only_where_there_is_nothing_else():
    assert Results(reference()).headline.attacker == "unprotected/dvector/cosine"


def test_more_than_the_schema_knows_is_kept():
    document = example()
    document["attackers"][0]["training"] = {"loss": [3.0, 1.0]}
    assert Results(document).document["attackers"][0]["training"] == {"loss": [3.0, 1.0]}


def test_written_json_is_strict(tmp_path):
    Results(example(name="\udcff naïve")).write(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text("ascii"))["system"]["name"] == "\udcff naïve"


def test_text_with_anything_in_it(tmp_path):
    write_text(tmp_path / "page.html", "naïve \udcff\n\n")
    assert (tmp_path / "page.html").read_bytes() == "naïve \\udcff\n".encode()
