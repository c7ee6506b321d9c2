"""Membership inference against audio LLMs, behind a blind baseline.

:func:`probe_membership` runs all of it. The parts: :func:`blind_baseline`, which asks no model;
:func:`two_stage`, the attack on one clip; :mod:`~voxguard.probes.membership.disentangle`, what the
audio is replaced by.
"""

from voxguard.probes.membership.blind import Blind, blind_baseline
from voxguard.probes.membership.clips import Clips, clips_of
from voxguard.probes.membership.disentangle import Noise, Resynthesis
from voxguard.probes.membership.probe import CONDITIONS, probe_membership
from voxguard.probes.membership.record import ScoreRecord
from voxguard.probes.membership.two_stage import Sureness, two_stage

__all__ = [
    "CONDITIONS",
    "Blind",
    "Clips",
    "Noise",
    "Resynthesis",
    "ScoreRecord",
    "Sureness",
    "blind_baseline",
    "clips_of",
    "probe_membership",
    "two_stage",
]
