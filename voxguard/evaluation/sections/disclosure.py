"""How distinct voices stay from one another, and how far they moved from themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.evaluation.context import Context
from voxguard.evaluation.panel import Attack
from voxguard.metrics import bootstrap, deid, g_vd, linear_calibration, similarity_matrix

Json = dict[str, Any]


def disclosure(context: Context, attacks: Sequence[Attack]) -> Json:
    """G_VD and de-identification, by the first encoder that saw originals and anonymized speech.

    One calibration, learnt on original speech, serves all three matrices.
    """
    for reference in attacks:
        if reference.knowledge != "unprotected":
            continue
        same = {
            other.knowledge: other
            for other in attacks
            if (other.encoder.fingerprint, other.backend.name)
            == (reference.encoder.fingerprint, reference.backend.name)
        }
        if not {"ignorant", "lazy-informed"} <= set(same):
            continue
        try:
            return _figures(context, reference, same["ignorant"], same["lazy-informed"])
        except ConfigurationError as error:
            context.notes.append(f"G_VD and de-identification could not be computed: {error}")
            return {}
    return {}


def _figures(context: Context, original: Attack, across: Attack, anonymized: Attack) -> Json:
    calibrated = linear_calibration(original.scores.mated, original.scores.non_mated)
    matrices = [
        similarity_matrix(
            calibrated(attack.scores.scores), attack.scores.enrolled, attack.scores.trial_speakers
        )
        for attack in (original, across, anonymized)
    ]

    def figure(metric: Callable[..., float], other: Any) -> Json:
        return bootstrap(
            lambda times: metric(matrices[0], other, weights=times),
            len(matrices[0]),
            n=original.scores.scores.size,
            seed=context.protocol.seed,
            resamples=context.protocol.resamples,
        ).figure()

    how = f"{original.encoder.name}/{original.backend.name}"
    return {"g_vd": figure(g_vd, matrices[2]), "deid": figure(deid, matrices[1]), "how": how}
