"""A complete, plausible results document, from normal scores of which every figure is known."""

from __future__ import annotations

import copy
from itertools import pairwise
from statistics import NormalDist

from voxguard.metrics import describe_metrics

NORMAL = NormalDist()
TRIALS, SPEAKERS = 125, 13

# separation of mated from non-mated scores, in standard deviations
PANEL = {
    ("unprotected", "dvector", "cosine"): 4.6,
    ("unprotected", "dvector", "wccn"): 4.4,
    ("unprotected", "prosody", "cosine"): 1.2,
    ("ignorant", "dvector", "cosine"): 1.9,
    ("ignorant", "dvector", "wccn"): 1.8,
    ("ignorant", "prosody", "cosine"): 1.0,
    ("lazy-informed", "dvector", "cosine"): 3.0,
    ("lazy-informed", "dvector", "wccn"): 2.9,
    ("lazy-informed", "prosody", "cosine"): 1.1,
    ("semi-informed", "dvector", "wccn"): 3.2,
    ("semi-informed", "dvector", "plda"): 3.1,
    ("semi-informed", "dvector-finetuned", "cosine"): 3.35,
    ("semi-informed", "dvector-finetuned", "wccn"): 3.43,
    ("semi-informed", "prosody", "wccn"): 1.15,
}


def figure(value, spread=0.0, n=TRIALS, low=-100.0, high=100.0):
    """A figure with an interval of plus and minus `spread`, kept within its range."""
    return {
        "value": value,
        "low": max(value - spread, low),
        "high": min(value + spread, high),
        "n": n,
    }


def share(value, n=TRIALS):
    """A share with the interval that its n gives it."""
    value = min(max(value, 0.0), 1.0)
    spread = 1.96 * (max(value * (1 - value), 0.25 / n) / n) ** 0.5
    return figure(value, spread, n, 0.0, 1.0)


def nothing(why):
    return {"value": None, "low": None, "high": None, "n": 0, "why": why}


def eer_of(separation):
    return NORMAL.cdf(-separation / 2)


def attacker(knowledge, encoder, backend, separation, *, strength=1.0):
    d = separation * strength
    eer = eer_of(d)
    rank_one = min(0.98, NORMAL.cdf(d / 2) ** SPEAKERS + 0.02)
    thresholds = [-4 + (d + 8) * i / 120 for i in range(121)]
    edges = [round(-0.4 + 0.05 * i, 2) for i in range(29)]

    def counts(mean, total):
        place = [(edge - 0.5) / 0.12 for edge in edges]
        cdf = [NORMAL.cdf(p - mean) for p in place]
        return [round(total * (b - a)) for a, b in pairwise(cdf)]

    metrics = {
        "eer": share(eer),
        "rocch_eer": share(eer * 0.97),
        "cllr": figure(1.1 - 0.2 * d, 0.08, low=0.0),
        "min_cllr": figure(max(0.02, min(1.0, 3.2 * eer)), 0.06, low=0.0, high=1.0),
        "d_sys": share(max(0.0, 1 - 2.1 * eer)),
        "zebra_expected": figure(0.7 * (1 - 2 * eer), 0.05, low=0.0, high=0.721),
        "zebra_worst": figure(0.4 + 0.7 * d, 0.3, low=0.0),
        "tpr_at_fpr_1e-2": share(NORMAL.cdf(d - 2.326)),
        "tpr_at_fpr_1e-3": share(NORMAL.cdf(d - 3.09)),
        "identification_rate": share(rank_one),
        "srd_max": figure(1.1 + 0.5 * d, 0.2),
        "srd_mean": figure(max(0.0, 0.7 * d), 0.15, low=0.0),
        "singling_out_rate": share(0.368 + 0.12 * d),
        "link_rate": share(rank_one),
    }
    return {
        "name": f"{knowledge}/{encoder}/{backend}",
        "knowledge": knowledge,
        "encoder": encoder,
        "backend": backend,
        "fingerprint": f"{abs(hash_of(encoder + knowledge)):016x}",
        "seed": 0,
        "metrics": metrics,
        "zebra_tag": "C" if d > 2 else "B",
        "subgroups": {
            "sex": {
                "F": {"eer": share(min(1.0, eer * 1.3), 60)},
                "M": {"eer": share(eer * 0.7, 65)},
                "worst": "M",
                "gap": 0.6 * eer,
            }
        },
        "lengths": [
            {
                "utterances": k,
                "eer": share(eer_of(d * k**0.12), TRIALS // k),
                "identification_rate": share(min(0.99, rank_one * k**0.15), TRIALS // k),
            }
            for k in (1, 3, 5, 10)
        ],
        "populations": [
            {
                "population": n,
                "link_rate": share(max(1 / n, NORMAL.cdf(d / 2) ** (n / 3))),
                "singling_out_rate": share(0.368 + 0.1 * d),
            }
            for n in (2, 5, 10, 13)
        ],
        "det": {
            "false_match": [NORMAL.cdf(-t) for t in thresholds],
            "false_non_match": [NORMAL.cdf(t - d) for t in thresholds],
        },
        "histogram": {
            "edges": edges,
            "mated": counts(d - 2, TRIALS),
            "non_mated": counts(-2, TRIALS * (SPEAKERS - 1)),
        },
    }


def hash_of(text):
    """The same in every process, unlike `hash`."""
    value = 14695981039346656037
    for character in text.encode():
        value = (value ^ character) * 1099511628211 % 2**64
    return value


def attributes():
    rows = []
    for features, values in (("dvector", (0.99, 0.93, 0.96)), ("acoustic", (0.96, 0.71, 0.89))):
        for knowledge, value in zip(("unprotected", "ignorant", "retrained"), values, strict=True):
            rows.append(
                {
                    "attribute": "sex",
                    "classes": ["F", "M"],
                    "features": features,
                    "knowledge": knowledge,
                    "balanced_accuracy": share(value),
                    "advantage": share(value - 0.5),
                    "blind": 0.5,
                    "recall": {"F": share(value - 0.03, 60), "M": share(value + 0.01, 65)},
                    "subgroups": {
                        "age": {
                            "20-39": {"balanced_accuracy": share(value - 0.05, 70)},
                            "40-59": {"balanced_accuracy": share(value, 55)},
                            "worst": "40-59",
                            "gap": 0.05,
                        }
                    },
                }
            )
    return rows


def example(*, name="mcadams", strength=1.0, wer=0.412, trusted=False, options=None):
    """A document; `strength` scales what the attackers on anonymized speech can do."""
    attackers = [
        attacker(*key, d, strength=1.0 if key[0] == "unprotected" else strength)
        for key, d in PANEL.items()
    ]
    rivals = [one for one in attackers if one["knowledge"] != "unprotected"]
    best = min(rivals, key=lambda one: one["metrics"]["eer"]["value"])
    reasons = [] if trusted else ["13 speakers are too few: from 20 on an interval means something"]
    document = {
        "schema": "voxguard.evaluation/1",
        "voxguard": "0.1.0",
        "versions": {"python": "3.11.7", "numpy": "2.2.1", "torch": "2.11.0"},
        "machine": {"cpu": "AMD EPYC 7763", "cores": 2},
        "seed": 0,
        "command": f"voxguard evaluate data/speech --method {name} --protocol libri-mini",
        "protocol": {
            "name": "libri-mini",
            "version": 1,
            "description": "13 speakers of LibriSpeech; the attacker trains on 253 others.",
            "settings": {
                "train_draws": 2,
                "segment_s": 6.0,
                "lengths": [1, 3, 5, 10],
                "attackers": [{"encoder": "dvector", "backends": ["cosine", "wccn"]}],
                "data": {"enrolment": 5, "sessions": "cross"},
            },
        },
        "system": {
            "name": name,
            "kind": "method",
            "options": {"coefficient": [0.5, 0.9]} if options is None else options,
            "randomness": "secret",
        },
        "data": {
            "name": "speech",
            "speakers": SPEAKERS,
            "enrolment": 60,
            "trials": TRIALS,
            "seconds": 1980.1,
            "train_speakers": 253,
            "train_utterances": 1042,
            "train_draws": 2,
            "subgroups": {"sex": {"F": 6, "M": 7}},
            "excluded": [
                {"utterance": "1188-133604-0041", "speaker": "1188", "reason": "shorter than 1 s"},
                {"utterance": "121-123852-0004", "speaker": "121", "reason": "shorter than 1 s"},
                {"utterance": "2300-131720-0011", "speaker": "2300",
                 "reason": "cannot be decoded: the file ends early"},
            ],
        },
        "metrics": describe_metrics(),
        "headline": {
            "eer": best["metrics"]["eer"],
            "attacker": best["name"],
            "trusted": trusted,
            "reasons": reasons,
            "checks": [
                {
                    "check": "semi-informed not weaker than lazy-informed",
                    "passed": True,
                    "detail": "lowest EER 4.3 % against 6.7 %",
                },
                {
                    "check": "the attacker hears the source, not the target",
                    "passed": True,
                    "detail": "probe of 6 pseudo-voices: 21 % right, sources 93 %",
                },
                {
                    "check": "targets are not selected by sex",
                    "passed": None,
                    "detail": "the method has no target speakers",
                },
                {
                    "check": "enough speakers and trials",
                    "passed": trusted,
                    "detail": f"{SPEAKERS} speakers, {TRIALS} trials",
                },
            ],
        },
        "attackers": attackers,
        "disclosure": {"g_vd": figure(-1.6, 0.5, SPEAKERS), "deid": share(0.42, SPEAKERS),
                       "how": "dvector/cosine"},
        "attributes": attributes(),
        "profiles": [
            {"knowledge": "unprotected", "attributes": ["sex", "age"], "unique": share(0.31, 13),
             "correct_and_unique": share(0.23, 13)},
            {"knowledge": "retrained", "attributes": ["sex", "age"], "unique": share(0.38, 13),
             "correct_and_unique": share(0.15, 13)},
        ],
        "utility": [
            {
                "measure": "wer",
                "original": share(0.284, 1312),
                "anonymized": share(wer, 1312),
                "how": "pocketsphinx 5.1.1 en-us",
                "subgroups": {
                    "sex": {
                        "F": {"original": share(0.25, 640), "anonymized": share(wer + 0.05, 640)},
                        "M": {"original": share(0.31, 672), "anonymized": share(wer - 0.05, 672)},
                        "worst": "F",
                        "gap": 0.1,
                    }
                },
            },
            {"measure": "cer", "original": share(0.151, 6230), "anonymized": share(wer / 2, 6230),
             "how": "pocketsphinx 5.1.1 en-us"},
            {"measure": "pitch_correlation",
             "anonymized": figure(0.93, 0.02), "how": "log F0 of voiced frames"},
            {"measure": "dnsmos", "original": figure(3.4, 0.1),
             "anonymized": nothing("speechmos is not installed"), "how": "DNSMOS P.835"},
        ],
        "stress": [
            {"axis": axis, "level": level, "attacker": best["name"],
             "eer": share(eer), "wer": share(min(0.95, wer + lost), 1312)}
            for axis, level, eer, lost in (
                ("noise", "20 dB SNR", 0.06, 0.04), ("noise", "10 dB SNR", 0.11, 0.19),
                ("room", "RT60 0.6 s", 0.09, 0.13), ("codec", "telephone", 0.14, 0.21),
                ("codec", "MP3 32 kbit/s", 0.05, 0.02))
        ],
        "cost": {"rtf": figure(0.0041, 0.0002, 60), "peak_memory_mib": 210.0,
                 "seconds_of_audio": 1980.1, "how": "one core, whole files"},
        "notes": ["Cross-session trials only: same-chapter trials flatter the attacker."],
    }  # fmt: skip
    return copy.deepcopy(document)


def reference(*, name="none"):
    """Original speech as a system: nobody attacks anonymized speech, for there is none."""
    document = example(name=name, trusted=True)
    document["attackers"] = [
        one for one in document["attackers"] if one["knowledge"] == "unprotected"
    ]
    best = min(document["attackers"], key=lambda one: one["metrics"]["eer"]["value"])
    document["headline"].update(eer=best["metrics"]["eer"], attacker=best["name"])
    document["stress"], document["cost"], document["disclosure"] = [], {}, {}
    document["data"]["train_draws"] = 1
    return document


def bare():
    """The least that is valid: nothing was measured."""
    return {
        "schema": "voxguard.evaluation/1",
        "voxguard": "0.1.0",
        "seed": 0,
        "protocol": {"name": "smoke", "version": 1},
        "system": {"name": "none"},
        "data": {"speakers": 1, "trials": 0},
        "headline": {
            "eer": nothing("one speaker only"),
            "attacker": None,
            "trusted": False,
            "reasons": ["one speaker only"],
            "checks": [],
        },
        "attackers": [],
    }
