"""Measures the population that the method ``world`` moves voices to.

    python recipes/world_population/make.py FOLDER

FOLDER holds a folder of recordings for each speaker. The first one of each is measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from voxguard.audio import read, resample
from voxguard.dsp.bands import DB, Bands
from voxguard.dsp.intonation import formants_of_pitch
from voxguard.dsp.sounds import cepstra, posterior
from voxguard.dsp.timbre import active
from voxguard.dsp.world import dio
from voxguard.models.optional import optional

RATE, FRAME_MS, SECONDS = 16_000, 10.0, 12.0
POINTS, CEPSTRA, SOUNDS, ROUNDS = 40, 24, 16, 30
FEWEST_VOICED, FEWEST_SPEAKERS = 50, 50
TARGET = Path(__file__).parents[2] / "voxguard" / "dsp" / "population.py"

PAGE = '''"""Mean speech, to which the method ``world`` moves voices; written by a recipe.

``recipes/world_population`` made it of one recording of each of {speakers} speakers of LibriSpeech
(V. Panayotov et al., "Librispeech: an ASR corpus based on public domain audio books", ICASSP 2015;
CC BY 4.0). Every number is a mean over all of them: it holds nobody's voice.

Curves are in dB relative to a frame's power, at even steps in mel from 0 to 8 kHz.
"""

# fmt: off
# Mean over the frames with speech.
MEAN_DB = (
{mean}
)

# Means over kinds of sound: of a mixture of Gaussians that share one diagonal covariance ...
SOUNDS_DB = (
{sounds}
)
# ... in the cepstrum, whose standard deviations these are.
CEPSTRAL_SPREAD_DB = (
{spread}
)
# fmt: on

LOG_F0_SPREAD = {log_f0}  # standard deviation of ln F0 within a recording
BREATH_DB = {breath}  # aperiodicity at 3 kHz (D4C) over voiced frames
'''


class Speaker(NamedTuple):
    """What is measured of a recording.

    Attributes:
        speech: ``(frames, POINTS)`` dB relative to the frame's power.
        log_f0_spread: Standard deviation of ln F0; nan where too little is voiced.
        breath_db: Mean aperiodicity; likewise.
    """

    speech: np.ndarray
    log_f0_spread: float
    breath_db: float


def recordings(folder: Path) -> list[Path]:
    """The first recording in each speaker's folder."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".flac", ".wav", ".opus", ".ogg"}:
            found.setdefault(path.relative_to(folder).parts[0], path)
    return list(found.values())


def measure(world: Any, path: Path) -> Speaker:
    """Measure a recording, with the scale that its pitch suggests taken out of its formants."""
    samples, rate = read(path)
    signal = resample(samples[:1, : int(SECONDS * rate)], rate, RATE)[0].astype(np.float64)
    f0, times = dio(world, signal, RATE, FRAME_MS)
    envelope = world.cheaptrick(signal, f0, times, RATE)
    voiced = f0 > 0
    enough = voiced.sum() >= FEWEST_VOICED
    log_f0 = np.log(f0[voiced])
    bands = Bands(RATE, envelope.shape[1])
    power = bands.power(envelope)
    levels = np.log(envelope / power) @ bands.down
    levels = levels @ bands.moves(1.0 / formants_of_pitch(log_f0.mean()) if enough else 1.0)
    speech = levels[active(np.log(power[:, 0]))] @ bands.points(POINTS) * DB
    if not enough:
        return Speaker(speech, np.nan, np.nan)
    log_f0 = log_f0[np.abs(log_f0 - np.median(log_f0)) < 0.6]  # others are wrong by an octave
    breath = world.code_aperiodicity(world.d4c(signal, f0, times, RATE), RATE)[voiced, 0]
    breath = breath[breath < -1.0]  # what D4C found voiced, too
    return Speaker(speech, float(log_f0.std()), float(breath.mean()) if breath.size else np.nan)


def sounds_of(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means ``(SOUNDS, POINTS)`` and cepstral spread ``(CEPSTRA,)`` of a mixture, by EM."""
    basis = cepstra(POINTS, CEPSTRA)
    places = frames @ basis
    rng = np.random.default_rng(0)
    means = places[rng.choice(len(places), SOUNDS, replace=False)]
    spread = places.std(axis=0)
    for _ in range(ROUNDS):
        scaled, centres = places / spread, means / spread
        distances = np.square(scaled).sum(axis=1, keepdims=True) - 2.0 * scaled @ centres.T
        shares = posterior(distances + np.square(centres).sum(axis=1))
        weights = shares.sum(axis=0)[:, None]
        means = shares.T @ places / weights
        scatter = np.square(places).sum(axis=0) - (weights * np.square(means)).sum(axis=0)
        spread = np.sqrt(scatter / len(places))
    return shares.T @ frames / weights, spread


def rows(values: np.ndarray, indent: str = "    ") -> str:
    """Numbers as they stand in the source, ten a line."""
    lines = [values[k : k + 10] for k in range(0, len(values), 10)]
    return "\n".join(indent + "".join(f"{v:.1f}, " for v in line).rstrip() for line in lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=TARGET)
    given = parser.parse_args()
    paths = recordings(given.folder)
    if len(paths) < FEWEST_SPEAKERS:
        sys.exit(f"{given.folder}: {len(paths)} speakers; a population takes {FEWEST_SPEAKERS}")
    world = optional("pyworld", "world", "the population")
    speakers = [measure(world, path) for path in paths]
    mean = np.mean([speaker.speech.mean(axis=0) for speaker in speakers], axis=0)
    frames = np.concatenate([s.speech - s.speech.mean(axis=0) + mean for s in speakers])
    sounds, spread = sounds_of(frames)
    page = PAGE.format(
        speakers=len(speakers),
        mean=rows(mean),
        sounds="\n".join(f"    (\n{rows(sound, ' ' * 8)}\n    )," for sound in sounds),
        spread=rows(spread),
        log_f0=round(float(np.nanmean([speaker.log_f0_spread for speaker in speakers])), 3),
        breath=round(float(np.nanmean([speaker.breath_db for speaker in speakers])), 1),
    )
    given.out.write_text(page)


if __name__ == "__main__":
    main()
