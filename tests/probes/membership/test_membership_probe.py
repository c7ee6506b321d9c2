"""The whole probe on a model that has learnt by heart: what it finds, what it refuses to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planted import PROMPT, clips

import voxguard
from voxguard.attacks.features import f0_track
from voxguard.audiollm import name_of
from voxguard.errors import ConfigurationError
from voxguard.evaluation import Manifest
from voxguard.metrics import Interval
from voxguard.probes.document import ProbeDocument
from voxguard.probes.membership import (
    CONDITIONS,
    Noise,
    Resynthesis,
    ScoreRecord,
    probe_membership,
)
from voxguard.probes.membership.blind import Blind, blind_baseline
from voxguard.probes.membership.clips import clips_of
from voxguard.probes.membership.figures import COMBINED, HEADLINES, findings
from voxguard.probes.membership.gate import Gate
from voxguard.probes.membership.scores import DIRECTIONS

FEW = {"prompt": PROMPT, "resamples": 100}
SAID = {"text": "transcript", "score": COMBINED}
TOLD = {"text": "self-transcription", "score": "log_perplexity"}


def other(samples, sample_rate):
    """Somebody else, who says something else."""
    seed = int(np.abs(samples).sum())
    return voxguard.synthetic_voice(
        seconds=len(samples) / sample_rate, sample_rate=sample_rate, speaker=40 + seed, seed=seed
    )


@pytest.fixture(scope="module")
def document(learnt, tmp_path_factory):
    members, others, model = learnt
    with ScoreRecord(tmp_path_factory.mktemp("r") / "s.jsonl", name_of(model)) as record:
        return probe_membership(
            model,
            members,
            others,
            anonymizers={"mcadams": voxguard.McAdams(coefficient=0.7, seed=1), "other": other},
            conditions=["raw", "silence"],
            record=record,
            **FEW,
        )


def test_planted_members_are_found_where_the_lists_are_alike(document):
    blind = document.find("blind_auc")
    assert len(blind) == 4
    assert all(figure.value <= 0.55 for figure in blind)
    for score in HEADLINES:
        found = document.figure("auc", text="transcript", score=score)
        assert found.low > 0.8
        assert found.n == 64
        assert found.where["data"] == "clean"
        assert document.figure("advantage", text="transcript", score=score).low > 0.5
    assert document.figure("correlation", **SAID).value == pytest.approx(0.0, abs=0.4)


def test_who_has_no_transcript_finds_fewer(document):
    assert document.figure("auc", **TOLD).value < document.figure("auc", **SAID).value


def test_the_same_words_over_silence_or_somebody_else_are_remembered_less(document):
    for system in ("silence", "other"):
        drop = document.figure("auc_drop", system, **SAID)
        assert drop.low > 0.0
        raw, replaced = (document.figure("auc", name, **SAID).value for name in ("raw", system))
        assert drop.value == pytest.approx(raw - replaced)
    silent = document.figure("auc", "silence", **TOLD)
    assert silent.value in (0.5, None)  # the same for every clip, or nothing at all


def test_moved_formants_do_not_break_what_has_been_learnt_by_heart(document):
    assert document.figure("auc", "mcadams", **SAID).low > 0.7
    drops = [document.figure("auc_drop", name, **SAID).value for name in ("mcadams", "other")]
    assert drops[0] < drops[1]


def test_all_conditions_run(learnt):
    members, others, model = learnt
    found = probe_membership(model, members, others, conditions=CONDITIONS, limit=6, **FEW)
    assert list(found.systems) == ["raw", "silence", "no-audio", "noise", "resynthesis"]
    for system in found.systems:
        assert found.figure("auc", system, text="transcript", score="log_perplexity").n == 12
        assert found.counts[f"scored/{system}/transcript/members"] == 6


def test_no_auc_is_without_its_blind_one(document):
    assert {figure.where["features"] for figure in document.find("blind_auc")} >= {"all"}
    for figure in document.find("auc"):
        assert figure.where["data"] in ("clean", "contaminated")
        assert document.find("correlation", figure.system, **figure.where)
    assert len(document.find("auc", "raw", text="transcript")) == 31
    assert len(document.find("auc", "mcadams", text="transcript")) == len(HEADLINES)
    assert "highest of 4" in document.notes[0]


def test_rates_that_so_few_cannot_show_are_not_shown(document):
    for figure in document.find("tpr"):
        assert (figure.value, figure.n) == (None, 64)
        assert "got 32" in figure.why


def test_the_document_survives_writing(document, tmp_path):
    document.write(tmp_path / "p.json")
    read = ProbeDocument.read(tmp_path / "p.json")
    assert read.figure("auc", **SAID) == document.figure("auc", **SAID)
    assert set(read.systems) == {"raw", "silence", "mcadams", "other"}
    assert read.data["members"] == read.data["non_members"] == 32
    assert read.counts["scored/raw/transcript/members"] == 32


def test_lists_that_differ_are_unmasked_on_a_model_that_has_seen_neither(learnt, tmp_path):
    """The attack "finds members" here, of which there are none: it finds the loud clips' words."""
    loud = Manifest("loud", clips(tmp_path / "loud", 24, seed=5))
    other = ["xylem", "zwieback", "quaggy", "fjord", "vex"]
    quiet = Manifest("quiet", clips(tmp_path / "quiet", 24, seed=6, words=other, gain=0.05))
    found = probe_membership(learnt[2], loud, quiet, conditions=["raw", "silence"], **FEW)
    spurious = found.figure("auc", text="transcript", score="log_perplexity")
    assert spurious.low > 0.7
    assert max(figure.low for figure in found.find("blind_auc")) > 0.55
    assert {figure.where["data"] for figure in found.find("auc")} == {"contaminated"}
    for figure in found.find("advantage"):
        assert figure.value is None
        assert "contaminated" in figure.why
    assert found.notes[0].startswith("contaminated: without the model")
    assert "may be chance" not in found.notes[0]


def test_an_attack_that_follows_the_blind_one_is_marked(learnt):
    blind = blind_baseline(clips_of(*learnt[:2]), resamples=20)
    rng = np.random.default_rng(0)
    free = rng.normal(size=(len(blind.clips), len(DIRECTIONS)))
    follows = free.copy()
    follows[:, 0] = -blind.scores["all"]  # log-perplexity, the lower the more of a member
    for vectors, mark in ((free, "clean"), (follows, "contaminated")):
        found = findings(blind, {("raw", "transcript"): vectors}, resamples=20)
        auc = [f for f in found.figures if f.name == "auc" and f.where["score"] == "log_perplexity"]
        assert [figure.where["data"] for figure in auc] == [mark]


def gate(value, low, high):
    auc = {"text": Interval(value, low, high, 80, 12), "all": Interval(0.5, 0.4, 0.6, 80, 12)}
    return Gate(Blind(None, {}, auc))


def test_the_gate_goes_by_the_value_and_tells_the_interval():
    uncertain, certain = gate(0.6, 0.45, 0.7), gate(0.6, 0.56, 0.7)
    assert uncertain.shifted
    assert "may be chance" in uncertain.notes({})[0]
    assert "may be chance" not in certain.notes({})[0]
    assert not gate(0.55, 0.5, 0.6).shifted
    assert "do not exclude" in gate(0.55, 0.5, 0.6).notes({})[0]
    assert "do not exclude" not in gate(0.52, 0.5, 0.54).notes({})[0]
    high, low = Interval(-0.41, -0.5, -0.3, 80, 12), Interval(0.4, 0.3, 0.5, 80, 12)
    assert gate(0.5, 0.4, 0.6).contaminates(high)
    assert not gate(0.5, 0.4, 0.6).contaminates(low)
    assert len(gate(0.5, 0.4, 0.6).notes({"transcript": high, "self-transcription": low})) == 2


def test_replacements_are_what_they_are_called(make_voice):
    voice = make_voice(seconds=1.0)
    noise = Noise(3)(voice, 16_000)
    np.testing.assert_array_equal(noise, Noise(3)(voice, 16_000))
    assert np.abs(Noise(4)(voice, 16_000) - noise).max() > 0.01
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(np.sqrt(np.mean(voice**2)), rel=0.05)
    assert abs(np.corrcoef(noise, voice)[0, 1]) < 0.05
    same = Resynthesis()(voice, 16_000)
    pitches = [f0[f0 > 0] for f0 in (f0_track(voice), f0_track(same))]
    assert np.median(pitches[1]) == pytest.approx(np.median(pitches[0]), rel=0.03)
    assert np.abs(same - voice).max() > 0.01


def test_replacements_take_what_clips_are(make_voice):
    for samples, rate in (
        (make_voice(8_000), 8_000),
        (make_voice(44_100, seconds=0.3), 44_100),
        (make_voice()[:100], 16_000),
        (np.zeros(8_000, np.float32), 16_000),
    ):
        for replace_by in (Noise(), Resynthesis()):
            made = replace_by(samples, rate)
            assert (made.shape, made.dtype) == (samples.shape, np.float32)
            assert np.isfinite(made).all()


def test_what_cannot_be_used_is_refused(learnt):
    members, others, model = learnt
    with pytest.raises(ConfigurationError, match="unknown condition 'dark'"):
        probe_membership(model, members, others, conditions=["dark"])
    with pytest.raises(ConfigurationError, match="cannot be called 'noise'"):
        probe_membership(model, members, others, anonymizers={"noise": voxguard.McAdams()})
    with pytest.raises(ConfigurationError, match="are in both"):
        probe_membership(model, members, replace(members, name="again"))
