"""Mixtures whose parts are known, and what a gate leaves of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from voxguard.audio import AudioWriter
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.bystanders import Mixture, kept, measure_filter, mix, scenes
from voxguard.probes.bystanders.mixture import active_rms

RATE = 16_000


@pytest.fixture(scope="module")
def turns(make_voice):
    return [
        [make_voice(seconds=1.0 + 0.5 * n, speaker=who, seed=n) for n in range(3)] for who in (1, 4)
    ]


def runs(part):
    """Where a part sounds: first and last sample of each stretch, pauses of 50 ms closed."""
    at = np.flatnonzero(part)
    breaks = np.flatnonzero(np.diff(at) > RATE // 20)
    return [(int(a[0]), int(a[-1])) for a in np.split(at, breaks + 1)]


def test_turns_alternate_with_pauses(turns):
    mixture = mix(*turns, RATE, pause_s=(0.2, 0.4))
    order = sorted([(run, "main") for run in runs(mixture.main)] +
                   [(run, "other") for run in runs(mixture.bystander)])  # fmt: skip
    assert [who for _, who in order] == ["main", "other"] * 3
    gaps = [(b[0][0] - a[0][1]) / RATE for a, b in pairwise(order)]
    assert all(0.19 < gap < 0.42 for gap in gaps)
    assert not ((mixture.main != 0) & (mixture.bystander != 0)).any()
    np.testing.assert_array_equal(mixture.samples, mixture.main + mixture.bystander)


@pytest.mark.parametrize("overlap", [0.25, 1.0])
def test_overlap_is_the_share_that_is_asked_for(overlap):
    ones = [np.ones(n * RATE, np.float32) for n in (2, 4)]
    mixture = mix(ones, [np.ones(RATE, np.float32)] * 2, RATE, overlap=overlap)
    together = (mixture.main != 0) & (mixture.bystander != 0)
    assert together.sum() == pytest.approx(overlap * 2 * RATE, abs=2)


def test_levels_stand_as_the_snr_says(turns):
    for snr_db in (0.0, 10.0, -5.0):
        mixture = mix(*turns, RATE, snr_db=snr_db)
        levels = [active_rms(part, RATE) for part in (mixture.main, mixture.bystander)]
        assert 20 * np.log10(levels[0] / levels[1]) == pytest.approx(snr_db, abs=0.7)
        assert np.abs(mixture.samples).max() <= 0.9


def test_a_seed_says_where_the_pauses_are(turns):
    one, same, other = (mix(*turns, RATE, seed=seed).samples for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape


def test_blind_gates_have_no_selectivity(turns):
    mixture = mix(*turns, RATE)
    for gain in (0.0, 0.3, 1.0):
        main, removed, main_energy, energy = kept(mixture, np.full(len(mixture.main), gain, "f4"))
        assert main + removed == pytest.approx(1.0)
        assert main_energy + energy == pytest.approx(1.0)
        assert main == pytest.approx(gain)
        assert main_energy == pytest.approx(gain**2)
    knows = (mixture.bystander == 0).astype(np.float32)
    assert kept(mixture, knows) == pytest.approx((1.0, 1.0, 1.0, 1.0), abs=0.02)


def test_what_cannot_be_mixed_is_refused(turns):
    silent = np.zeros(RATE, np.float32)
    with pytest.raises(ConfigurationError, match="turns of both"):
        mix([], turns[1], RATE)
    with pytest.raises(ConfigurationError, match="overlap"):
        mix(*turns, RATE, overlap=1.1)
    with pytest.raises(UnsupportedAudioError, match="nobody is heard"):
        mix([silent], turns[1], RATE)
    with pytest.raises(UnsupportedAudioError, match="one channel"):
        mix([np.ones((2, 10), np.float32)], turns[1], RATE)
    with pytest.raises(ConfigurationError, match="says nothing"):
        kept(Mixture(silent, turns[1][0][:RATE], RATE), silent)


@pytest.fixture(scope="module")
def people(make_voice, tmp_path_factory):
    """Three people, five utterances each, two of which are their enrolment."""
    folder = tmp_path_factory.mktemp("people")
    clips = []
    for number, speaker in enumerate((1, 4, 6)):
        for seed in range(5):
            path = folder / f"{number}-{seed}.wav"
            with AudioWriter(path, RATE, 1) as file:
                file.write(make_voice(seconds=2.5, speaker=speaker, seed=seed)[None])
            role = "enrolment" if seed < 2 else "trial"
            labels = {"sex": "M" if speaker == 4 else "F"}
            clips.append(Utterance(path.stem, path, f"s{number}", role, labels=labels))
    return Manifest("people", tuple(clips))


def test_scenes_keep_the_enrolment_out_and_choose_both_sexes(people):
    found = scenes(people, turns=2, per_user=2, seed=3)
    assert len(found) == 6
    for scene in found:
        assert scene.user != scene.bystander
        assert {u.role for u in (*scene.main, *scene.other)} == {"trial"}
        assert {u.speaker for u in scene.main} == {scene.user}
    assert [s.bystander for s in found if s.user == "s0"] == ["s2", "s1"]
    assert found == scenes(people, turns=2, per_user=2, seed=3)
    mixture = found[0].mixture()
    np.testing.assert_array_equal(mixture.samples, found[0].mixture().samples)
    with pytest.raises(ConfigurationError, match="two are needed"):
        scenes(people.select({"speaker": "s0"}))


class Oracle:
    """Opens by the truth, which it looks up; what a perfect gate would do."""

    name = "oracle"

    def __init__(self, manifest, **settings):
        self._known = {
            len(m.samples): m
            for overlap, snr in settings["settings"]
            for scene in scenes(manifest, turns=2, per_user=1, overlap=overlap, snr_db=snr)
            for m in [scene.mixture()]
        }

    def weights(self, samples, sample_rate):
        return (self._known[len(samples)].bystander == 0).astype(np.float32)


class Deaf:
    """Opens by a coin."""

    name = "coin"

    def weights(self, samples, sample_rate):
        coin = np.random.default_rng(len(samples)).random(len(samples) // 1600 + 1) < 0.5
        return np.repeat(coin, 1600)[: len(samples)].astype(np.float32)


def test_a_measurement_tells_a_perfect_gate_from_a_coin(people):
    settings = ((0.0, 0.0), (1.0, 0.0))
    how = {"settings": settings, "turns": 2, "per_user": 1}
    oracle = Oracle(people, settings=settings)
    perfect = measure_filter(people, filter_of=lambda user: oracle, **how)
    turns = {"overlap": "0", "snr_db": "0"}
    assert perfect.figure("selectivity", "protected", **turns).value > 0.95
    over = perfect.figure("main_kept", "protected", overlap="1").value
    assert over < 0.6  # a gate cannot part what sounds at once
    blind = measure_filter(people, filter_of=lambda user: Deaf(), **how)
    coin = blind.figure("selectivity", "protected", **turns)
    assert coin.low <= 0.1
    assert abs(coin.value) < 0.3
    assert perfect.counts["scenes"] == 6
