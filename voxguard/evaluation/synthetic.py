"""Data for trying out: speakers that voxguard makes, so that nothing has to be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxguard.audio import AudioWriter
from voxguard.dsp.voice import fundamental_hz, synthetic_voice
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance

_SETTINGS = ("speakers", "utterances", "seconds")
_RATE = 16_000
_LOW_HIGH_HZ = 150.0


def make_data(settings: Mapping[str, Any], folder: Path) -> Manifest:
    """Write the utterances of synthetic speakers; what is there already is kept.

    Args:
        settings: ``speakers``, ``utterances`` of each, ``seconds`` of each.
        folder: Where they go.

    Returns:
        Their manifest, with the label ``pitch``: ``low`` or ``high``.

    Raises:
        ConfigurationError: A setting is missing, unknown or not a positive number.
    """
    if set(settings) != set(_SETTINGS) or not all(
        isinstance(value, (int, float)) and value > 0 for value in settings.values()
    ):
        raise ConfigurationError(
            f"synthetic data takes {', '.join(_SETTINGS)}, all above 0; got {dict(settings)}"
        )
    speakers, utterances, seconds = (settings[name] for name in _SETTINGS)
    made = []
    for speaker in range(int(speakers)):
        pitch = "high" if fundamental_hz(speaker) > _LOW_HIGH_HZ else "low"
        for number in range(int(utterances)):
            path = folder / f"{seconds:g}s x {utterances}" / f"s{speaker:03}" / f"{number:03}.wav"
            if not path.exists():
                text = speaker * int(utterances) + number  # nobody says the same
                samples = synthetic_voice(seconds=seconds, speaker=speaker, seed=text)
                with AudioWriter(path, _RATE, 1) as file:
                    file.write(samples[None])
            made.append(
                Utterance(
                    f"s{speaker:03}-{number:03}", path, f"s{speaker:03}", labels={"pitch": pitch}
                )
            )
    return Manifest("synthetic voices", tuple(made), root=folder)
