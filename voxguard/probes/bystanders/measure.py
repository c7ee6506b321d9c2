"""What a filter does to conversations of which both parts are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest
from voxguard.metrics import bootstrap_groups
from voxguard.probes.bystanders.mixture import Mixture, frame_power
from voxguard.probes.bystanders.scenes import Scene, enrolled_filters, scenes
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import PROTECTED, ProbeFigure

Weights = npt.NDArray[np.float32]

SETTINGS: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.25, 0.0), (1.0, 0.0), (1.0, 10.0))

_BELOW_LOUD_DB = 40.0
_NAMES = ("main_kept", "bystander_removed", "main_energy_kept", "bystander_energy_removed")


def kept(mixture: Mixture, weights: Weights) -> tuple[float, float, float, float]:
    """Shares of either voice that a gate leaves.

    Args:
        mixture: Both parts.
        weights: ``(n,)`` what each sample is multiplied by.

    Returns:
        Share of the user's speech that is kept and of the bystander's that is removed, in frames of
        10 ms with speech; and the same in energy.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.bystanders import Mixture, kept
        >>> on, off = np.ones(1600, np.float32), np.zeros(1600, np.float32)
        >>> kept(Mixture(np.r_[on, off], np.r_[off, on], 16_000), np.r_[on, off])
        (1.0, 1.0, 1.0, 1.0)
    """
    rate = mixture.sample_rate
    gain = np.sqrt(frame_power(weights, rate))
    shares = []
    for part in (mixture.main, mixture.bystander):
        before, after = frame_power(part, rate), frame_power(part * weights, rate)
        sound = before[before > 0.0]
        loud = float(np.percentile(sound, 95)) if sound.size else 0.0
        spoken = (before > 0.0) & (before >= loud * 10.0 ** (-_BELOW_LOUD_DB / 10.0))
        if not spoken.any():
            raise ConfigurationError("one of the two says nothing in this mixture")
        shares.append((float(gain[spoken].mean()), float(after.sum() / before.sum())))
    (main, main_energy), (other, other_energy) = shares
    return main, 1.0 - other, main_energy, 1.0 - other_energy


def measure_filter(
    manifest: Manifest,
    *,
    filter_of: Callable[[str], Any] | None = None,
    settings: Sequence[tuple[float, float]] = SETTINGS,
    turns: int = 3,
    per_user: int = 2,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeDocument:
    """How much of a bystander a filter takes out, and how much of the user it leaves.

    Figures by ``overlap`` and ``snr_db``: ``main_kept`` and ``bystander_removed`` (time with
    speech), the same in energy, and ``selectivity``: their sum less 1. A gate that does not listen
    keeps of the user what it lets through of the bystander: its selectivity is 0. 1 is perfect.

    Args:
        manifest: Recordings of two speakers or more, with roles or without; see
            :func:`~voxguard.probes.bystanders.scenes`.
        filter_of: From a user to a filter with ``weights``; by default enrolled from the manifest.
        settings: Pairs of overlap and SNR in dB.
        turns: Of each of the two in a conversation.
        per_user: Conversations of a user.
        seed: Of the conversations and the intervals.
        progress: Called with how many are done, and of how many.

    Returns:
        The figures, with intervals by user.

    Raises:
        ConfigurationError: Too few speakers, or too little to enrol one.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np, voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.bystanders import measure_filter
        >>> clips = []
        >>> for number in range(10):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=2.0, speaker=number % 2)[None])
        ...     clips.append(Utterance(path.stem, path, f"s{number % 2}"))
        >>> class Half:  # lets half of everything through
        ...     def weights(self, samples, sample_rate):
        ...         return np.full(len(samples), 0.5, np.float32)
        >>> found = measure_filter(
        ...     Manifest("two", tuple(clips)), filter_of=lambda user: Half(), settings=[(0.0, 0.0)])
        >>> found.figure("main_kept", "protected").value, found.figure(
        ...     "selectivity", "protected").value
        (0.5, 0.0)
    """
    filters = filter_of or enrolled_filters(manifest)
    made = {
        setting: scenes(
            manifest,
            turns=turns,
            per_user=per_user,
            overlap=setting[0],
            snr_db=setting[1],
            seed=seed,
        )
        for setting in settings
    }
    total, done = sum(map(len, made.values())), 0
    figures: list[ProbeFigure] = []
    for (overlap, snr_db), own in made.items():
        rows = []
        for scene in own:
            mixture = scene.mixture()
            found = filters(scene.user).weights(mixture.samples, mixture.sample_rate)
            rows.append(kept(mixture, found))
            done += 1
            if progress is not None:
                progress(done, total)
        where = {"overlap": f"{overlap:g}", "snr_db": f"{snr_db:g}"}
        figures += _figures(np.asarray(rows), own, where, seed)
    first = made[settings[0]]
    return ProbeDocument(
        "bystander-filter",
        {"name": getattr(filters(first[0].user), "name", "filter")},
        {"name": manifest.name, "users": len({s.user for s in first}), "scenes": len(first)},
        {PROTECTED: getattr(filters(first[0].user), "about", {})},
        tuple(figures),
        {"scenes": total},
        {"settings": [list(s) for s in settings], "turns": turns, "per_user": per_user}
        | {"seed": seed},
        (
            "A gate cannot part two voices that sound at once. With overlap, what is kept of the "
            "user carries the bystander along; what is removed of the bystander costs the user.",
        ),
    )


def _figures(
    rows: npt.NDArray[np.float64], own: Sequence[Scene], where: Mapping[str, str], seed: int
) -> list[ProbeFigure]:
    users = [scene.user for scene in own]
    columns = {name: rows[:, at] for at, name in enumerate(_NAMES)}
    columns["selectivity"] = rows[:, 0] + rows[:, 1] - 1.0
    figures = []
    for name, values in columns.items():
        found = bootstrap_groups(np.mean, values, users, seed=seed)
        ends = (found.low, found.high)
        figures.append(
            ProbeFigure(name, found.value, *ends, found.n, PROTECTED, dict(where), found.why)
        )
    return figures
