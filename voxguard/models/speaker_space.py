"""Spaces in which voices are compared: the d-vector's, and those of SpeechBrain's encoders."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, MissingExtraError, UnsupportedAudioError
from voxguard.models.dvector import DVectorModel, unit
from voxguard.models.hub import load_speechbrain
from voxguard.models.optional import optional
from voxguard.models.pool import DVECTOR
from voxguard.models.short import repeated

SPEECHBRAIN = {
    "ecapa": "speechbrain/spkrec-ecapa-voxceleb",
    "xvector": "speechbrain/spkrec-xvect-voxceleb",
}


_INAUDIBLE = 1e-8


class SpeakerSpace:
    """A speaker encoder by name.

    Args:
        encoder: ``"dvector"``, ``"ecapa"``, ``"xvector"``, or another encoder of SpeechBrain: its
            name on the Hugging Face hub, or a folder.
        device: Where it runs, in torch's words.

    Raises:
        MissingExtraError: A package that it runs on is not installed.
        ConfigurationError: The encoder cannot be loaded.

    Example:
        >>> import voxguard
        >>> from voxguard.models.speaker_space import SpeakerSpace
        >>> SpeakerSpace().embed(voxguard.synthetic_voice(seconds=1.0)).shape
        (256,)
    """

    def __init__(self, encoder: str = DVECTOR, *, device: str = "cpu") -> None:
        self.name = short_name(encoder)
        self._encode: Any
        if encoder == DVECTOR:
            self._encode = _dvector(device)
        else:
            self._encode = _speechbrain(SPEECHBRAIN.get(encoder, encoder), device)

    def embed(self, samples: Samples) -> npt.NDArray[np.float64]:
        """Vector of an utterance.

        Args:
            samples: ``(n,)`` at 16 kHz; repeated where shorter than half a second.

        Returns:
            ``(d,)`` of unit length.

        Raises:
            UnsupportedAudioError: It is silent.
        """
        if is_silent(samples):
            raise UnsupportedAudioError("silence: there is no voice to recognise")
        vector = unit(self._encode(repeated(samples)))
        if not np.isfinite(vector).all():
            raise ConfigurationError(f"the encoder {self.name} gives no finite vector")
        return vector


def is_silent(samples: Samples) -> bool:
    """Whether nothing is above -160 dBFS, which no recording of 24 bits can hold.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.speaker_space import is_silent
        >>> is_silent(np.full(9, 1e-30, np.float32)), is_silent(np.full(9, 1e-6, np.float32))
        (True, False)
    """
    return bool(np.abs(samples).max(initial=0.0) < _INAUDIBLE)


def short_name(encoder: str) -> str:
    """What a pool file calls an encoder: its name, without the folders of this machine.

    Example:
        >>> from voxguard.models.speaker_space import short_name
        >>> short_name("ecapa"), short_name("/home/anna/encoder"), short_name("speechbrain/ecapa-x")
        ('ecapa', 'encoder', 'speechbrain/ecapa-x')
    """
    if not isinstance(encoder, str) or not encoder:
        raise ConfigurationError(
            f"encoder takes dvector, {', '.join(SPEECHBRAIN)}, a name on the Hugging Face hub or a "
            f"folder; got {encoder!r}"
        )
    return Path(encoder).name if Path(encoder).is_absolute() else encoder


def _dvector(device: str) -> Any:
    optional("torch", "neural", "the d-vector")
    if find_spec("resemblyzer") is None:
        raise MissingExtraError("resemblyzer", "neural", "the d-vector")
    model = DVectorModel(device=device)
    return lambda samples: model.embed(samples, trim=True)


def _speechbrain(source: str, device: str) -> Any:
    torch = optional("torch", "neural", "a speaker encoder")
    model = load_speechbrain(source, device=device)

    def encode(samples: Samples) -> npt.NDArray[np.float64]:
        with torch.inference_mode():
            vectors = model.encode_batch(torch.from_numpy(np.array(samples))[None])
        return np.asarray(vectors.double().cpu().numpy()).reshape(-1)

    return encode
