"""Adversarial audio: perturbations that steer a model, and what an anonymizer leaves of them.

That audio LLMs obey perturbations which nobody hears was shown by WhisperInject, among others; the
attack here is the plain one of Madry et al. (ICLR 2018), adapted to what stands in front.
"""

from voxguard.probes.adversarial.clip import AdversarialClip
from voxguard.probes.adversarial.features import LogMel
from voxguard.probes.adversarial.pgd import attack
from voxguard.probes.adversarial.probe import probe_adversarial

__all__ = ["AdversarialClip", "LogMel", "attack", "probe_adversarial"]
