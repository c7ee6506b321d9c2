"""Spoken secrets: whether a model tells what it was confided, and whether it declines politely."""

from voxguard.probes.secrets.digits import spoken_digits
from voxguard.probes.secrets.manners import declines
from voxguard.probes.secrets.probe import probe_secrets
from voxguard.probes.secrets.truth import Told, told

__all__ = ["Told", "declines", "probe_secrets", "spoken_digits", "told"]
