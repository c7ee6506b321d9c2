"""The probe on planted embeddings: what they hold is known."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.backends import create_backend
from voxguard.attacks.target_probe import probe_targets
from voxguard.errors import ConfigurationError

SOURCES, TARGETS, UTTERANCES, SIZE = 10, 6, 6, 24


def planted(source_weight, target_weight, *, noise=0.15, utterance_weight=0.3, seed=0):
    rng = np.random.default_rng(seed)
    voices, pseudo = rng.normal(size=(SOURCES, SIZE)), rng.normal(size=(TARGETS, SIZE))
    said = rng.normal(size=(SOURCES, UTTERANCES, SIZE))
    rows, sources, targets, utterances = [], [], [], []
    for s in range(SOURCES):
        for u in range(UTTERANCES):
            for t in range(TARGETS):
                rows.append(
                    source_weight * voices[s]
                    + target_weight * pseudo[t]
                    + utterance_weight * said[s, u]
                    + noise * rng.normal(size=SIZE)
                )
                sources.append(f"s{s}")
                targets.append(f"t{t}")
                utterances.append(f"s{s}-u{u}")
    return np.array(rows), sources, targets, utterances


def test_an_attacker_that_hears_the_source():
    probe = probe_targets(*planted(1.0, 0.0))
    assert probe.source > 0.95
    assert abs(probe.target) < 0.15
    assert not probe.hears_target
    assert (probe.sources, probe.targets, probe.vectors) == (SOURCES, TARGETS, 360)


def test_an_attacker_that_hears_the_target():
    probe = probe_targets(*planted(0.0, 1.0))
    assert probe.target > 0.95
    assert probe.source < 0.15
    assert probe.hears_target
    assert probe.excess_interval[0] > 0.5


def test_an_attacker_that_hears_both_is_not_deceived():
    probe = probe_targets(*planted(1.0, 1.0, noise=0.05))
    assert probe.source > 0.9
    assert probe.target > 0.9
    assert not probe.hears_target


def test_an_attacker_that_hears_neither():
    probe = probe_targets(*planted(0.0, 0.0, utterance_weight=0.0))
    assert abs(probe.source) < 0.12
    assert abs(probe.target) < 0.12
    assert not probe.hears_target


def test_utterances_alone_do_not_pass_for_the_source():
    """What is known of an utterance in one voice does not help with the source of another."""
    probe = probe_targets(*planted(0.0, 0.0, utterance_weight=3.0))
    assert probe.source < 0.12


def test_the_intervals_hold_the_figures_and_shrink():
    probe = probe_targets(*planted(0.2, 0.2, noise=0.5))
    for value, (low, high) in (
        (probe.source, probe.source_interval),
        (probe.target, probe.target_interval),
        (probe.target - probe.source, probe.excess_interval),
    ):
        assert low <= value <= high
        assert 0.0 < high - low < 0.6


def test_the_back_end_decides_what_is_heard():
    """A back-end that has learnt to look past the pseudo-voices leaves nothing of them."""
    rows, sources, targets, utterances = planted(0.5, 2.0)
    trained = create_backend("wccn", shrinkage=0.01).fit(rows, sources)
    before = probe_targets(rows, sources, targets, utterances)
    after = probe_targets(rows, sources, targets, utterances, backend=trained)
    assert after.source >= before.source
    assert after.source > 0.9


def test_the_same_seed_gives_the_same():
    given = planted(0.3, 0.3, noise=0.6)
    assert probe_targets(*given, seed=3) == probe_targets(*given, seed=3)


def _without(rows, sources, targets, utterances):
    """A set in which one source lacks one pseudo-voice."""
    kept = [n for n, pair in enumerate(zip(sources, targets, strict=True)) if pair != ("s0", "t0")]
    return rows[kept], *([c[n] for n in kept] for c in (sources, targets, utterances))


def test_the_smallest_set():
    rows, sources, targets, utterances = planted(1.0, 0.0)
    kept = [
        n
        for n in range(len(rows))
        if sources[n] in ("s0", "s1") and targets[n] in ("t0", "t1") and utterances[n][-1] in "01"
    ]
    probe = probe_targets(
        rows[kept], *([c[n] for n in kept] for c in (sources, targets, utterances))
    )
    assert probe.source == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, s, t, u: (r, ["s0"] * len(s), t, u), "got 1, 6 and 60"),
        (lambda r, s, t, u: (r, s, ["t0"] * len(t), u), "got 10, 1 and 6"),
        (lambda r, s, t, u: (r, s, t, s), "got 10, 6 and 1"),
        (lambda r, s, t, u: (r, s[1:], t, u), "359 sources"),
        (lambda r, s, t, u: (r, s, t[1:], u), "359 targets"),
        (lambda r, s, t, u: (r, s, t, u[1:]), "359 utterances"),
        (lambda r, s, t, u: (r, [*s[:-1], "new"], t, u), "got 11, 6 and 1"),
        (lambda r, s, t, u: _without(r, s, t, u), "every source in every"),
        (lambda r, s, t, u: (r * np.nan, s, t, u), "NaN"),
    ],
)
def test_what_cannot_be_probed(change, message):
    with pytest.raises(ConfigurationError, match=message):
        probe_targets(*change(*planted(1.0, 0.0)))
