"""The privacy card of a model and an anonymizer, and the gate that a build can fail at."""

from voxguard.probes.card.card import PrivacyCard, make_card
from voxguard.probes.card.gate import Check, GateResult, gate
from voxguard.probes.card.html import render_card

__all__ = ["Check", "GateResult", "PrivacyCard", "gate", "make_card", "render_card"]
