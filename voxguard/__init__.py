"""voxguard: voice anonymization, and how much it leaves.

    >>> import voxguard
    >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
    >>> anonymous = voxguard.McAdams()(voice, 16_000)
    >>> anonymous.shape == voice.shape
    True

The public names are loaded when they are first used, so ``import voxguard`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer, PseudoVoice, create, methods
    from voxguard.anonymizers.compose import Compose
    from voxguard.anonymizers.knn_vc import KnnVC
    from voxguard.anonymizers.mcadams import McAdams
    from voxguard.anonymizers.speecht5 import SpeechT5
    from voxguard.anonymizers.voice_conversion import VoiceConversion
    from voxguard.anonymizers.world import World
    from voxguard.anonymizers.xvector_swap import XVectorSwap
    from voxguard.dsp.voice import synthetic_voice
    from voxguard.errors import PrivacyWarning, VoxguardError
    from voxguard.evaluation.evaluator import evaluate
    from voxguard.files import anonymize_bytes, anonymize_file, anonymize_folder
    from voxguard.pseudonym import generate_key, read_key

_HOME = {
    "Anonymizer": "anonymizers.base",
    "Compose": "anonymizers.compose",
    "KnnVC": "anonymizers.knn_vc",
    "McAdams": "anonymizers.mcadams",
    "PrivacyWarning": "errors",
    "PseudoVoice": "anonymizers.base",
    "SpeechT5": "anonymizers.speecht5",
    "VoiceConversion": "anonymizers.voice_conversion",
    "VoxguardError": "errors",
    "World": "anonymizers.world",
    "XVectorSwap": "anonymizers.xvector_swap",
    "anonymize_bytes": "files",
    "anonymize_file": "files",
    "anonymize_folder": "files",
    "create": "anonymizers.base",
    "evaluate": "evaluation.evaluator",
    "generate_key": "pseudonym",
    "methods": "anonymizers.base",
    "read_key": "pseudonym",
    "synthetic_voice": "dsp.voice",
}

__all__ = [
    "Anonymizer",
    "Compose",
    "KnnVC",
    "McAdams",
    "PrivacyWarning",
    "PseudoVoice",
    "SpeechT5",
    "VoiceConversion",
    "VoxguardError",
    "World",
    "XVectorSwap",
    "anonymize_bytes",
    "anonymize_file",
    "anonymize_folder",
    "create",
    "evaluate",
    "generate_key",
    "methods",
    "read_key",
    "synthetic_voice",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'voxguard' has no attribute {name!r}")
    value = getattr(import_module(f"voxguard.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
