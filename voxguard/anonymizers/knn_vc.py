"""Anonymization by nearest neighbours among the features of several other speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp.blocks import render_in_blocks
from voxguard.dsp.loudness import FAINTEST, follow_level, speech_level
from voxguard.errors import ConfigurationError
from voxguard.models.hifigan import HifiGan
from voxguard.models.hub import load_once, pick_device
from voxguard.models.matching import LEAST_SPEAKERS, LEVEL, RATE, MatchingSet
from voxguard.models.optional import optional
from voxguard.models.wavlm import load_wavlm
from voxguard.pseudonym import Randomness

if TYPE_CHECKING:
    from voxguard.models.wavlm import WavLM

Voices = str | Path | Sequence[str | Path]


@dataclass(frozen=True, repr=False)
class KnnVoice(PseudoVoice):
    """Which reference speakers are mixed, by index, and in which proportion."""

    weights: dict[int, float]


class KnnVC(Anonymizer):
    """Replaces each moment of speech by the mean of the most similar moments of several speakers.

    This is kNN-VC (WavLM features, nearest neighbours by cosine, HiFi-GAN) with one difference: its
    target is one person, whom its output impersonates. Here several reference speakers are drawn,
    the neighbours are taken from each of them, and their means are averaged with drawn weights, of
    which none is above a half. Who the source sounds like does not decide whom it sounds like then.
    Timing, loudness, and in part pitch contour and accent stay.

    Nothing is downloaded or read before the first use; then the models and the reference recordings
    are read once a process.

    Args:
        vocoder: HiFi-GAN for the features: kNN-VC's ``prematch_g_02500000.pt`` (from
            github.com/bshall/knn-vc), a ``.safetensors``, a folder, or a name on the Hugging Face
            hub; see :meth:`~voxguard.models.hifigan.HifiGan.from_pretrained`.
        voices: Recordings of the reference speakers: a folder that holds a folder a speaker, or a
            list of folders; or a matching set that was saved (``.safetensors``). At least three
            speakers, with some minutes of clean speech each, and none of those to be anonymized.
        checkpoint: WavLM: a name on the hub or a folder.
        layer: Which layer's hidden states; the vocoder belongs to it.
        k: Neighbours a speaker, 1 to 64.
        mix: Reference speakers in a pseudo-voice, at least 3.
        reference_s: Seconds of speech taken of each reference speaker at most.
        revision: Branch, tag or commit of the checkpoint on the hub.
        vocoder_revision: The same for the vocoder.
        device: ``"auto"`` (the first CUDA device, else the CPU), or a device in torch's words.
        local_files_only: Never ask the network; what has been fetched before is found.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value outside of its range, or voices that are not there. On first
            use: fewer speakers than are mixed, a checkpoint or vocoder that is not found, not to be
            reached, or does not go with the others.
        MissingExtraError: On first use: a package of the extra ``hub`` is not installed.

    References:
        M. Baas et al., "Voice conversion with just nearest neighbors", Interspeech 2023.

    Example:
        >>> from voxguard.anonymizers.knn_vc import KnnVC
        >>> KnnVC(vocoder="prematch_g_02500000.pt", voices=["."]).layer
        6
    """

    name: ClassVar[str] = "knn_vc"
    native_sample_rate: ClassVar[int | None] = RATE

    def __init__(
        self,
        *,
        vocoder: str | Path,
        voices: Voices,
        checkpoint: str | Path = "microsoft/wavlm-large",
        layer: int = 6,
        k: int = 4,
        mix: int = 4,
        reference_s: float = 120.0,
        revision: str | None = None,
        vocoder_revision: str | None = None,
        device: str = "auto",
        local_files_only: bool = False,
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        self.vocoder = vocoder
        self.voices = voices
        self.checkpoint = checkpoint
        self.layer = _whole("layer", layer, 1, 96)
        self.k = _whole("k", k, 1, 64)
        self.mix = _whole("mix", mix, LEAST_SPEAKERS, 1000)
        self.reference_s = reference_s
        self.revision = revision
        self.vocoder_revision = vocoder_revision
        self.device = device
        self.local_files_only = local_files_only
        if isinstance(reference_s, bool) or not reference_s >= 1.0:
            raise ConfigurationError(f"reference_s takes at least 1 second, got {reference_s!r}")
        if not (str(vocoder) and str(checkpoint)):
            raise ConfigurationError("vocoder and checkpoint take a path or a name on the hub")
        for path in self._voices:
            if not path or not Path(path).exists():
                raise ConfigurationError(
                    f"voices= takes folders of recordings or a matching set; there is no {path!r}"
                )

    def draw(self, rng: np.random.Generator) -> KnnVoice:
        """Draw the speakers and their weights."""
        available = len(self.matching_set().speakers)
        if available < self.mix:
            raise ConfigurationError(
                f"mix={self.mix} takes recordings of as many speakers, and voices= holds "
                f"{available}; add speakers, or mix fewer (at least {LEAST_SPEAKERS})"
            )
        chosen = rng.choice(available, self.mix, replace=False)
        shares = rng.uniform(0.5, 1.0, self.mix)  # of three, none then has more than a half
        return KnnVoice(
            {int(i): float(w) for i, w in zip(chosen, shares / shares.sum(), strict=True)}
        )

    def render(self, samples: Samples, sample_rate: int, voice: KnnVoice) -> Samples:
        """Convert ``(channels, n)`` samples at 16 kHz, each channel by itself."""
        return np.stack([self._convert(channel, voice) for channel in samples])

    def matching_set(self) -> MatchingSet:
        """The features of the reference speakers; ``save`` them to start faster.

        Raises:
            ConfigurationError: As on first use.
        """
        voices = self._voices
        if len(voices) == 1 and Path(voices[0]).is_file():
            found = _load_set(voices[0])
        else:
            found = _compute_set(voices, float(self.reference_s), *self._wavlm_key)
        if found.layer != self.layer:
            raise ConfigurationError(
                f"the matching set is of layer {found.layer}, layer= is {self.layer}"
            )
        return found

    @property
    def _voices(self) -> tuple[str, ...]:
        single = isinstance(self.voices, str | Path)
        return tuple(map(str, [self.voices] if single else self.voices))  # type: ignore[arg-type]

    @property
    def _wavlm_key(self) -> tuple[str, int, str | None, str, bool]:
        where = (self.revision, self.device, self.local_files_only)
        return (str(self.checkpoint), self.layer, *where)

    def _models(self) -> tuple[WavLM, HifiGan]:
        wavlm = load_wavlm(*self._wavlm_key)
        vocoder = _load_vocoder(
            str(self.vocoder), self.vocoder_revision, self.device, self.local_files_only
        )
        config = vocoder.config
        made = (config.hubert_dim, vocoder.samples_per_frame, config.sampling_rate)
        if made != (wavlm.dimensions, wavlm.samples_per_frame, RATE):
            raise ConfigurationError(
                f"the vocoder makes {made[1]} samples at {made[2]} Hz of {made[0]} dimensions; the "
                f"checkpoint gives {wavlm.dimensions} dimensions for {wavlm.samples_per_frame} "
                f"samples at {RATE} Hz"
            )
        return wavlm, vocoder

    def _convert(self, samples: Samples, voice: KnnVoice) -> Samples:
        """One channel, in blocks that memory has room for."""
        level = speech_level(samples, RATE)
        if level < FAINTEST:
            return np.zeros_like(samples)
        torch = optional("torch", "hub", "kNN-VC")
        wavlm, vocoder = self._models()
        matching = self.matching_set()
        gain = np.float32(LEVEL / level)

        def render(block: Samples) -> Samples:
            with torch.inference_mode():
                features = wavlm.features(block[None] * gain)
                speech = vocoder(matching.match(features, voice.weights, self.k))
            return follow_level(block, speech[0, : block.size].cpu().numpy(), RATE)

        return render_in_blocks(samples, RATE, render)


@load_once
def _load_vocoder(
    source: str, revision: str | None, device: str, local_files_only: bool
) -> HifiGan:
    return HifiGan.from_pretrained(
        source, revision=revision, device=pick_device(device), local_files_only=local_files_only
    )


@load_once
def _load_set(path: str) -> MatchingSet:
    return MatchingSet.load(path)


@load_once
def _compute_set(
    folders: tuple[str, ...],
    reference_s: float,
    checkpoint: str,
    layer: int,
    revision: str | None,
    device: str,
    local_files_only: bool,
) -> MatchingSet:
    wavlm = load_wavlm(checkpoint, layer, revision, device, local_files_only)
    return MatchingSet.from_recordings(folders, wavlm, layer, reference_s=reference_s)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{name} takes a whole number, {low} to {high}; got {value!r}")
    return value
