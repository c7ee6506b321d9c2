"""Anonymization by SpeechT5 voice conversion, in the voice of an averaged speaker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Unpack

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp.loudness import FAINTEST, match_level, speech_level
from voxguard.dsp.spans import joint, speech_spans
from voxguard.dsp.wsola import stretch
from voxguard.errors import ConfigurationError
from voxguard.models.speecht5 import RATE, load_speecht5
from voxguard.models.xvectors import LEAST_MIXED, Vectors, load_pool
from voxguard.pseudonym import Randomness

LONGEST, FADE = 8 * RATE, RATE // 50  # samples
LEVEL = 0.1  # of loud frames, -20 dBFS: as in audiobooks
SLOWEST = 2.0


@dataclass(frozen=True, repr=False)
class SpeechT5Voice(PseudoVoice):
    """The x-vector of the pseudo-speaker, and what the network's own dropout starts from."""

    vector: Vectors
    seed: int


class SpeechT5(Anonymizer):
    """Lets a sequence-to-sequence network speak what was said, in the voice of an averaged speaker.

    The recording is cut at its pauses into stretches of at most 8 s. SpeechT5 speaks each of them
    anew, with the x-vector of a pseudo-speaker: the mean of several speakers of a pool, never one.

    **Timing changes.** The network decides how long it speaks. What it says is brought to the
    length of the stretch without changing its pitch (WSOLA; it is slowed down to half at most, then
    followed by silence), so that stretches start and end where they did; within one, words may lie
    elsewhere. Between them there is digital silence: what is heard in the pauses is gone. The
    network was trained on read English and, as such networks do, leaves out, repeats or garbles
    words, all the more with noise or another language. Channels of one scene drift apart. It is
    slow: there is one step of the network for each 32 ms.

    Nothing is downloaded or read before the first use; then the models are loaded once a process.

    Args:
        xvectors: The pool: ``.npy`` of ``(n, 512)``, one speaker a row, or ``.safetensors`` with
            ``vectors`` and, if there are several of one speaker, ``speakers``. The published
            checkpoint goes with those of ``speechbrain/spkrec-xvect-voxceleb``.
        checkpoint: SpeechT5 for voice conversion: a name on the Hugging Face hub or a folder.
        vocoder: Its HiFi-GAN, likewise.
        mix: Speakers in a pseudo-speaker, at least 3, and at most half of those in the pool.
        revision: Branch, tag or commit of the checkpoint on the hub.
        vocoder_revision: The same for the vocoder.
        device: ``"auto"`` (the first CUDA device, else the CPU), or a device in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value outside of its range, or a pool that is not there. On first use:
            too small a pool, a checkpoint that is not found, not to be reached, or does not go with
            the others.
        MissingExtraError: On first use: a package of the extra ``hub`` is not installed.

    References:
        J. Ao et al., "SpeechT5: unified-modal encoder-decoder pre-training for spoken language
        processing", ACL 2022.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from voxguard.anonymizers.speecht5 import SpeechT5
        >>> np.save("pool.npy", np.random.default_rng(0).standard_normal((20, 512)))
        >>> SpeechT5(xvectors=Path("pool.npy")).checkpoint
        'microsoft/speecht5_vc'
    """

    name: ClassVar[str] = "speecht5"
    native_sample_rate: ClassVar[int | None] = RATE

    def __init__(
        self,
        *,
        xvectors: str | Path,
        checkpoint: str | Path = "microsoft/speecht5_vc",
        vocoder: str | Path = "microsoft/speecht5_hifigan",
        mix: int = 5,
        revision: str | None = None,
        vocoder_revision: str | None = None,
        device: str = "auto",
        local_files_only: bool = False,
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        self.xvectors = xvectors
        self.checkpoint = checkpoint
        self.vocoder = vocoder
        self.mix = mix
        self.revision = revision
        self.vocoder_revision = vocoder_revision
        self.device = device
        self.local_files_only = local_files_only
        if isinstance(mix, bool) or not isinstance(mix, int) or mix < LEAST_MIXED:
            raise ConfigurationError(f"mix takes a whole number from {LEAST_MIXED}; got {mix!r}")
        if not (str(vocoder) and str(checkpoint)):
            raise ConfigurationError("checkpoint and vocoder take a path or a name on the hub")
        if not Path(xvectors).is_file():
            raise ConfigurationError(
                f"xvectors= takes a .npy or .safetensors file; there is no {str(xvectors)!r}"
            )

    def draw(self, rng: np.random.Generator) -> SpeechT5Voice:
        """Draw a pseudo-speaker."""
        vector = load_pool(str(self.xvectors)).mixture(rng, self.mix)
        return SpeechT5Voice(vector, int(rng.integers(2**63)))

    def render(self, samples: Samples, sample_rate: int, voice: SpeechT5Voice) -> Samples:
        """Convert ``(channels, n)`` samples at 16 kHz, each channel by itself."""
        return np.stack([self._convert(channel, voice) for channel in samples])

    def _convert(self, samples: Samples, voice: SpeechT5Voice) -> Samples:
        out = np.zeros_like(samples)
        level = speech_level(samples, RATE)
        if level < FAINTEST:
            return out
        gain = np.float32(LEVEL / level)
        spans = speech_spans(samples, RATE, LONGEST)
        joints = [joint(span, samples.size, FADE) for span in spans]
        originals = [samples[window.start : window.stop] for window, _ in joints]
        network = load_speecht5(
            str(self.checkpoint),
            str(self.vocoder),
            self.revision,
            self.vocoder_revision,
            self.device,
            self.local_files_only,
        )
        spoken = network.convert([part * gain for part in originals], voice.vector, voice.seed)
        for (window, weights), original, speech in zip(joints, originals, spoken, strict=True):
            fitted = _fitted(speech, original.size)
            out[window.start : window.stop] += weights * match_level(original, fitted, RATE)
        return out


def _fitted(speech: Samples, length: int) -> Samples:
    slowed = stretch(speech, min(length, int(SLOWEST * speech.size)), RATE)
    return np.pad(slowed, (0, length - slowed.size))
