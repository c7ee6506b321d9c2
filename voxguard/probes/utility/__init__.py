"""What an audio LLM still understands behind an anonymizer."""

from voxguard.probes.utility.probe import probe_utility

__all__ = ["probe_utility"]
