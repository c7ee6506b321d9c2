"""The enrolled voice is kept, another is muted, and what cannot be told is muted as well."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import soundfile

import voxguard
from voxguard.audio import read
from voxguard.bystanders import EnrolledSpeakerFilter
from voxguard.bystanders.likeness import Voiceprint
from voxguard.errors import (
    ConfigurationError,
    NonFiniteAudioError,
    OutputError,
    PrivacyWarning,
    UnsupportedAudioError,
    VoxguardError,
)
from voxguard.evaluation.manifest import read_manifest
from voxguard.models.dvector import DVectorModel
from voxguard.probes.bystanders import enrolled_filters, kept, scenes

torch = pytest.importorskip("torch")
pytest.importorskip("resemblyzer")

RATE = 16_000
USER, OTHER = 1, 4


@pytest.fixture(scope="module")
def encoder():
    return DVectorModel()


@pytest.fixture(scope="module")
def user(make_voice):
    return make_voice(seconds=9.0, speaker=USER)


@pytest.fixture(scope="module")
def talk(make_voice, user):
    """4 s of the user, 4 s of somebody else, 3 s of the user."""
    other = make_voice(seconds=4.0, speaker=OTHER, seed=2)
    return np.concatenate([user[5 * RATE :], other, make_voice(seconds=3.0, speaker=USER, seed=3)])


@pytest.fixture(scope="module")
def keep(user, encoder):
    return EnrolledSpeakerFilter([user[: 5 * RATE]], RATE, encoder=encoder)


def seconds_of(heard, start, stop, rate=RATE):
    return float(np.mean(np.abs(heard[..., round(start * rate) : round(stop * rate)]) > 0))


def test_the_user_is_kept_and_the_other_is_muted(keep, talk):
    heard = keep(talk, RATE)
    assert heard.shape == talk.shape
    assert heard.dtype == np.float32
    np.testing.assert_array_equal(heard[: 3 * RATE], talk[: 3 * RATE])
    assert not heard[round(4.6 * RATE) : round(7.4 * RATE)].any()
    assert seconds_of(heard, 8.6, 11.0) > 0.9


def test_it_makes_no_difference_how_loud_it_is(keep, talk):
    weights = keep.weights(talk, RATE)
    for gain in (0.01, 5.0):
        np.testing.assert_allclose(keep.weights(talk * np.float32(gain), RATE), weights, atol=1e-3)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_other_rates_and_channels_share_one_gate(keep, make_voice, rate):
    parts = [make_voice(rate, 3.0, USER, 7), make_voice(rate, 3.0, OTHER, 8)]
    both = np.stack([np.concatenate(parts), 0.5 * np.concatenate(parts)])
    heard = keep(both, rate)
    np.testing.assert_array_equal(heard[1], 0.5 * heard[0])
    assert seconds_of(heard, 3.6, 6.0, rate) == 0.0
    if rate > RATE:  # narrow-band speech of the user may be muted: it is not what was enrolled
        assert seconds_of(heard, 0.0, 2.4, rate) > 0.9


def test_integers_and_tensors_come_back_as_they_went(keep, talk):
    whole = np.rint(talk * 20_000).astype(np.int16)
    assert keep(whole, RATE).dtype == np.int16
    assert isinstance(keep(torch.from_numpy(talk.copy()), RATE), torch.Tensor)


def test_what_has_no_voice_of_the_user_is_muted(keep):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=3 * RATE).astype(np.float32) * 0.1
    tone = np.sin(np.arange(3 * RATE) * 0.05).astype(np.float32)
    for signal in (noise, tone, np.zeros(3 * RATE, np.float32), noise[:10]):
        assert not keep(signal, RATE).any()


class Broken(DVectorModel):
    """Breaks, or gives what is no vector."""

    how = "raise"

    def __call__(self, mels):
        vectors = super().__call__(mels)
        if self.how == "raise":
            raise RuntimeError("the samples were [0.1, 0.2]")
        if self.how == "nan":
            return torch.full_like(vectors, torch.nan)
        return torch.zeros_like(vectors) if self.how == "zero" else vectors


def test_a_broken_recogniser_lets_nothing_through(user, talk):
    encoder = Broken()
    encoder.how = ""
    keep = EnrolledSpeakerFilter([user[: 5 * RATE]], RATE, encoder=encoder)
    strict = EnrolledSpeakerFilter([user[: 5 * RATE]], RATE, encoder=encoder, on_failure="raise")
    assert keep(talk, RATE).any()
    for how in ("nan", "zero"):
        encoder.how = how
        assert not keep(talk, RATE).any()
    encoder.how = "raise"
    with pytest.warns(PrivacyWarning, match="was muted") as told:
        assert not keep(talk, RATE).any()
    assert "0.1" not in str(told[0].message)
    with pytest.raises(VoxguardError, match="RuntimeError"):
        strict(talk, RATE)
    with pytest.raises(VoxguardError):
        keep.weights(talk, RATE)


def test_what_is_kept_goes_through_an_anonymizer(user, talk, encoder):
    heard = []

    def flips(samples, sample_rate, speaker=None):
        heard.append((samples, speaker))
        return -samples

    keep = EnrolledSpeakerFilter([user[: 5 * RATE]], RATE, encoder=encoder, then=flips)
    made = keep(talk, RATE, speaker="ann")
    np.testing.assert_array_equal(made, -heard[0][0][0])
    assert heard[0][1] == "ann"
    assert not made[5 * RATE : 7 * RATE].any()
    mcadams = EnrolledSpeakerFilter(
        [user[: 5 * RATE]], RATE, encoder=encoder, then=voxguard.McAdams()
    )
    anonymous = mcadams(talk, RATE)
    assert anonymous.any()
    assert not np.allclose(anonymous, keep(talk, RATE))
    assert mcadams.about["then"] == "mcadams"

    def short(samples, sample_rate):
        return samples[:, :10]

    with pytest.raises(VoxguardError, match="shape"):
        EnrolledSpeakerFilter([user[: 5 * RATE]], RATE, encoder=encoder, then=short)(talk, RATE)


def test_files_go_in_and_out(keep, talk, tmp_path):
    soundfile.write(tmp_path / "in.wav", talk, RATE, subtype="FLOAT")
    keep.file(tmp_path / "in.wav", tmp_path / "out.flac")
    heard, rate = read(tmp_path / "out.flac")
    assert (heard.shape, rate) == ((1, talk.size), RATE)
    assert not heard[0, 5 * RATE : 7 * RATE].any()
    with pytest.raises(OutputError):
        keep.file(tmp_path / "in.wav", tmp_path / "out.flac")
    again = EnrolledSpeakerFilter.from_files([tmp_path / "in.wav"], closes=0.0, opens=1.0)
    assert again(talk, RATE).any()


def test_the_voiceprint_does_not_show(keep):
    shown = repr(keep) + repr(vars(keep)["_voiceprint"]) + str(keep.about)
    assert "array" not in shown
    assert set(keep.about["options"]) == {"opens", "closes", "guard_s"}


def test_enrolments_that_are_none_are_refused(make_voice, user, encoder):
    with pytest.raises(ConfigurationError, match=r"has 1\.0 s of speech"):
        EnrolledSpeakerFilter([user[:RATE]], RATE, encoder=encoder)
    with pytest.raises(ConfigurationError, match=r"has 0\.0 s of speech"):
        EnrolledSpeakerFilter([np.zeros(5 * RATE, np.float32)], RATE, encoder=encoder)
    with pytest.raises(ConfigurationError, match=r"has 0\.0 s of speech"):
        EnrolledSpeakerFilter([], RATE, encoder=encoder)
    noise = np.random.default_rng(1).normal(size=5 * RATE).astype(np.float32)
    crowd = [make_voice(seconds=2.0, speaker=s, seed=s) for s in (0, 1, 6, 10, 12, 14)]
    with pytest.raises(ConfigurationError, match="one person"):
        EnrolledSpeakerFilter([noise, *crowd], RATE, encoder=encoder, opens=9.0, closes=9.0)
    with pytest.raises(NonFiniteAudioError):
        EnrolledSpeakerFilter([np.full(5 * RATE, np.nan)], RATE, encoder=encoder)


def test_options_out_of_range_are_refused(user, encoder, keep):
    for options in ({"opens": 1.0, "closes": 2.0}, {"guard_s": -1.0}, {"closes": float("nan")}):
        with pytest.raises(ConfigurationError, match="closes="):
            EnrolledSpeakerFilter([user], RATE, encoder=encoder, **options)
    with pytest.raises(ConfigurationError, match="on_failure="):
        EnrolledSpeakerFilter([user], RATE, encoder=encoder, on_failure="pass")
    with pytest.raises(NonFiniteAudioError):
        keep(np.full(RATE, np.inf, np.float32), RATE)
    with pytest.raises(UnsupportedAudioError):
        keep([0.0, 1.0], RATE)


def test_a_voiceprint_is_likest_to_its_own_voice(user, make_voice, encoder):
    voiceprint = Voiceprint([user[: 5 * RATE]], encoder=encoder)
    own = voiceprint.likeness(user[5 * RATE :])
    others = [voiceprint.likeness(make_voice(seconds=2.0, speaker=s, seed=9)) for s in (0, 4, 7)]
    assert own.shape == (40,)
    assert np.median(own) > max(float(other.max()) for other in others)


def test_real_conversations_in_turns(shared_data, encoder):
    manifest = read_manifest(shared_data / "speech" / "manifest.csv").select(
        {"split": "eval", "speaker": ["1088", "163", "1898"]}
    )
    filter_of = enrolled_filters(manifest, encoder=encoder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = [
            kept(mixture, filter_of(scene.user).weights(mixture.samples, RATE))
            for scene in scenes(manifest, turns=2, per_user=1, longest_s=4.0)
            for mixture in [scene.mixture()]
        ]
    main, removed = np.mean(rows, axis=0)[:2]
    assert main > 0.75
    assert removed > 0.95
