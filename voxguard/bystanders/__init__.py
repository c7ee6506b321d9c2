"""People who never agreed to be recorded: the enrolled voice is kept, all others are muted."""

from voxguard.bystanders.filter import EnrolledSpeakerFilter
from voxguard.bystanders.gate import gated, ramps

__all__ = ["EnrolledSpeakerFilter", "gated", "ramps"]
