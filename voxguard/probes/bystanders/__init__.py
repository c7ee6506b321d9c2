"""Bystanders: what a model tells of people who are not its user, and what a filter takes out."""

from voxguard.probes.bystanders.conversations import probe_conversations
from voxguard.probes.bystanders.items import UNKNOWN, Item, items_of, word_items
from voxguard.probes.bystanders.measure import kept, measure_filter
from voxguard.probes.bystanders.mixture import Mixture, mix
from voxguard.probes.bystanders.probe import probe_bystanders
from voxguard.probes.bystanders.scenes import Scene, enrolled_filters, scenes
from voxguard.probes.bystanders.scoring import selective_efficacy

__all__ = [
    "UNKNOWN",
    "Item",
    "Mixture",
    "Scene",
    "enrolled_filters",
    "items_of",
    "kept",
    "measure_filter",
    "mix",
    "probe_bystanders",
    "probe_conversations",
    "scenes",
    "selective_efficacy",
    "word_items",
]
