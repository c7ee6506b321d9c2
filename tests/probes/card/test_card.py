"""Cards and the gate: limits kept and not kept, and everything that must not pass."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from voxguard.errors import ConfigurationError, OutputError
from voxguard.probes.card import PrivacyCard, gate, make_card, render_card
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import ProbeFigure

ABOUT = {"raw": {}, "mcadams": {"method": "mcadams", "options": {}}}


def figure(name, value, high=None, system="mcadams", why="", **where):
    low = None if high is None else value - (high - value)
    return ProbeFigure(name, value, low, high, 100, system, where, why)


def document(*figures, probe="attributes", model="m", systems=ABOUT, notes=()):
    return ProbeDocument(probe, {"name": model}, {"clips": 100}, systems, figures, notes=notes)


@pytest.fixture
def card():
    attributes = document(
        figure("advantage", 0.9, 0.95, "raw", attribute="sex"),
        figure("advantage", 0.05, 0.09, attribute="sex"),
        figure("advantage", 0.02, 0.12, attribute="age"),
        figure("refusal_rate", 0.0, 0.01, attribute="sex"),
        notes=("accent: no labels <b>",),
    )
    utility = document(figure("utility_loss", 0.04, 0.08, task="words"), probe="utility")
    return make_card([attributes, utility], "mcadams")


class TestGate:
    def test_the_worst_figure_counts(self, card):
        result = gate(card, max_advantage=0.1)
        assert not result.passed
        assert "attributes, advantage (attribute age)" in result.checks[0].detail
        assert "0.120" in result.checks[0].detail
        assert gate(card, max_advantage=0.12).passed

    def test_by_the_value_instead_of_its_interval(self, card):
        assert gate(card, max_advantage=0.05, by="value").passed
        assert not gate(card, max_advantage=0.04, by="value").passed

    def test_who_refuses_half_and_is_right_the_other_half_does_not_pass(self):
        hidden = document(
            figure("advantage", 0.0, 0.01, attribute="sex"),
            figure("answered_advantage", 0.9, 0.95, attribute="sex"),
        )
        result = gate(make_card([hidden], "mcadams"), max_advantage=0.1)
        assert not result.passed
        assert "answered advantage" in result.checks[0].detail

    def test_every_limit_has_to_be_kept(self, card):
        result = gate(card, max_advantage=0.2, max_utility_loss=0.05)
        assert [check.passed for check in result.checks] == [True, False]
        assert not result.passed

    def test_the_raw_model_is_not_what_is_held_to_it(self, card):
        assert gate(card, max_advantage=0.2).passed

    def test_what_was_not_measured_has_failed(self, card):
        result = gate(card, max_membership_auc=0.9)
        assert not result.passed
        assert "not measured" in result.checks[0].detail

    def test_what_could_not_be_computed_has_failed(self, card):
        broken = document(
            figure("advantage", 0.0, 0.01, attribute="sex"),
            figure("advantage", None, why="every question failed", attribute="age"),
        )
        result = gate(make_card([broken], "mcadams"), max_advantage=1.0)
        assert not result.passed
        assert "every question failed" in result.checks[0].detail

    @pytest.mark.parametrize(("data", "passes"), [("clean", True), ("contaminated", False)])
    def test_a_membership_figure_on_contaminated_data_says_nothing(self, data, passes):
        low = figure("auc", 0.5, 0.52, score="combined", data=data)
        found = make_card([document(low, probe="membership")], "mcadams")
        assert gate(found, max_membership_auc=0.6).passed is passes

    def test_members_may_stand_out_on_raw_clips_no_more_than_on_others(self):
        low = figure("auc", 0.5, 0.52, score="combined", data="clean")
        high = figure("auc", 0.9, 0.95, "raw", score="combined", data="clean")
        found = make_card([document(low, high, probe="membership")], "mcadams")
        assert not gate(found, max_membership_auc=0.6).passed

    @pytest.mark.parametrize(
        ("limits", "match"),
        [
            ({}, "at least one limit"),
            ({"max_advantage": 1.1}, "max_advantage"),
            ({"max_utility_loss": -0.1}, "max_utility_loss"),
            ({"max_membership_auc": 0.4}, "max_membership_auc"),
            ({"max_advantage": 0.1, "by": "luck"}, "by="),
            ({"max_advantage": float("nan")}, "max_advantage"),
        ],
    )
    def test_limits_are_checked(self, card, limits, match):
        with pytest.raises(ConfigurationError, match=match):
            gate(card, **limits)


class TestCard:
    def test_it_comes_back(self, card, tmp_path):
        card.write(tmp_path / "card.json")
        assert PrivacyCard.read(tmp_path / "card.json") == card
        with pytest.raises(OutputError, match="exists"):
            card.write(tmp_path / "card.json")

    def test_it_holds_its_own_anonymizer_only(self):
        systems = {**ABOUT, "other": {"method": "world"}}
        found = make_card(
            [document(figure("a", 1.0), figure("a", 0.5, system="other"), systems=systems)],
            "mcadams",
        )
        assert {f.system for d in found.documents for f in d.figures} == {"mcadams"}
        assert set(found.documents[0].systems) == {"raw", "mcadams"}

    @pytest.mark.parametrize(
        ("documents", "system", "match"),
        [
            ([], "mcadams", "at least one"),
            ([document(), document(probe="utility", model="n")], "mcadams", "one model"),
            ([document(), document()], "mcadams", "two documents"),
            ([document()], "world", "no document is about 'world'; there are mcadams, raw"),
            (
                [
                    document(),
                    document(probe="utility", systems={"mcadams": {"method": "world"}}),
                ],
                "mcadams",
                "different anonymizer",
            ),
        ],
    )
    def test_what_does_not_belong_together(self, documents, system, match):
        with pytest.raises(ConfigurationError, match=match):
            make_card(documents, system)

    @pytest.mark.parametrize(
        "content", ["", "[]", "{}", '{"schema": "voxguard.card/1"}', '{"schema": "other"}']
    )
    def test_what_is_no_card(self, tmp_path, content):
        (tmp_path / "card.json").write_text(content)
        with pytest.raises(ConfigurationError, match=r"card\.json"):
            PrivacyCard.read(tmp_path / "card.json")

    def test_a_card_with_a_broken_probe(self, card, tmp_path):
        content = card.as_dict()
        del content["probes"][0]["figures"][0]["n"]
        (tmp_path / "card.json").write_text(json.dumps(content))
        with pytest.raises(ConfigurationError, match="no probe document"):
            PrivacyCard.read(tmp_path / "card.json")


class TestPage:
    def test_it_shows_the_figures_and_escapes(self, card):
        page = render_card(card, gate(card, max_advantage=0.1))
        assert "FAILED" in page
        assert "&lt;b&gt;" in page
        assert "<b>" not in page
        assert "<script" not in page
        for text in ("90.0", "5.0", "behind mcadams", "accent: no labels"):
            assert text in page

    def test_without_a_gate(self, card):
        assert "Gate" not in render_card(card)

    def test_of_the_raw_model(self):
        found = make_card([document(figure("advantage", 0.9, 0.95, "raw"))], "raw")
        assert "without an anonymizer" in render_card(replace(found))


class TestDocument:
    @pytest.mark.parametrize(
        "broken",
        [
            {"value": float("nan")},
            {"value": None},
            {"value": 0.5, "low": 0.4},
            {"value": 0.5, "low": 0.6, "high": 0.4},
        ],
    )
    def test_figures_that_are_none(self, broken):
        parts = {"low": None, "high": None, "n": 1, "system": "raw", **broken}
        with pytest.raises(ConfigurationError, match="a"):
            ProbeFigure("a", **parts)

    def test_one_figure_is_asked_for(self):
        found = document(figure("a", 1.0, x="1"), figure("a", 2.0, x="2"))
        assert found.figure("a", "mcadams", x="2").value == 2.0
        with pytest.raises(ConfigurationError, match="2 figures"):
            found.figure("a", "mcadams")
        with pytest.raises(ConfigurationError, match="0 figures"):
            found.figure("b")

    def test_what_is_no_json_is_not_written(self, tmp_path):
        broken = replace(document(), settings={"model": object()})
        with pytest.raises(ConfigurationError, match="no JSON"):
            broken.write(tmp_path / "a.json")
        assert not list(tmp_path.iterdir())
