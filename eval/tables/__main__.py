"""Puts the committed results into the pages; with ``--check`` only says whether they are there.

python -m eval.tables
"""

from __future__ import annotations

from eval.tables import probes, robust, systems
from eval.tables.cells import RESULTS
from recipes.common import keep, publish

ROOT = RESULTS.parents[1]
DOCS = ROOT / "docs"

if __name__ == "__main__":
    models = {"audio-llm": probes.audio_llm(), "understood": probes.understood()}
    publish(ROOT / "README.md", {"evaluation": systems.leakage(), **models})
    keep(systems.trade_off(), DOCS / "_static" / "trade-off.svg")
    publish(
        ROOT / "eval" / "README.md",
        {"robust": robust.robust(), "level": systems.level(), "joined": systems.joined()},
    )
    explanation = DOCS / "explanation"
    publish(explanation / "choosing-a-method.md", {"methods": systems.costs()})
    publish(explanation / "gdpr-vocabulary.md", {"vocabulary": systems.vocabulary()})
    publish(explanation / "numbers.md", {"lengths": systems.more_speech()})
    publish(
        DOCS / "leak-probes.md",
        {
            "bystanders": probes.bystanders(),
            **models,
            "overheard": probes.overheard(),
            "asked": probes.asked(),
            "shifted": probes.shifted(),
            "served": probes.served(),
            "adversarial": probes.adversarial(),
            "membership": probes.membership(),
        },
    )
