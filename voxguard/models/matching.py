"""The matching set of kNN-VC: features of several speakers, whom no rendering takes one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.audio import read, resample
from voxguard.dsp.loudness import speech_level
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.models.silence import trim_long_silences
from voxguard.models.wavlm import WavLM

if TYPE_CHECKING:
    import torch

Features = npt.NDArray[np.float32]

LEAST_SPEAKERS = 3
SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"})
RATE = 16_000
LEVEL = 0.1  # of loud frames, -20 dBFS: as in the audiobooks that kNN-VC's vocoder learnt from

_CHUNK_S = 12


class MatchingSet:
    """Features of several speakers.

    Args:
        speakers: For each speaker ``(frames, dimensions)`` float32.
        layer: The layer of WavLM that they are from.

    Raises:
        ConfigurationError: Fewer than three speakers, or features that do not go together.

    References:
        M. Baas et al., "Voice conversion with just nearest neighbors", Interspeech 2023.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.matching import MatchingSet
        >>> MatchingSet([np.ones((5, 4), np.float32)] * 3, layer=6).dimensions
        4
    """

    def __init__(self, speakers: Sequence[Features], layer: int) -> None:
        if len(speakers) < LEAST_SPEAKERS:
            raise ConfigurationError(
                f"the target recordings are of {len(speakers)} speaker(s): the output would speak "
                "with the voice of a real person, who can be harmed by that. Give recordings of at "
                f"least {LEAST_SPEAKERS} speakers, each in a folder of their own"
            )
        if len({each.shape[1:] for each in speakers}) != 1 or speakers[0].ndim != 2:
            raise ConfigurationError("the features of the speakers are not of one size")
        self.speakers = list(speakers)
        self.layer = layer
        self.dimensions: int = speakers[0].shape[1]

    @classmethod
    def from_recordings(
        cls, folders: Iterable[Path | str], wavlm: WavLM, layer: int, *, reference_s: float
    ) -> MatchingSet:
        """Compute from recordings.

        Args:
            folders: Each holds the audio files of one speaker, or folders of which each does.
            wavlm: Gives the features.
            layer: Which layer that is.
            reference_s: How much of each speaker is taken at most, in seconds, in the order of the
                file names.

        Raises:
            ConfigurationError: Recordings of fewer than three speakers.
            AudioError: A file cannot be read.
        """
        found = speaker_folders(folders)
        return cls([_features(files, wavlm, reference_s) for files in found], layer)

    @classmethod
    def load(cls, path: Path | str) -> MatchingSet:
        """Read what :meth:`save` wrote.

        Raises:
            ConfigurationError: Not such a file, or of fewer than three speakers.
        """
        safetensors = optional("safetensors", "hub", "a matching set")
        try:
            with safetensors.safe_open(str(path), framework="np") as file:
                layer = int(file.metadata()["layer"])
                features = np.asarray(file.get_tensor("features"), np.float32)
                frames = np.asarray(file.get_tensor("frames"), np.int64)
        except Exception as error:  # safetensors, the system and a missing name have no common base
            raise ConfigurationError(
                f"{path} is no matching set ({type(error).__name__}); it takes what "
                "KnnVC.matching_set().save(path) writes"
            ) from error
        if features.ndim != 2 or frames.sum() != len(features) or (frames < 1).any():
            raise ConfigurationError(f"{path} is no matching set: its frames do not add up")
        return cls(np.split(features, np.cumsum(frames)[:-1]), layer)

    def save(self, path: Path | str) -> None:
        """Write as safetensors in half precision, without a name of anyone.

        The features can be turned into speech in the voices of the speakers: keep the file as you
        keep the recordings.
        """
        arrays = {
            "features": np.concatenate(self.speakers).astype(np.float16),
            "frames": np.array([len(each) for each in self.speakers]),
        }
        writer = optional("safetensors.numpy", "hub", "a matching set")
        writer.save_file(arrays, str(path), metadata={"layer": str(self.layer)})

    def match(self, queries: torch.Tensor, weights: dict[int, float], k: int) -> torch.Tensor:
        """Replace features by those of a mixture of speakers.

        For each speaker of the mixture the k nearest of his features (by cosine) are averaged; then
        the speakers are averaged. A frame thus never is one speaker's, and which speaker the source
        is most like decides nothing.

        Args:
            queries: ``(..., dimensions)`` float32.
            weights: Of the speakers, by index; they add up to 1.
            k: Neighbours.

        Returns:
            ``(..., dimensions)`` float32.

        Raises:
            ConfigurationError: A speaker has fewer than k features, or others than the queries.
        """
        torch: Any = optional("torch", "hub", "kNN-VC")
        if queries.shape[-1] != self.dimensions:
            raise ConfigurationError(
                f"the matching set has {self.dimensions} dimensions, the checkpoint's features "
                f"have {queries.shape[-1]}; make the set with this checkpoint"
            )
        mixed: Any = torch.zeros_like(queries)
        for index, weight in weights.items():
            if len(self.speakers[index]) < k:
                raise ConfigurationError(
                    f"k= takes at most {len(self.speakers[index])}, for so many frames are there "
                    f"of the speaker of whom there is least; got {k}"
                )
            own = torch.from_numpy(self.speakers[index]).to(queries.device)
            near = (queries @ torch.nn.functional.normalize(own, dim=1).T).topk(k, dim=-1).indices
            mixed += weight * own[near].mean(dim=-2)
        return mixed  # type: ignore[no-any-return]


def speaker_folders(folders: Iterable[Path | str]) -> list[list[Path]]:
    """The audio files of each speaker.

    Args:
        folders: Each holds the audio files of one speaker, or folders of which each does (at any
            depth).

    Returns:
        The files of each speaker, sorted.

    Raises:
        ConfigurationError: A folder that is not there or holds no audio, or files beside folders,
            which leaves open who speaks in them.
    """
    speakers = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise ConfigurationError(
                f"{str(folder)!r} is no folder; voices= takes folders, or one saved matching set"
            )
        inside = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
        direct = _audio(inside)
        beneath = [_audio(sorted(p.rglob("*"))) for p in inside if p.is_dir()]
        beneath = [files for files in beneath if files]
        if bool(direct) == bool(beneath):
            inside_it = "files beside folders" if direct else "no audio"
            raise ConfigurationError(
                f"{str(folder)!r} holds {inside_it}; voices= takes folders with the audio files of "
                "one speaker, or with a folder a speaker"
            )
        speakers += [direct] if direct else beneath
    return speakers


def _audio(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file()]


def _features(files: list[Path], wavlm: WavLM, reference_s: float) -> Features:
    """Of one speaker: long pauses out, chunk by chunk."""
    left = int(reference_s * RATE)
    parts: list[Features] = []
    for chunk in chain.from_iterable(map(_chunks, files)):
        part = chunk[:left]
        left -= part.size
        if part.size:
            parts.append(wavlm.features(part[None])[0].cpu().numpy())
        if left <= 0:
            break
    if not parts:
        raise ConfigurationError(f"{str(files[0].parent)!r} holds nothing but digital silence")
    return np.concatenate(parts)


def _chunks(path: Path) -> Iterator[Samples]:
    samples, rate = read(path)
    mono = resample(samples.mean(axis=0, keepdims=True), rate, RATE)[0]
    if mono.any():
        speech = trim_long_silences(mono) * np.float32(LEVEL / speech_level(mono, RATE))
        size = _CHUNK_S * RATE
        yield from (speech[start : start + size] for start in range(0, speech.size, size))
