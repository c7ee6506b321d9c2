"""What an audio LLM can tell of the speaker: sex, age, accent and whatever else is labelled."""

from voxguard.probes.attributes.judge import Judge
from voxguard.probes.attributes.probe import CONDITIONS, probe_attributes
from voxguard.probes.attributes.prompts import FORMS, PROMPTS
from voxguard.probes.attributes.taxonomy import ATTRIBUTES, Attribute, own_attribute

__all__ = [
    "ATTRIBUTES",
    "CONDITIONS",
    "FORMS",
    "PROMPTS",
    "Attribute",
    "Judge",
    "own_attribute",
    "probe_attributes",
]
