"""The scores that lie behind an EER."""

from __future__ import annotations

from voxguard.evaluation.report.charts.histogram import histogram
from voxguard.evaluation.report.content import Section, charts
from voxguard.evaluation.report.sections.common import leader, reference_of
from voxguard.evaluation.results import Results


def scores(results: Results) -> Section:
    """Score histograms of the attacker of the headline, and of its models on original speech."""
    best = leader(results)
    reference = reference_of(results, best)
    pair = [one for one in ([best] if best is reference else [reference, best]) if one]
    return Section(
        "scores",
        "Scores",
        "How alike the attacker finds two recordings of one person, and of two. The less the two "
        "overlap, the surer it is.",
        charts(
            *(
                histogram(f"histogram-{index}", f"Scores of {one.name}.", one.content["histogram"])
                for index, one in enumerate(pair)
                if one.content.get("histogram")
            )
        ),
    )
