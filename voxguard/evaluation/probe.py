"""Renders the same speakers in the same few pseudo-voices, to ask which of the two is heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples
from voxguard.attacks.recording import SAMPLE_RATE, Recording
from voxguard.attacks.target_probe import TargetProbe, probe_targets
from voxguard.audio import read, resample
from voxguard.errors import VoxguardError, one_tree
from voxguard.evaluation.manifest import Utterance
from voxguard.evaluation.panel import Attack
from voxguard.evaluation.system import mono

Tell = Callable[[float, float | None], None]
_UTTERANCES = 4
_SECONDS = 5.0


def probe_attack(
    attack: Attack,
    anonymizer: Anonymizer,
    utterances: tuple[Utterance, ...],
    voices: int,
    seed: int,
    tell: Tell,
) -> TargetProbe:
    """Whether a retrained attacker hears the speaker or the voice put on her.

    A few utterances of every speaker are rendered in each of the same few pseudo-voices, so that
    neither tells anything about the other.

    Raises:
        VoxguardError: The rendering or the encoder failed.
    """
    drawn = [anonymizer.draw_voice(speaker=f"probe {number}") for number in range(voices)]
    chosen = _few(utterances)
    vectors, sources, targets, said = [], [], [], []
    for number, utterance in enumerate(chosen):
        tell(number, len(chosen))
        samples, rate = read(utterance.path)
        samples = samples[:, : round(_SECONDS * rate)]
        working = anonymizer.working_rate(rate)
        at_rate = resample(mono(samples)[None], rate, working)
        for target, voice in enumerate(drawn):
            with one_tree(anonymizer.name):
                rendered = np.asarray(anonymizer.render(at_rate, working, voice), np.float32)
            heard = resample(rendered, working, SAMPLE_RATE)[0]
            recording = Recording(
                f"{utterance.id}@{target}", utterance.speaker, partial(_same, heard)
            )
            vectors.append(attack.encoder.embed(recording))
            sources.append(utterance.speaker)
            targets.append(str(target))
            said.append(utterance.id)
    if not vectors:
        raise VoxguardError("no speaker has enough utterances for the probe")
    return probe_targets(
        np.stack(vectors), sources, targets, said, backend=attack.backend, seed=seed
    )


def _same(samples: Samples) -> Samples:
    return samples


def _few(utterances: tuple[Utterance, ...]) -> list[Utterance]:
    spoken: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        spoken[utterance.speaker].append(utterance)
    return [u for theirs in spoken.values() if len(theirs) > 1 for u in theirs[:_UTTERANCES]]
