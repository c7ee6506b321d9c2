"""``voxguard evaluate`` and ``voxguard compare`` from the outside."""

import json

import pytest

pytest.importorskip("torch")

PROTOCOL = """
schema: voxguard.protocol/1
name: tiny
data: {synthetic: {speakers: 4, utterances: 4, seconds: 1.5}, enrolment: 2}
attackers: [{encoder: dvector, backends: [cosine]}]
utility: {pitch: false}
resamples: 100
lengths: [1]
"""


@pytest.fixture
def protocol(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(PROTOCOL)
    return str(path)


def test_results_reports_and_a_comparison(call, tmp_path, protocol):
    common = ("evaluate", "--protocol", protocol, "--work", tmp_path / "work")
    code, out, err = call(
        *common, "--method", "mcadams", "--output", tmp_path / "a.json",
        "--html", tmp_path / "a.html", "--csv", tmp_path / "a.csv",
    )  # fmt: skip
    assert code == 0, err
    assert b"Lowest EER" in out
    assert b"UNTRUSTED" in out
    assert b"embed lazy-informed/dvector ..." in err
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["system"]["name"] == "mcadams"
    assert document["command"].startswith("voxguard evaluate --protocol")
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.csv").read_text().count("\n") > 20
    again = ("--output", tmp_path / "a.json")
    code, out, err = call(*common, "--method", "mcadams", *again)
    assert code == 2
    assert b"a.json exists; choose another name, or --overwrite" in err
    code, out, err = call(*common, "--method", "none", "--output", tmp_path / "b.json", "--json")
    assert code == 0, err
    assert json.loads(out)["system"]["kind"] == "none"
    code, out, err = call("compare", tmp_path / "a.json", tmp_path / "b.json")
    assert code == 0, err
    assert b"mcadams" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --method (none: the original speech) or --anonymized"),
        (("--method", "mcadams", "--anonymized", "x"), "give --method (none"),
        (("--method", "mcadams"), "needs data: a folder"),
        (("--method", "nobody", "--protocol", "smoke"), "unknown method 'nobody'"),
        (("--method", "none", "-o", "a=1"), "--option and --seed are of a method"),
        (("nowhere", "--method", "mcadams"), "nowhere does not exist"),
        (("--protocol", "hard", "--method", "mcadams"), "no protocol 'hard'"),
    ],
)
def test_what_cannot_be_asked(call, arguments, message):
    code, out, err = call("evaluate", *arguments)
    assert (code, out) == (2, b"")
    assert message.encode() in err
