"""Clips with planted truths, and models that are real rules: they answer by what they get."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np

from voxguard.audio import AudioWriter
from voxguard.dsp.pitch import track_f0
from voxguard.dsp.voice import synthetic_voice
from voxguard.evaluation import Manifest, Utterance

RATE = 16_000
HIGH, LOW = (1, 3, 6, 8, 10, 11), (0, 2, 4, 5, 7, 9)  # speakers above and below 160 Hz
BORDER_HZ = 160.0
WORDS = {"F": "as a mother of two", "M": "as a father of two"}


def manifest(folder: Path, speakers=(*HIGH, *LOW), each=3, *, told=False) -> Manifest:
    """Clips of synthetic speakers, whose sex is how high they speak."""
    clips = []
    for speaker in speakers:
        sex = "F" if speaker in HIGH else "M"
        for number in range(each):
            path = folder / f"{speaker}-{number}.wav"
            if not path.exists():
                voice = synthetic_voice(seconds=0.6, speaker=speaker, seed=number)
                with AudioWriter(path, RATE, 1) as file:
                    file.write(voice[None])
            said = f"{WORDS[sex]} I say this, {number}" if told else f"nothing is told, {number}"
            clips.append(
                Utterance(
                    f"{speaker}-{number}",
                    path,
                    f"s{speaker}",
                    transcript=said,
                    labels={"sex": sex, "town": f"town {speaker % 2}"},
                )
            )
    return Manifest("synthetic", tuple(clips))


def pitch_hz(samples) -> float:
    f0 = track_f0(samples)
    return float(np.median(f0[f0 > 0])) if (f0 > 0).any() else 0.0


def offered(prompt: str) -> dict[str, str]:
    """Class to letter, where the prompt has options."""
    return {name: letter for letter, name in re.findall(r"^([A-Z])\) (.+)$", prompt, re.M)}


def say(prompt: str, name: str) -> str:
    return offered(prompt).get(name, f"The speaker is probably {name}.")


class Model:
    """Answers by a rule, and counts how often it is asked what."""

    name = "rule"

    def __init__(self, rule):
        self.rule, self.asked = rule, Counter()

    def __call__(self, samples, sample_rate, prompt):
        digest = None if samples is None else hash(samples.tobytes())
        self.asked[digest, prompt] += 1
        return self.rule(samples, prompt)


def by_pitch(samples, prompt):
    if samples is None or not samples.any():
        return say(prompt, "male")
    return say(prompt, "female" if pitch_hz(samples) > BORDER_HZ else "male")


def always(name):
    return lambda samples, prompt: say(prompt, name)
