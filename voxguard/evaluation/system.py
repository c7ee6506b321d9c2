"""What is evaluated: a method of voxguard, any callable, a folder of another tool, or nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import voxguard
from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples, check_finite
from voxguard.audio import read, resample
from voxguard.audio.publish import output_error
from voxguard.errors import AudioError, ConfigurationError, one_tree
from voxguard.evaluation.manifest import Utterance
from voxguard.files.record import RECORD_NAME, describe
from voxguard.files.scan import audio_suffixes

Plain = Callable[[Any, int], Any]
_LOUDEST = 16.0  # full scale is 1; beyond that somebody means integers


class System(ABC):
    """Turns an utterance into what the attacker gets to see.

    Attributes:
        name: What the report calls it.
        kind: ``"method"``, ``"callable"``, ``"folder"`` or ``"none"``.
        identity: Names what it rendered, so that it can be taken up again; empty: it cannot.
        draws: How many different renderings of one utterance there can be; None: any number.
    """

    name: str
    kind: str
    identity: str = ""
    draws: int | None = None

    @abstractmethod
    def render(
        self, utterance: Utterance, samples: Samples, sample_rate: int, draw: int, speaker: str
    ) -> tuple[Samples, int]:
        """Anonymize.

        Args:
            utterance: Which one it is.
            samples: ``(channels, n)`` float32.
            sample_rate: Hz.
            draw: The same utterance gets another draw under every number.
            speaker: The pseudonym scope, or ``""`` for a draw of its own.

        Returns:
            ``(channels, m)`` float32 samples and their rate.
        """

    def about(self) -> dict[str, Any]:
        """For the results."""
        return {"name": self.name, "kind": self.kind, "options": {}, "randomness": "unknown"}


class NoAnonymization(System):
    """The original speech, as the reference."""

    name, kind, identity = "none", "none", "original"
    draws = 1

    def render(
        self, utterance: Utterance, samples: Samples, sample_rate: int, draw: int, speaker: str
    ) -> tuple[Samples, int]:
        """Give back what came."""
        return samples, sample_rate

    def about(self) -> dict[str, Any]:
        """For the results."""
        return super().about() | {"randomness": "none"}


class Method(System):
    """An anonymizer of voxguard, or a plug-in."""

    kind = "method"

    def __init__(self, anonymizer: Anonymizer, *, name: str = "") -> None:
        self.anonymizer = anonymizer
        self.name = name or anonymizer.name

    @property
    def identity(self) -> str:  # type: ignore[override]
        """Version, options, weights; so that nothing is mixed, only where each draw stands alone.

        A method from elsewhere has none: its code may have changed under the same name. Nor has a
        draw that several utterances share, since the secret behind it dies with the process; but a
        seed is no secret.
        """
        own = self.anonymizer.pseudonyms
        alone = own.scope in (None, "utterance") or own.origin == "seed"
        parts = getattr(self.anonymizer, "parts", (self.anonymizer,))
        if not alone or any(not type(part).__module__.startswith("voxguard.") for part in parts):
            return ""
        return f"{voxguard.__version__} {describe(self.anonymizer)!r}"

    def render(
        self, utterance: Utterance, samples: Samples, sample_rate: int, draw: int, speaker: str
    ) -> tuple[Samples, int]:
        """Anonymize in a pseudo-voice of the utterance's own, or of the speaker's."""
        who = {"speaker": speaker} if speaker else {"utterance": f"{utterance.id}#{draw}"}
        return self.anonymizer(samples, sample_rate, **who), sample_rate

    def about(self) -> dict[str, Any]:
        """For the results."""
        told = describe(self.anonymizer)
        origin = {"key": "keyed", "seed": "seeded"}.get(told["randomness"]["origin"], "secret")
        weights = {"weights": told["weights"]} if "weights" in told else {}
        return super().about() | {"options": told["options"], **weights, "randomness": origin}


class Function(System):
    """Any callable ``(samples, sample_rate) -> samples``; it gets one channel, ``(n,)``."""

    kind = "callable"

    def __init__(self, function: Plain, *, name: str = "") -> None:
        self.function = function
        self.name = name or str(getattr(function, "__name__", type(function).__name__))

    def render(
        self, utterance: Utterance, samples: Samples, sample_rate: int, draw: int, speaker: str
    ) -> tuple[Samples, int]:
        """Call it on the mixed-down samples."""
        with one_tree(self.name):
            rendered = np.asarray(self.function(mono(samples), sample_rate))
        if rendered.ndim != 1 or rendered.dtype.kind != "f" or not rendered.size:
            raise AudioError(
                f"{self.name} gave {rendered.dtype.name} of shape {rendered.shape}; a callable "
                "takes (n,) float32 samples and the rate, and gives (n,) floating-point samples"
            )
        check_finite(rendered)
        peak = float(np.abs(rendered).max())
        if peak > _LOUDEST:
            raise AudioError(f"{self.name} gave a peak of {peak:.0f}; full scale is 1.0")
        return rendered.astype(np.float32)[None], sample_rate


class Folder(System):
    """Audio that any other tool anonymized, under the names of the originals."""

    kind = "folder"
    draws = 1

    def __init__(self, folder: Path, root: Path, *, name: str = "") -> None:
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is not a folder of anonymized recordings")
        self.folder = folder
        self.root = root
        self.name = name or folder.name
        suffixes = audio_suffixes()
        self._by_path: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in suffixes and file.is_file():
                self._by_path.setdefault(str(file.relative_to(folder).with_suffix("")), []).append(
                    file
                )
                self._by_stem.setdefault(file.stem, []).append(file)

    def render(
        self, utterance: Utterance, samples: Samples, sample_rate: int, draw: int, speaker: str
    ) -> tuple[Samples, int]:
        """Read what lies under the utterance's path or id, with any suffix."""
        return read(self.find(utterance))

    def find(self, utterance: Utterance) -> Path:
        """Where the anonymized utterance lies.

        Raises:
            AudioError: Nowhere, or at several places.
        """
        path = utterance.path
        places = [self._by_path.get(utterance.id, [])]
        if path.is_relative_to(self.root):
            near = str(path.relative_to(self.root).with_suffix(""))
            places.insert(0, self._by_path.get(near, []))
        if path.stem == utterance.id:  # a name that is given once in all the data
            places.append(self._by_stem.get(utterance.id, []))
        for found in places:
            if len(found) == 1:
                return found[0]
            if found:
                raise AudioError(f"{len(found)} anonymized files could be this one")
        raise AudioError("no anonymized file of its path or id")

    def has(self, utterance: Utterance) -> bool:
        """Whether there is an anonymized file of the utterance."""
        try:
            self.find(utterance)
        except AudioError:
            return False
        return True

    def about(self) -> dict[str, Any]:
        """For the results; what voxguard itself wrote into the folder says how it was made."""
        import json

        about = super().about()
        record = self.folder / RECORD_NAME
        if record.is_file():
            with output_error(record):
                told = json.loads(record.read_text("utf-8"))
            about["options"] = {"method": told.get("method"), **told.get("options", {})}
        return about


def system_of(
    anonymizer: Anonymizer | Plain | None, anonymized: Path | None, root: Path, name: str = ""
) -> System:
    """What is to be evaluated, from what the caller gave."""
    if anonymized is not None:
        if anonymizer is not None:
            raise ConfigurationError("give an anonymizer or a folder that is anonymized, not both")
        return Folder(anonymized, root, name=name)
    if anonymizer is None:
        return NoAnonymization()
    if isinstance(anonymizer, Anonymizer):
        return Method(anonymizer, name=name)
    if callable(anonymizer):
        return Function(anonymizer, name=name)
    raise ConfigurationError(
        f"got {type(anonymizer).__name__}; an anonymizer is a voxguard.Anonymizer, any callable "
        "(samples, sample_rate) -> samples, or None for the original speech"
    )


def render_in_voice(
    anonymizer: Anonymizer, samples: Samples, sample_rate: int, voice: Any
) -> tuple[Samples, int]:
    """Anonymize ``(channels, n)`` samples in a pseudo-voice that was drawn before."""
    rate = anonymizer.working_rate(sample_rate)
    return anonymizer.render(resample(samples, sample_rate, rate), rate, voice), rate


def mono(samples: Samples) -> Samples:
    """Mix ``(channels, n)`` down to ``(n,)``; of channels that cancel out, the loudest."""
    mixed: Samples = samples.mean(axis=0, dtype=np.float32)
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    if np.square(mixed, dtype=np.float64).mean() < 1e-3 * power.max():
        mixed = samples[int(power.argmax())]
    return mixed
