"""The blind baseline: what differs is found, by the features that show it; what does not is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import WORDS, clips, halves
from scipy.stats import mannwhitneyu, pearsonr

from voxguard.errors import ConfigurationError
from voxguard.evaluation import Manifest, Utterance, read_manifest
from voxguard.metrics import tpr_at_fpr
from voxguard.probes.membership import Clips, blind_baseline, clips_of
from voxguard.probes.membership.features import (
    RECORDING_NAMES,
    measured,
    metadata_features,
    recording_features,
)
from voxguard.probes.membership.intervals import Intervals
from voxguard.probes.membership.regression import deal, out_of_fold, unit_rows

FEW = {"resamples": 50}


def listed(count, units=None):
    names = [f"{i}" for i in range(2 * count)] if units is None else units
    utterances = tuple(Utterance(f"{i}", Path(f"{i}.wav"), names[i]) for i in range(2 * count))
    return Clips(utterances, np.arange(2 * count) < count, tuple(names))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def alike(folder):
    return halves(folder / "alike", 24, seed=2)


def test_intervals_agree_with_other_implementations():
    rng = np.random.default_rng(0)
    scores, other = rng.integers(0, 12, 120) + np.repeat([2.0, 0.0], 60), rng.normal(size=120)
    intervals = Intervals(listed(60), resamples=50)
    wins = mannwhitneyu(scores[:60], scores[60:]).statistic / 3600
    assert intervals.auc(scores).value == pytest.approx(wins)
    assert intervals.tpr(scores, 0.05).value == tpr_at_fpr(scores[:60], scores[60:], fpr=0.05)
    assert intervals.correlation(scores, other).value == pytest.approx(pearsonr(scores, other)[0])
    drop = intervals.drop(scores, other)
    assert drop.value == pytest.approx(wins - intervals.auc(other).value)
    assert drop.low <= drop.value <= drop.high


def test_a_rate_that_so_few_cannot_show_has_no_value():
    found = Intervals(listed(60)).tpr(np.arange(120.0), 0.01)
    assert found.value is None
    assert "100 non-members" in found.why


def test_clips_without_a_score_are_left_out():
    scores = np.arange(20.0)[::-1].copy()
    scores[[0, 15]] = np.nan
    found = Intervals(listed(10), resamples=20).auc(scores)
    assert (found.n, found.value) == (18, 1.0)
    nothing = Intervals(listed(10), resamples=20).auc(np.full(20, np.nan))
    assert nothing.value is None
    same = Intervals(listed(10), resamples=20).correlation(np.full(20, 0.1), scores)
    assert (same.value, same.why) == (None, "all scores are the same")


def test_speakers_are_drawn_as_a_whole():
    rng = np.random.default_rng(0)
    of_speaker = np.repeat(rng.normal(size=20), 10) + 0.1 * rng.normal(size=200)
    whole = Intervals(listed(100, [f"{i // 10}" for i in range(200)]), resamples=200)
    single = Intervals(listed(100), resamples=200)
    widths = [found.high - found.low for found in (i.auc(of_speaker) for i in (whole, single))]
    assert widths[0] > 2 * widths[1]


def test_the_regression_scores_only_whom_it_was_not_trained_on():
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(20), 10)
    own = rng.normal(size=(20, 60))[speakers]  # who speaks: tells members only if it has seen them
    clips = listed(100, [str(speaker) for speaker in speakers])
    deals = deal(clips, 0)
    for folds in deals:
        assert all(len(set(folds[speakers == speaker])) == 1 for speaker in range(20))
    found = Intervals(clips, resamples=50).auc(out_of_fold(unit_rows(own), clips.member, deals))
    assert found.low <= 0.5
    by_clip = listed(100)  # the same as if no speaker had a second clip
    leaky = out_of_fold(unit_rows(own), by_clip.member, deal(by_clip, 0))
    assert Intervals(by_clip, resamples=50).auc(leaky).value > 0.95


def test_what_says_nothing_scores_chance_and_what_tells_is_found():
    rng = np.random.default_rng(1)
    clips = listed(60)
    found = []
    for seed in range(12):
        noise = rng.normal(size=(120, 30))
        found.append(
            Intervals(clips, resamples=1)
            .auc(out_of_fold(unit_rows(noise), clips.member, deal(clips, seed)))
            .value
        )
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)
    noise[:60, 3] += 2.0
    told = out_of_fold(unit_rows(noise), clips.member, deal(clips, 0))
    assert Intervals(clips, resamples=1).auc(told).value > 0.8


def test_lists_that_are_alike_are_not_told_apart(alike):
    blind = blind_baseline(clips_of(*alike), **FEW)
    assert set(blind.auc) == {"metadata", "acoustic", "text", "all"}
    assert all(auc.low <= 0.5 for auc in blind.auc.values())
    assert blind.clips.unit == "speaker"


def test_another_level_is_heard(alike, folder):
    quiet = Manifest("quiet", clips(folder / "quiet", 24, seed=3, gain=0.05))
    blind = blind_baseline(clips_of(alike[0], quiet), **FEW)
    assert blind.strongest == "acoustic"
    assert blind.auc["acoustic"].low > 0.55
    assert blind.auc["text"].low <= 0.5


def test_the_level_of_a_recording_is_measured(folder):
    loud, quiet = (
        measured(clips(folder / f"gain-{gain}", 1, gain=gain)[0])[1][-len(RECORDING_NAMES) :]
        for gain in (1.0, 0.1)
    )
    np.testing.assert_allclose(loud[:2] - quiet[:2], 20.0, atol=0.1)
    assert loud[2] > quiet[2]


def test_another_topic_is_read(alike, folder):
    other = Manifest("other", clips(folder / "other", 24, seed=3, words=WORDS[12:]))
    first = Manifest("first", clips(folder / "first", 24, seed=4, words=WORDS[:12]))
    blind = blind_baseline(clips_of(first, other), **FEW)
    assert blind.strongest in ("text", "all")
    assert blind.auc["text"].value > 0.95


def test_columns_are_looked_at_when_named(alike):
    seen, unseen = (
        replace(side, utterances=tuple(replace(u, labels={"year": year}) for u in side.utterances))
        for side, year in zip(alike, ("2019", "2021"), strict=True)
    )
    assert blind_baseline(clips_of(seen, unseen), **FEW).auc["metadata"].value == 0.5
    named = blind_baseline(clips_of(seen, unseen), metadata=["year"], **FEW)
    assert (named.strongest, named.auc["metadata"].value) == ("metadata", 1.0)
    with pytest.raises(ConfigurationError, match="'month', which no clip has"):
        blind_baseline(clips_of(seen, unseen), metadata=["month"], **FEW)


def test_columns_become_numbers():
    def clip(i, **labels):
        return Utterance(f"{i}", Path(f"{i}.wav"), "s", session="x", labels=labels)

    row = [clip(0, age="30", accent="north"), clip(1, age="40", accent="south"),
           clip(2, accent="north"), clip(3, accent="east")]  # fmt: skip
    found = metadata_features(row, ["age", "accent"])
    # age, whether it is missing, north (no other occurs twice), kind of file
    np.testing.assert_array_equal(
        found, [[30, 0, 1, 1], [40, 0, 0, 1], [35, 1, 1, 1], [35, 1, 0, 1]]
    )
    assert metadata_features(row, ["session"]).shape == (4, 2)


def test_short_and_silent_clips_have_finite_features():
    for samples in (np.zeros(16_000, np.float32), np.full(3, 0.5, np.float32)):
        assert np.isfinite(recording_features(samples)).all()


def test_what_cannot_be_read_is_left_out_and_told(alike, folder):
    (folder / "broken.wav").write_bytes(b"RIFF nothing of the kind")
    broken = Utterance("broken", folder / "broken.wav", "speaker-0", transcript="amber")
    members = replace(alike[0], utterances=(broken, *alike[0].utterances[:9]))
    blind = blind_baseline(clips_of(members, alike[1], limit=10), **FEW)
    assert len(blind.clips) == 19
    assert list(blind.unread) == ["member/broken"]
    assert all(len(scores) == 19 for scores in blind.scores.values())
    gone = [
        Manifest(side, tuple(Utterance(f"{side}{i}", Path(f"{side}{i}"), f"{i}") for i in range(3)))
        for side in "ab"
    ]
    with pytest.raises(ConfigurationError, match="none of 6 clips can be read"):
        blind_baseline(clips_of(*gone), **FEW)


def test_lists_that_cannot_be_used_are_refused(alike):
    with pytest.raises(ConfigurationError, match="24 recordings are in both"):
        clips_of(alike[0], alike[0])
    one = replace(alike[0], utterances=alike[0].utterances[:1])
    with pytest.raises(ConfigurationError, match="two speakers or more"):
        clips_of(one, alike[1])


def test_one_speaker_alone_is_divided_by_clips(alike):
    def alone(side):
        return replace(side, utterances=tuple(replace(u, speaker="x") for u in side.utterances))

    found = clips_of(alone(alike[0]), alone(alike[1]))
    assert (found.unit, found.about()["speakers"]) == ("clip", 1)
    assert len(set(found.units)) == 48


def test_published_splits_of_real_speech_fall_to_it(shared_data):
    whole = read_manifest(shared_data / "speech" / "manifest.csv")
    short = [u for u in whole.utterances if 2.5 < float(u.labels["seconds"]) < 5.5]
    train, unseen = (
        replace(whole, utterances=tuple(u for u in short if u.labels["split"] == split))
        for split in ("train", "eval")
    )
    shifted = blind_baseline(clips_of(train, unseen, limit=24), **FEW)
    assert shifted.auc[shifted.strongest].low > 0.55  # Opus against FLAC, other people
    drawn = np.random.default_rng(0).permutation(len(train.utterances)) % 2 == 0
    parts = [replace(train, utterances=tuple(u for u, d in zip(train.utterances, drawn, strict=True)
                                             if d == side)) for side in (True, False)]  # fmt: skip
    alike = blind_baseline(clips_of(*parts, limit=24), **FEW)
    assert all(auc.low <= 0.5 for auc in alike.auc.values())
