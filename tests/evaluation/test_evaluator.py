"""The whole evaluator on voices that the tests make."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest

import voxguard
from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.evaluation import Manifest, read_manifest
from voxguard.evaluation.protocol import AttackerPlan, AttributePlan, DataPlan, UtilityPlan

pytest.importorskip("torch")
pytest.importorskip("sklearn")


def by_name(results):
    return {one["name"]: one for one in results.document["attackers"]}


def value(results, name):
    return by_name(results)[name]["metrics"]["eer"]["value"]


def check(results, name):
    (found,) = [c for c in results.headline.checks if name in c["check"]]
    return found


def test_mcadams_hides_from_who_does_not_know_it_and_not_from_who_does(corpus, panel, work):
    told = []
    results = voxguard.evaluate(
        voxguard.McAdams(),
        panel(subgroups=("sex",), stress=("telephone",)),
        data=corpus / "manifest.csv",
        work=work,
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    original, ignorant = (
        value(results, "unprotected/dvector/cosine"),
        value(results, "ignorant/dvector/cosine"),
    )
    assert original < 0.1 < 0.2 < ignorant
    assert results.headline.eer.value == min(
        one["metrics"]["eer"]["value"]
        for one in results.document["attackers"]
        if one["knowledge"] != "unprotected"
    )
    assert results.headline.eer.low <= results.headline.eer.value <= results.headline.eer.high
    assert results.document["data"]["speakers"] == 14
    assert results.document["data"]["train_speakers"] == 14
    assert results.document["system"]["randomness"] == "secret"
    first = by_name(results)["semi-informed/dvector/wccn"]
    assert [entry["utterances"] for entry in first["lengths"]] == [1, 2]
    assert [entry["population"] for entry in first["populations"]] == [2, 5]
    assert set(first["subgroups"]["sex"]) == {"F", "M", "worst", "gap"}
    assert set(first["metrics"]) >= {"cllr", "min_cllr", "d_sys", "zebra_worst", "srd_max"}
    assert [c["check"] for c in results.headline.checks if c["passed"] is None] == []
    kinds = {(a["attribute"], a["knowledge"]) for a in results.document["attributes"]}
    assert kinds == {("sex", k) for k in ("unprotected", "ignorant", "retrained")}
    (stress,) = results.document["stress"]
    assert (stress["axis"], stress["attacker"]) == ("telephone", results.headline.attacker)
    assert results.document["cost"]["rtf"]["value"] > 0
    assert all(0 <= done <= total for _, done, total in told)
    assert "probe for the target voice" in {stage for stage, _, _ in told}


def test_the_original_speech_is_its_own_reference(corpus, panel, work):
    results = voxguard.evaluate(None, panel(), data=corpus / "manifest.csv", work=work)
    assert results.document["system"]["kind"] == "none"
    values = {value(results, f"{k}/dvector/cosine") for k in ("unprotected", "lazy-informed")}
    assert len(values) == 1
    assert results.headline.eer.value < 0.1


def test_a_folder_that_another_tool_made(corpus, panel, work, tmp_path):
    theirs = tmp_path / "theirs"
    voxguard.anonymize_folder(corpus, theirs, voxguard.McAdams())
    results = voxguard.evaluate(
        None, panel(), data=corpus / "manifest.csv", anonymized=theirs, work=work
    )
    system = results.document["system"]
    assert (system["kind"], system["options"]["method"]) == ("folder", "mcadams")
    assert check(results, "hears the speaker")["passed"] is None
    for speaker in range(1, 28, 2):
        shutil.rmtree(theirs / f"s{speaker:02}")
    (theirs / "s00" / "0.wav").unlink()
    partly = voxguard.evaluate(
        None, panel(), data=corpus / "manifest.csv", anonymized=theirs, work=work
    )
    assert not partly.headline.trusted
    assert check(partly, "semi-informed")["detail"] == (
        "no attacker was retrained on anonymized speech"
    )
    assert any("98 of 98 training utterances" in note for note in partly.document["notes"])
    (gone,) = partly.document["data"]["excluded"]
    assert (gone["utterance"], "no anonymized file" in gone["reason"]) == ("s00-0", True)


def test_any_callable_and_no_file_is_left(corpus, panel, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def quieter(samples, sample_rate):
        return samples * 0.5

    few = read_manifest(corpus / "manifest.csv").select({"speaker": ["s00", "s02", "s04"]})
    results = voxguard.evaluate(quieter, panel(("cosine",)), data=few)
    assert results.document["system"] == {
        "name": "quieter", "kind": "callable", "options": {}, "randomness": "unknown",
    }  # fmt: skip
    assert (
        abs(
            value(results, "lazy-informed/dvector/cosine")
            - value(results, "unprotected/dvector/cosine")
        )
        < 0.2
    )
    assert list(tmp_path.iterdir()) == []


class KilledError(Exception):
    """The process dies."""


def test_a_run_that_was_killed_goes_on(corpus, panel, tmp_path):
    plan = panel(("cosine",), attributes=AttributePlan(), data=DataPlan(enrolment=3))

    def die(stage, done, total):
        if stage.startswith("embed ignorant") and done == 5:
            raise KilledError

    with pytest.raises(KilledError):
        voxguard.evaluate(voxguard.McAdams(), plan, data=corpus, work=tmp_path / "w", progress=die)
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "w").rglob("*") if f.is_file()}
    results = voxguard.evaluate(voxguard.McAdams(), plan, data=corpus, work=tmp_path / "w")
    assert len(results.attackers) == 3
    assert all(f.stat().st_mtime_ns == when for f, when in before.items())
    assert {f.suffix for f in before} == {".wav", ".npy"}


def odd_manifest(corpus, tmp_path, **changes):
    """A copy of the manifest with some rows changed by utterance id."""
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["path"] = str(corpus / row["path"])
        row.update(changes.get(row["utterance"], {}))
    path = tmp_path / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_what_cannot_be_used_is_told_and_the_rest_goes_on(corpus, panel, work, tmp_path):
    torn = tmp_path / "torn.wav"
    torn.write_bytes((corpus / "s00/1.wav").read_bytes()[:9000])
    manifest = odd_manifest(
        corpus,
        tmp_path,
        **{
            "s00-1": {"path": str(torn)},
            "s02-2": {"path": "gone.wav"},
            "s04-0": {"speaker": "one"},
        },
    )
    plan = panel(
        ("cosine",),
        attributes=AttributePlan(("accent",)),
        utility=UtilityPlan(recogniser="pocketsphinx", wer_utterances=2, pitch=False),
    )
    results = voxguard.evaluate(None, plan, data=manifest, work=work)
    excluded = {e["utterance"]: e["reason"] for e in results.document["data"]["excluded"]}
    assert set(excluded) == {"s00-1", "s02-2", "s04-0"}
    assert "torn.wav" in excluded["s00-1"]
    assert excluded["s02-2"] == "the file does not exist"
    assert excluded["s04-0"].startswith("one utterance only")
    assert "not inferred, for want of labels: accent" in results.document["notes"]
    assert results.document["utility"][0]["measure"] == "wer"


def test_transcripts_that_are_missing_are_told(corpus, panel, work, tmp_path):
    manifest = odd_manifest(corpus, tmp_path, **{"s00-6": {"transcript": ""}})
    plan = panel(
        ("cosine",),
        attributes=AttributePlan(),
        utility=UtilityPlan(recogniser="pocketsphinx", wer_utterances=1, pitch=False),
    )
    results = voxguard.evaluate(None, plan, data=manifest, work=work)
    (note,) = [n for n in results.document["notes"] if "word error rate" in n]
    assert "leaves out 1 trial utterances" in note


def test_bad_data_is_a_clear_error(corpus, panel, tmp_path):
    manifest = read_manifest(corpus / "manifest.csv")
    with pytest.raises(ConfigurationError, match="at least two speakers"):
        voxguard.evaluate(None, panel(), data=manifest.select({"speaker": "s00"}))
    with pytest.raises(ConfigurationError, match="needs data"):
        voxguard.evaluate(None, panel())
    with pytest.raises(ConfigurationError, match="makes its own voices"):
        voxguard.evaluate(None, "smoke", data=corpus)
    with pytest.raises(ConfigurationError, match="scope 'session'; leave the scope out"):
        voxguard.evaluate(voxguard.McAdams(scope="session"), panel(), data=manifest)
    with pytest.raises(ConfigurationError, match="unknown stress axis 'rain'"):
        voxguard.evaluate(None, panel(stress=("rain",)), data=manifest)
    blind = panel()
    only = AttackerPlan("dvector", ("cosine",), ("unprotected",))
    blind = type(blind)(**{**vars(blind), "attackers": (only,)})
    with pytest.raises(ConfigurationError, match="attacks original speech only"):
        voxguard.evaluate(voxguard.McAdams(), blind, data=manifest)
    with pytest.raises(ConfigurationError, match="only an anonymizer"):
        voxguard.evaluate(lambda x, rate: -x, panel(level="speaker"), data=manifest)
    everyone_fails = Manifest("two", manifest.select({"speaker": ["s00", "s02"]}).utterances)
    with pytest.raises(ConfigurationError, match=r"exclusions fewer than two speakers.*failed"):
        voxguard.evaluate(lambda x, rate: x * np.nan, panel(), data=everyone_fails)


def test_vectors_that_are_not_finite_stop_it(corpus, panel, monkeypatch):
    from voxguard.attacks.encoders.dvector import DVector

    monkeypatch.setattr(DVector, "embed", lambda self, recording: np.full(256, np.nan))
    few = read_manifest(corpus / "manifest.csv").select({"speaker": ["s00", "s02"]})
    with pytest.raises(VoxguardError, match="256 non-finite values for s00-0"):
        voxguard.evaluate(None, panel(("cosine",)), data=few)


def test_an_attacker_that_cannot_run_is_told(corpus, panel, work):
    few = read_manifest(corpus / "manifest.csv").select({"speaker": ["s00", "s02", "s04"]})
    plan = panel(("cosine", "lda"), attributes=AttributePlan())
    results = voxguard.evaluate(None, plan, data=few, work=work)
    assert {one.content["backend"] for one in results.attackers} == {"cosine"}
    assert (
        "unprotected/dvector/lda was not run: there is nobody to train on"
        in (results.document["notes"])
    )
    with pytest.raises(ConfigurationError, match="no attacker of the protocol could be run"):
        voxguard.evaluate(None, panel(("lda",), attributes=AttributePlan()), data=few, work=work)


def test_speakers_who_are_evaluated_are_not_trained_on_under_another_name(corpus, panel, work):
    few = read_manifest(corpus / "manifest.csv").select({"speaker": ["s00", "s02", "s04"]})
    results = voxguard.evaluate(
        None, panel(attributes=AttributePlan()), data=few, attacker_data=corpus, work=work
    )
    reasons = {
        e["speaker"]: e["reason"]
        for e in results.document["data"]["excluded"]
        if e["speaker"].startswith("attacker/")
    }
    assert set(reasons) == {"attacker/s00", "attacker/s02", "attacker/s04"}
    assert "a recording is in both" in reasons["attacker/s00"]


def test_an_attacker_on_transcripts_leaves_out_who_has_none(corpus, panel, work):
    plan = panel(attributes=AttributePlan())
    attackers = (
        AttackerPlan("dvector"),
        AttackerPlan("transcript", ("cosine",), ("unprotected",)),
    )
    plan = type(plan)(**{**vars(plan), "attackers": attackers})
    results = voxguard.evaluate(None, plan, data=corpus / "manifest.csv", work=work)
    assert "unprotected/transcript/cosine" in by_name(results)
    left_out = [e for e in results.document["data"]["excluded"] if "no transcript" in e["reason"]]
    assert len(left_out) == 14  # utterance 0 of each evaluated speaker


def test_labels_that_vary_within_a_speaker_make_no_subgroups(corpus, panel, work):
    plan = panel(("cosine",), attributes=AttributePlan(), subgroups=("transcript_kind", "sex"))
    everyone = read_manifest(corpus / "manifest.csv")
    mixed = tuple(
        replace(u, labels={**u.labels, "transcript_kind": "ab"[n % 2]})
        for n, u in enumerate(everyone.utterances)
    )
    results = voxguard.evaluate(None, plan, data=replace(everyone, utterances=mixed), work=work)
    assert set(results.document["attackers"][0]["subgroups"]) == {"sex"}
    assert any("varies within a speaker" in note for note in results.document["notes"])


def test_speech_of_others_can_be_given_to_the_attacker(corpus, panel, work):
    everyone = read_manifest(corpus / "manifest.csv")
    few = everyone.select({"speaker": ["s00", "s02", "s04"]})
    results = voxguard.evaluate(
        None,
        panel(("wccn",), attributes=AttributePlan()),
        data=few,
        attacker_data=corpus,
        work=work,
    )
    assert results.document["data"]["train_speakers"] == 25
    assert AttackerPlan("dvector").backends == ("cosine",)
