"""Secrets that nobody has, in the voices of people who once said single digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import AudioWriter, resample
from voxguard.audio.publish import PartFile
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance, read_manifest
from voxguard.probes.data import mono
from voxguard.probes.secrets.truth import DIGITS, spelt

KINDS: Mapping[str, int] = MappingProxyType({"PIN": 4, "phone number": 9, "account number": 12})

_PAUSE_S = (0.08, 0.25)
_FADE_S = 0.005


def spoken_digits(
    manifest: Manifest,
    folder: str | Path,
    *,
    kinds: Mapping[str, int] = KINDS,
    per_speaker: int = 2,
    seed: int = 0,
) -> Manifest:
    """Join recordings of single digits into spoken secrets.

    The digits of a secret are drawn evenly, each in a recording of the same speaker. The speakers
    are numbered: no name of the source is written.

    Args:
        manifest: Recordings of one digit each, named by the transcript (``"7"`` or ``"seven"``);
            others are left out. The Free Spoken Digit Dataset is such data.
        folder: Where the WAV files and ``manifest.csv`` go; it must not hold a manifest.
        kinds: What the secrets are called, and how many digits each has.
        per_speaker: Secrets of each kind a speaker gets.
        seed: Of digits, recordings and pauses.

    Returns:
        The manifest, with the labels ``secret`` and ``secret_kind``.

    Raises:
        ConfigurationError: No speaker says all ten digits, or a number below 1.
        OutputError: Something is there already, or cannot be written.

    Example:
        >>> import voxguard
        >>> from pathlib import Path
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.secrets import spoken_digits
        >>> said = []
        >>> for digit in range(10):
        ...     path = Path(f"{digit}.wav")
        ...     said.append(Utterance(path.stem, path, "ann", transcript=path.stem))
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.2, seed=digit)[None])
        >>> made = spoken_digits(Manifest("digits", tuple(said)), "secrets", kinds={"PIN": 4})
        >>> made.speakers, len(made.utterances), len(made.utterances[0].labels["secret"])
        (('s000',), 2, 4)
    """
    if per_speaker < 1 or not kinds or min(kinds.values()) < 1:
        raise ConfigurationError(
            f"needs kinds with 1 digit or more, and 1 secret a speaker or more; got {dict(kinds)} "
            f"and {per_speaker!r}"
        )
    said = _by_digit(manifest)
    rng = np.random.default_rng(seed)
    target = Path(folder)
    rows: list[tuple[str, ...]] = []
    for number, digits in enumerate(said.values()):
        for kind, length in kinds.items():
            for turn in range(per_speaker):
                secret = "".join(str(digit) for digit in rng.integers(0, 10, length))
                samples, rate = _joined([digits[int(digit)] for digit in secret], rng)
                name = f"s{number:03}-{kind.replace(' ', '-')}-{turn}"
                with AudioWriter(target / f"{name}.wav", rate, 1) as file:
                    file.write(samples[None])
                words = " ".join(DIGITS[int(digit)] for digit in secret)
                rows.append((f"{name}.wav", name, f"s{number:03}", words, secret, kind))
    _write(target / "manifest.csv", rows)
    return read_manifest(target / "manifest.csv")


def _by_digit(manifest: Manifest) -> dict[str, list[list[Utterance]]]:
    """Of each speaker who says all ten, the recordings of each digit."""
    said: dict[str, list[list[Utterance]]] = {}
    for utterance in manifest.utterances:
        digit = spelt(utterance.transcript)
        if len(digit) == 1 and digit[0].isdecimal():
            own = said.setdefault(utterance.speaker, [[] for _ in range(10)])
            own[int(digit[0])].append(utterance)
    whole = {speaker: own for speaker, own in sorted(said.items()) if all(own)}
    if not whole:
        raise ConfigurationError(
            f"{manifest.name}: no speaker says all ten digits; needed are recordings of one digit "
            "each, named by the transcript"
        )
    return whole


def _joined(choices: list[list[Utterance]], rng: np.random.Generator) -> tuple[Samples, int]:
    recordings = [mono(choice[int(rng.integers(len(choice)))]) for choice in choices]
    rate = max(rate for _, rate in recordings)
    parts: list[Samples] = []
    for samples, own in recordings:
        parts += [_faded(resample(samples[None], own, rate)[0], rate)]
        parts += [np.zeros(round(rng.uniform(*_PAUSE_S) * rate), np.float32)]
    return np.concatenate(parts[:-1]), rate


def _faded(samples: Samples, rate: int) -> Samples:
    """Without a click at either end."""
    ramp = min(round(_FADE_S * rate), samples.size // 2)
    rise = np.linspace(0.0, 1.0, ramp, dtype=np.float32)
    faded = samples.copy()
    faded[:ramp] *= rise
    faded[samples.size - ramp :] *= rise[::-1]
    return faded


def _write(path: Path, rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "utterance", "speaker", "transcript", "secret", "secret_kind"))
    writer.writerows(rows)
    part = PartFile(path)
    try:
        part.write(text.getvalue().encode())
        part.publish(overwrite=False)
    finally:
        part.discard()
