"""The utterances of an evaluation, as they are and as the system under test renders them."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from voxguard.arrays import Samples
from voxguard.attacks.recording import SAMPLE_RATE, Recording
from voxguard.audio import AudioWriter, read, resample
from voxguard.errors import OutputError, VoxguardError
from voxguard.evaluation.manifest import Exclusion, Utterance
from voxguard.evaluation.system import NoAnonymization, System, mono

Tell = Callable[[float, float | None], None]
Perturb = Callable[[Samples, int, np.random.Generator], Samples]
_SILENT = 1e-5  # peak; 100 dB below full scale


class Speech:
    """Gives an attacker's recordings; renders each utterance once and keeps it in a folder.

    Args:
        system: What anonymizes.
        work: Folder for renderings. Originals are never written into it.
        speaker_level: Whether a speaker keeps one pseudo-voice per role.
        perturb: Applied to the original before anything else sees it (stress axes).
        label: Separates renderings of perturbed speech from others.

    Attributes:
        excluded: What could not be used, with the reason.
        rendered: How many renderings were made, and not taken up from an earlier run.
    """

    def __init__(
        self,
        system: System,
        work: Path,
        *,
        speaker_level: bool = False,
        perturb: Perturb | None = None,
        label: str = "",
    ) -> None:
        self.system = system
        self.excluded: list[Exclusion] = []
        self.rendered = 0
        self._speaker_level = speaker_level
        self._perturb = perturb
        self._label = label
        seeded = system.about()["randomness"] == "seeded"
        self._keeps = bool(system.identity) and (seeded or not speaker_level)
        identity = system.identity if self._keeps else secrets.token_hex(16)
        folder = _hash(f"{identity} {speaker_level} {label}")[:16]
        self._folder = work / "anonymized" / folder
        self._digests: dict[Path, str] = {}
        self._lengths: dict[str, float] = {}

    def check(
        self, utterances: Iterable[Utterance], minimum_s: float, tell: Tell
    ) -> list[Utterance]:
        """Read every utterance once; those that cannot be used are excluded, with the reason."""
        usable = []
        everything = list(utterances)
        for number, utterance in enumerate(everything):
            tell(number, len(everything))
            reason = self._unusable(utterance, minimum_s)
            if reason:
                self.excluded.append(Exclusion(utterance.id, utterance.speaker, reason))
            else:
                usable.append(utterance)
        return usable

    def _unusable(self, utterance: Utterance, minimum_s: float) -> str:
        if not utterance.path.is_file():
            return "the file does not exist"
        try:
            samples, rate = read(utterance.path)
        except VoxguardError as error:
            return str(error)
        seconds = samples.shape[1] / rate
        if seconds < minimum_s:
            return f"{seconds:.2f} s long; the protocol takes {minimum_s:g} s and more"
        if np.abs(samples).max() < _SILENT:
            return "silent"
        self._lengths[utterance.id] = seconds
        return ""

    def seconds(self, utterances: Iterable[Utterance]) -> float:
        """Length of checked utterances in seconds."""
        return sum(self._lengths[utterance.id] for utterance in utterances)

    def original(self, utterances: Iterable[Utterance]) -> list[Recording]:
        """The utterances as they are."""
        return [self._original(u) for u in utterances]

    def render(self, utterances: Sequence[Utterance], draws: int, tell: Tell) -> list[Utterance]:
        """Render what has not been rendered yet.

        Returns:
            The utterances of which every draw could be made; the others are excluded.
        """
        kept = []
        for number, utterance in enumerate(utterances):
            tell(number, len(utterances))
            try:
                self._render(utterance, draws)
            except OutputError:
                raise
            except VoxguardError as error:
                reason = f"{self.system.name} failed on it: {error}"
                self.excluded.append(Exclusion(utterance.id, utterance.speaker, reason))
            else:
                kept.append(utterance)
        return kept

    def anonymized(self, utterances: Iterable[Utterance], draw: int = 0) -> list[Recording]:
        """The rendered utterances."""
        if isinstance(self.system, NoAnonymization):
            return self.original(utterances)
        return [self._rendered(u, self._path(u, draw), draw) for u in utterances]

    def close(self) -> None:
        """Remove renderings that nobody could take up again."""
        if not self._keeps:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _render(self, utterance: Utterance, draws: int) -> None:
        if isinstance(self.system, NoAnonymization):
            return
        paths = {draw: self._path(utterance, draw) for draw in range(draws)}
        missing = {draw: path for draw, path in paths.items() if not path.exists()}
        if not missing:
            return
        samples, rate = self._source(utterance)
        for draw, path in missing.items():
            scope = f"{utterance.role}/{utterance.speaker}#{draw}" if self._speaker_level else ""
            rendered, made_rate = self.system.render(utterance, samples, rate, draw, scope)
            # in floats: 16 bits would destroy what is very quiet or above full scale
            with AudioWriter(path, SAMPLE_RATE, 1, subtype="FLOAT", overwrite=True) as file:
                file.write(_attack_form(rendered, made_rate)[None])
            self.rendered += 1

    def _source(self, utterance: Utterance) -> tuple[Samples, int]:
        samples, rate = read(utterance.path)
        if self._perturb is None:
            return samples, rate
        seed = int(_hash(f"{self._label} {utterance.id}")[:16], 16)
        perturbed = self._perturb(mono(samples), rate, np.random.default_rng(seed))
        return perturbed[None], rate

    def _path(self, utterance: Utterance, draw: int) -> Path:
        name = _hash(f"{self.digest(utterance.path)} {utterance.id} {utterance.role}")[:24]
        return self._folder / str(draw) / f"{name}.wav"

    def digest(self, path: Path) -> str:
        """Hash of a file's content."""
        if path not in self._digests:
            with path.open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[path]

    def _original(self, utterance: Utterance) -> Recording:
        def samples() -> Samples:
            return _attack_form(*self._source(utterance))

        return self._recording(utterance, samples, self.digest(utterance.path))

    def _rendered(self, utterance: Utterance, path: Path, draw: int) -> Recording:
        digest = self.digest(path)
        return self._recording(utterance, lambda: _cached(path, digest), digest, draw)

    def _recording(
        self, utterance: Utterance, samples: Callable[[], Samples], digest: str, draw: int = 0
    ) -> Recording:
        return Recording(
            id=f"{utterance.id}#{draw}" if draw else utterance.id,
            speaker=utterance.speaker,
            read=samples,
            transcript=utterance.transcript,
            labels=utterance.labels,
            digest=_hash(f"{digest} {self._label}"),
        )


@lru_cache(maxsize=32)
def _cached(path: Path, digest: str) -> Samples:
    samples, rate = read(path)
    return _attack_form(samples, rate)


def _attack_form(samples: Samples, rate: int) -> Samples:
    """``(channels, n)`` at any rate becomes ``(n,)`` at the attackers' rate."""
    heard: Samples = resample(mono(samples)[None], rate, SAMPLE_RATE)[0]
    return heard


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
