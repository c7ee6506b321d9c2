"""What each attacker of the panel reached, in every metric, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from voxguard.attacks.verification import ScoreMatrix
from voxguard.errors import ConfigurationError
from voxguard.evaluation.calibration import cross_calibrated
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Utterance
from voxguard.evaluation.panel import Attack, score
from voxguard.evaluation.store import Embedded
from voxguard.metrics import (
    Ranks,
    bootstrap_groups,
    bootstrap_speakers,
    cllr,
    d_sys,
    det_curve,
    eer,
    identified,
    isolation,
    linked,
    min_cllr,
    rank_trials,
    rocch_eer,
    score_histogram,
    srd_max,
    srd_mean,
    tpr_at_fpr,
    true_rows,
    zebra_expected,
    zebra_tag,
    zebra_worst,
)

Json = dict[str, Any]
_DET_POINTS = 60
_HISTOGRAM_BINS = 30
_SLOW_RESAMPLES = 200  # of metrics that fit a distribution to every resample

_SCORE_METRICS: dict[str, Callable[..., float]] = {
    "eer": eer,
    "rocch_eer": rocch_eer,
    "min_cllr": min_cllr,
    "d_sys": d_sys,
    "zebra_expected": zebra_expected,
    "zebra_worst": zebra_worst,
    "tpr_at_fpr_1e-2": partial(tpr_at_fpr, fpr=1e-2),
    "tpr_at_fpr_1e-3": partial(tpr_at_fpr, fpr=1e-3),
}


def attackers(context: Context, attacks: Sequence[Attack]) -> list[Json]:
    """One entry an attacker."""
    tell = context.stage("compute the figures")
    entries = []
    for number, attack in enumerate(attacks):
        tell(number, len(attacks))
        entries.append(_entry(context, attack))
    return entries


def _entry(context: Context, attack: Attack) -> Json:
    protocol = context.protocol
    figures = Figures(attack.scores, protocol.resamples, protocol.seed)
    entry: Json = {
        "name": attack.name,
        "knowledge": attack.knowledge,
        "encoder": attack.called,
        "backend": attack.backend.name,
        "fingerprint": attack.encoder.fingerprint,
        "options": attack.encoder.options,
        "seed": protocol.seed,
        "metrics": figures.everything(),
        "subgroups": _subgroups(context, attack),
        "lengths": _lengths(context, attack),
        "populations": figures.populations(protocol.populations),
    }
    worst = entry["metrics"]["zebra_worst"]["value"]
    if worst is not None:
        entry["zebra_tag"] = zebra_tag(worst)
    det = det_curve(attack.scores.mated, attack.scores.non_mated, points=_DET_POINTS)
    bars = score_histogram(attack.scores.mated, attack.scores.non_mated, bins=_HISTOGRAM_BINS)
    history = getattr(attack.encoder, "history", None)
    return entry | {
        "det": {name: _rounded(values) for name, values in det._asdict().items()},
        "histogram": {name: values.tolist() for name, values in bars._asdict().items()},
        **({"training": history} if history else {}),
    }


class Figures:
    """Figures of one score matrix.

    Args:
        scores: Enrolled speakers by trials.
        resamples: Of the bootstrap over speakers.
        seed: Of the bootstrap, and of the halves for calibration.
    """

    def __init__(self, scores: ScoreMatrix, resamples: int, seed: int) -> None:
        self._scores = scores
        self._resamples = resamples
        self._seed = seed
        self._known = scores.restricted(trial_mask=_open_trials(scores))

    def everything(self) -> Json:
        """Every metric of the catalogue that is of one score matrix."""
        figures = {name: self.of(metric) for name, metric in _SCORE_METRICS.items()}
        figures["cllr"] = _or_why(lambda: self._calibrated())
        if not self._known.trials:
            return figures
        figures["identification_rate"] = self.identification()
        ranks = self._ranks()
        for name, metric in (("srd_max", srd_max), ("srd_mean", srd_mean)):
            resamples = min(self._resamples, _SLOW_RESAMPLES)
            figures[name] = bootstrap_groups(
                partial(_of_some, metric, ranks),
                np.arange(len(ranks)),
                self._known.trial_speakers,
                seed=self._seed,
                resamples=resamples,
            ).figure()
        everybody = len(self._known.enrolled)
        return figures | {
            "link_rate": self._link(everybody),
            "singling_out_rate": self._singling_out(everybody),
        }

    def of(self, metric: Callable[..., float]) -> Json:
        """A metric of mated and non-mated scores."""
        return self._bootstrap(metric, self._scores)

    def identification(self) -> Json:
        """Rank-1 identification among all enrolled speakers."""
        return self._mean(identified(self._ranks()))

    def populations(self, sizes: Sequence[int]) -> list[Json]:
        """Linking and singling out in populations that the enrolled speakers make up."""
        most = len(self._known.enrolled) if self._known.trials else 0
        return [
            {
                "population": size,
                "link_rate": self._link(size),
                "singling_out_rate": self._singling_out(size),
            }
            for size in sizes
            if 2 <= size <= most
        ]

    def _bootstrap(self, metric: Callable[..., float], scores: ScoreMatrix) -> Json:
        return bootstrap_speakers(
            metric,
            scores.scores,
            scores.enrolled,
            scores.trial_speakers,
            allowed=scores.allowed,
            seed=self._seed,
            resamples=self._resamples,
        ).figure()

    def _calibrated(self) -> Json:
        return self._bootstrap(cllr, cross_calibrated(self._scores, self._seed))

    def _ranks(self) -> Ranks:
        rows = true_rows(self._known.enrolled, self._known.trial_speakers)
        return rank_trials(self._known.scores, rows)

    def _link(self, population: int) -> Json:
        return self._mean(linked(self._ranks(), population))

    def _singling_out(self, population: int) -> Json:
        def figure() -> Json:
            known = self._known
            rates = isolation(known.scores, known.enrolled, known.trial_speakers, population)
            return self._mean(np.array([*rates.values()]), [*rates])

        return _or_why(figure)

    def _mean(self, values: Any, speakers: Sequence[str] | None = None) -> Json:
        return bootstrap_groups(
            np.mean,
            values,
            self._known.trial_speakers if speakers is None else speakers,
            seed=self._seed,
            resamples=self._resamples,
        ).figure()


def _open_trials(scores: ScoreMatrix) -> Any:
    """Trials of an enrolled speaker that may be compared with everybody who is enrolled."""
    enrolled = set(scores.enrolled)
    mask = np.array([speaker in enrolled for speaker in scores.trial_speakers])
    return mask if scores.allowed is None else mask & scores.allowed.all(axis=0)


def _of_some(metric: Callable[[Ranks], float], ranks: Ranks, chosen: Any) -> float:
    return metric(ranks.take(chosen))


def _subgroups(context: Context, attack: Attack) -> Json:
    """Trials within one group: enrolled and tried speaker are of the same."""
    groups: Json = {}
    for column in context.protocol.subgroups:
        label = label_by_speaker(context.sets.evaluated, column)
        if label is None:
            context.notes.append(f"no figures by {column}, which varies within a speaker")
            continue
        found: Json = {}
        for value in sorted({*label.values()} - {""}):
            members = [who for who in attack.scores.enrolled if label.get(who) == value]
            mask = np.array([label.get(who) == value for who in attack.scores.trial_speakers])
            if len(members) < 2 or not mask.any():
                continue
            within = attack.scores.restricted(enrolled=members, trial_mask=mask)
            if within.mated.size and within.non_mated.size:
                figures = Figures(within, context.protocol.resamples, context.protocol.seed)
                found[value] = {"eer": figures.of(eer)}
        if len(found) > 1:
            lowest = min(found, key=lambda value: found[value]["eer"]["value"])
            values = [figure["eer"]["value"] for figure in found.values()]
            groups[column] = found | {"worst": lowest, "gap": max(values) - min(values)}
    return groups


def _lengths(context: Context, attack: Attack) -> list[Json]:
    """The attacker hears several utterances of one speaker and takes their mean."""
    usable = _open_trials(attack.scores)
    trials = Embedded(
        attack.trials.vectors[usable],
        tuple(r for r, use in zip(attack.trials.recordings, usable, strict=True) if use),
    )
    figures = []
    for length in context.protocol.lengths:
        heard = _conversations(trials, length, context.protocol.seed)
        if heard is None:
            continue
        scores = score(attack.backend, attack.enrolment, heard, context.sets)
        made = Figures(scores, context.protocol.resamples, context.protocol.seed)
        figures.append(
            {
                "utterances": length,
                "eer": made.of(eer),
                "identification_rate": made.identification(),
            }
        )
    return figures


def label_by_speaker(utterances: Sequence[Utterance], column: str) -> dict[str, str] | None:
    """The label of each speaker; None if a speaker has several."""
    labels: dict[str, str] = {}
    for utterance in utterances:
        value = utterance.labels.get(column, "")
        if labels.setdefault(utterance.speaker, value) != value:
            return None
    return labels


def _conversations(trials: Embedded, length: int, seed: int) -> Embedded | None:
    """Trial utterances of each speaker in groups of a length, as the mean of their directions."""
    rng = np.random.default_rng([seed, length])
    speakers = np.array(trials.speakers)
    unit = trials.vectors / np.linalg.norm(trials.vectors, axis=1, keepdims=True)
    vectors, recordings = [], []
    for speaker in sorted(set(speakers)):
        order = rng.permutation(np.flatnonzero(speakers == speaker))
        for start in range(0, len(order) - length + 1, length):
            group = order[start : start + length]
            vectors.append(unit[group].mean(axis=0))
            recordings.append(trials.recordings[group[0]])
    if len({recording.speaker for recording in recordings}) < 2:
        return None
    return Embedded(np.stack(vectors), tuple(recordings))


def _or_why(figure: Callable[[], Json]) -> Json:
    try:
        return figure()
    except ConfigurationError as error:
        return {"value": None, "low": None, "high": None, "n": 0, "why": str(error)}


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]
