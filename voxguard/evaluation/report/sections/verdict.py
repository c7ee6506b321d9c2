"""The headline, what it means, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass

from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.content import (
    Cell,
    Chart,
    Column,
    Points,
    Row,
    Section,
    Text,
    table,
)
from voxguard.evaluation.report.figures import ABSENT, Shown, show
from voxguard.evaluation.report.sections.common import SERIES, is_original, leader, original, terms
from voxguard.evaluation.report.terms import ATTACKERS
from voxguard.evaluation.results import Figure, Results


@dataclass(frozen=True)
class Fact:
    """A figure beside the headline: what it is, of whom, and the figure."""

    title: str
    of: str
    shown: Shown


@dataclass(frozen=True)
class Verdict:
    """What stands at the top of a report.

    Attributes:
        eer: The lowest EER.
        attacker: Who reached it.
        trusted: Whether the panel stood its checks.
        reasons: Why not.
        sentence: The headline in words.
        warning: What an untrusted figure is not.
        chart: Original and anonymized speech on one axis.
        facts: The other figures that one asks for first.
    """

    eer: Shown
    attacker: str
    trusted: bool
    reasons: tuple[str, ...]
    sentence: str
    warning: str
    chart: Chart | None
    facts: tuple[Fact, ...]


def verdict(results: Results) -> Verdict:
    """What stands at the top of a report."""
    headline, before = results.headline, original(results)
    items = [Item("original speech", before, SERIES["unprotected"])]
    if not is_original(results):
        items.append(Item("anonymized speech", headline.eer, SERIES["semi-informed"], strong=True))
    return Verdict(
        eer=show(headline.eer, "%"),
        attacker=headline.attacker,
        trusted=headline.trusted,
        reasons=headline.reasons,
        sentence=_sentence(results, before),
        warning="" if headline.trusted or headline.eer.value is None else _WARNING,
        chart=rows(
            "verdict",
            "EER of the strongest attacker: further right is more private.",
            [("", items)],
            unit="%",
            axis="EER, %: higher is more private",
            chance=[(0.5, "50 %: guessing")],
            least=0.55,
        ),
        facts=tuple(_facts(results)),
    )


_WARNING = (
    "The panel did not pass its own checks. This EER must not be quoted as privacy: a sound "
    "attacker may reach a lower one."
)


def _sentence(results: Results, before: Figure) -> str:
    tried = [one for one in results.attackers if one.knowledge != "unprotected"]
    eer = results.headline.eer
    if eer.value is None:
        return f"No attacker has a figure: {eer.why}."
    if is_original(results):
        return (
            f"This is original speech, the reference: the strongest of {len(results.attackers)} "
            f"attackers tells speakers apart at {show(eer, '%').value} EER."
        )
    plural = f"The strongest of {len(tried)} attackers" if len(tried) > 1 else "The one attacker"
    said = f"{plural} tells speakers of anonymized recordings apart at {show(eer, '%').value} EER"
    if before.value is None:
        return f"{said}. Original speech was not attacked, so there is nothing to compare it with."
    return f"{said}. On original speech the strongest reaches {show(before, '%').value}."


def _facts(results: Results) -> list[Fact]:
    known, facts = terms(results), []
    for row in results.section("utility"):
        if row["measure"] in ("wer", "uar"):
            unit = known[row["measure"]].unit
            for key in ("original",) if is_original(results) else ("original", "anonymized"):
                figure = Figure.of(row.get(key))
                facts.append(Fact(known[row["measure"]].title, key + " speech", show(figure, unit)))
    best = leader(results)
    if best is not None:
        name = "identification_rate"
        facts.append(Fact(known[name].title, "by the same attacker",
                          show(best.metric(name), known[name].unit)))  # fmt: skip
    advantages = [
        row for row in results.section("attributes")
        if row["knowledge"] != "unprotected" and Figure.of(row.get("advantage")).value is not None
    ]  # fmt: skip
    if advantages:
        most = max(advantages, key=lambda row: float(row["advantage"]["value"]))
        facts.append(Fact(f"{most['attribute'].capitalize()} inferred", "advantage over a blind "
                          "guess", show(Figure.of(most["advantage"]), "%")))  # fmt: skip
    rtf = results.section("cost").get("rtf")
    if rtf:
        facts.append(Fact("Real-time factor", "compute time over audio time", show(Figure.of(rtf))))
    return facts


def reading(results: Results) -> Section:
    """How to read the report."""
    return Section(
        "reading",
        "How to read this",
        "An attacker holds recordings of known people (enrolment) and one of somebody "
        "unknown (a trial), and scores how alike the voices are. The question is how often it is "
        "right.",
        (
            Points(
                (
                    (
                        "EER, equal error rate",
                        "The share of errors at the threshold where both kinds of error are "
                        "equally frequent. Higher is more private: near 0 % the attacker is "
                        "practically always right, at 50 % it guesses.",
                    ),
                    (
                        "The headline",
                        "The lowest EER over all attackers that were tried. A method is as "
                        "private as its strongest attacker finds it; an attacker that was not "
                        "tried can be stronger still.",
                    ),
                    (
                        "Intervals",
                        "Brackets and whiskers are 95 % intervals; n is what a figure was "
                        "computed from. Methods whose intervals overlap widely are not told "
                        "apart by this data.",
                    ),
                    (
                        "Trusted or not",
                        "A weak attacker makes any method look private. The panel is therefore "
                        "examined itself, and a headline that fails is marked UNTRUSTED.",
                    ),
                    *((name.capitalize(), text) for name, text in ATTACKERS.items()),
                )
            ),
            Text(
                "What is said, and how it is said, can identify a person too. A high EER does not "
                "mean that a recording is anonymous in the sense of the law."
            ),
        ),
    )


_OUTCOMES = {
    True: Cell("✓ passed", kind="good"),
    False: Cell("✗ failed", kind="bad"),
    None: Cell("? not checked", kind="unknown"),
}


def checks(results: Results) -> Section:
    """The checks of the verdict one by one."""
    found = [
        Row((Cell(one["check"]), _OUTCOMES[one["passed"]], Cell(one.get("detail") or ABSENT)))
        for one in results.headline.checks
    ]
    return Section(
        "checks",
        "Can the number be trusted?",
        "What was examined about the attackers before their figures were believed. What could "
        "not be checked does not count as passed.",
        table(
            "Checks of the verdict",
            (Column("Check"), Column("Outcome"), Column("What was found")),
            found,
        ),
        missing="No check was made.",
    )
