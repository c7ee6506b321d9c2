"""Conversion of recordings, by a small random network: all that does not rest on its training."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tiny_converter

from voxguard.errors import ConfigurationError
from voxguard.models import converter as module
from voxguard.models.converter import Converter, check_levels, levelled
from voxguard.models.network_numpy import NumpyNetwork
from voxguard.models.pool import SpeakerPool
from voxguard.models.prosody import Intonation, Tempo
from voxguard.models.shipped import pretrained, save

pytest.importorskip("torch")

RATE = 16_000
DEEP = {"encoder": (1, 2, 4, 1, 2, 4, 1), "decoder": (1, 2, 4, 1, 2, 4, 1)}  # as it is shipped


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny_converter.save_converter(tmp_path_factory.mktemp("c") / "converter.safetensors")


@pytest.fixture(scope="module")
def converter(path):
    return Converter.from_pretrained(path)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    pool = tmp_path_factory.mktemp("p") / "pool.safetensors"
    return SpeakerPool.load(tiny_converter.save_pool(pool)).target(3)


def _convert(converter, samples, target, seed=0, **options):
    return converter.convert(samples, target, rng=np.random.default_rng(seed), **options)


def _rms_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


class TestConvert:
    @pytest.mark.parametrize("levels", [1, 2, 3, 4, None])
    def test_the_form_stays_and_the_voice_does_not(self, converter, voice, target, levels):
        out = _convert(converter, voice, target, levels=levels)
        assert out.shape == voice.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
        assert abs(np.corrcoef(out, voice)[0, 1]) < 0.3

    def test_it_is_pure(self, converter, voice, target):
        before = voice.copy()
        options = {"intonation": Intonation(0.5, 1), "tempo": Tempo(1.05, 0.1, 2)}
        one = _convert(converter, voice, target, **options)
        assert np.array_equal(one, _convert(converter, voice, target, **options))
        assert np.array_equal(voice, before)

    def test_all_of_it_changes_the_result(self, converter, voice, target):
        base = _convert(converter, voice, target)
        others = [
            _convert(converter, voice, target, seed=1),
            _convert(converter, voice, target, levels=1),
            _convert(converter, voice, target, intonation=Intonation(0.5, 1)),
            _convert(converter, voice, target, tempo=Tempo(1.0, 0.1, 1)),
            _convert(converter, voice, target._replace(vector=-target.vector)),
            _convert(converter, voice, target._replace(log_f0_mean=5.5)),
        ]
        assert all(np.abs(other - base).max() > 1e-3 for other in others)

    @pytest.mark.parametrize("speaker", range(4))
    @pytest.mark.parametrize("gain_db", [-94, -40, 0, 26, 80])
    def test_the_level_stays(self, converter, make_voice, target, speaker, gain_db):
        """Also of 1e-6 of full scale, and of integers that were taken for floats."""
        voice = make_voice(speaker=speaker) * np.float32(10 ** (gain_db / 20))
        out = _convert(converter, voice, target)
        assert abs(_rms_db(out) - _rms_db(voice)) < 1.0

    def test_faint_speech_is_converted_as_loud_speech(self, converter, voice, target):
        loud, faint = (_convert(converter, np.ldexp(voice, k), target) for k in (0, -25))
        assert np.array_equal(np.ldexp(faint, 25), loud)

    def test_a_knock_does_not_turn_the_speech_down(self, converter, make_voice, target):
        """Even where the tempo has moved it."""
        voice = make_voice(seconds=2.0).copy()
        voice[RATE : RATE + 400] = np.random.default_rng(0).uniform(-1, 1, 400)
        for tempo in (None, Tempo(1.05, 0.1, 2), Tempo(0.95, 0.1, 3)):
            out = _convert(converter, voice, target, tempo=tempo)
            for part in (slice(0, 12_000), slice(20_000, None)):
                assert abs(_rms_db(out[part]) - _rms_db(voice[part])) < 3.0

    def test_speech_in_full_scale_stays_in_it(self, converter, voice, target):
        full = voice / np.abs(voice).max()
        clipped = np.clip(4 * full, -1, 1)
        for loud in (full, clipped):
            assert np.abs(_convert(converter, loud, target)).max() <= 1.0

    def test_the_pitch_is_the_targets(self, converter, make_voice, target):
        from voxguard.dsp.pitch import track_f0

        voice = make_voice(seconds=3.0, speaker=2)
        track = track_f0(_convert(converter, voice, target))
        assert abs(np.log(np.median(track[track > 0])) - target.log_f0_mean) < 0.1


class TestSilence:
    @pytest.mark.parametrize("length", [1, 160, 5000])
    def test_it_stays(self, converter, target, length):
        out = _convert(converter, np.zeros(length, np.float32), target)
        assert out.shape == (length,)
        assert not out.any()

    @pytest.mark.parametrize("tempo", [None, Tempo(1.1, 0.1, 3)])
    def test_within_speech_nothing_is_heard(self, converter, make_voice, target, tempo):
        voice = make_voice(seconds=2.0)
        mute = np.concatenate([voice, np.zeros(3 * RATE, np.float32), voice])
        out = _convert(converter, mute, target, tempo=tempo)
        pause = out[3 * RATE : 4 * RATE]  # its middle, wherever the speech has moved
        assert _rms_db(pause + 1e-20) < _rms_db(out) - 60.0


class TestOddSignals:
    @pytest.mark.parametrize("length", [1, 2, 10, 159, 160, 161, 400, 1000])
    def test_short_ones(self, converter, voice, target, length):
        for signal in (voice[4000:][:length], np.ones(length, np.float32)):
            for tempo in (None, Tempo(1.1, 0.2, 1)):
                out = _convert(converter, signal, target, tempo=tempo)
                assert out.shape == (length,)
                assert np.isfinite(out).all()

    @pytest.mark.parametrize(
        "signal",
        [
            0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE),
            0.5 * np.sin(2 * np.pi * 7900 * np.arange(RATE) / RATE),
            np.sign(np.sin(2 * np.pi * 110 * np.arange(RATE) / RATE) + 1e-6),
            np.random.default_rng(0).uniform(-1, 1, RATE),
            np.full(RATE, 0.4),
            np.eye(1, RATE, 9000)[0],
            np.full(RATE, 1e-40),
            np.full(RATE, 1e30),
            np.concatenate([np.zeros(RATE), 1e-7 * np.ones(1)]),
        ],
        ids=["tone", "high tone", "square", "noise", "DC", "click", "denormal", "huge", "last"],
    )
    def test_anything_gives_finite_samples(self, converter, target, signal):
        samples = signal.astype(np.float32)
        out = _convert(converter, samples, target)
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 2 * np.abs(samples).max()


class TestChunks:
    @pytest.mark.parametrize("causal", [False, True])
    def test_they_leave_no_seam(self, tmp_path, target, monkeypatch, causal):
        path = tiny_converter.save_converter(tmp_path / "w", causal=causal, **DEEP)
        converter = Converter(pretrained(path, ""))
        rng = np.random.default_rng(1)
        heard = rng.standard_normal((1801, 80)).astype(np.float32)
        pitch = rng.standard_normal((3, 1801)).astype(np.float32)
        whole = converter.decode(heard, pitch, target, None)
        assert whole.shape == (1801, 81)
        for chunk in (200, 334):
            monkeypatch.setattr(module, "CHUNK", chunk)
            cut = converter.decode(heard, pitch, target, None)
            assert np.abs(cut - whole).max() < 1e-4

    def test_they_have_the_segments_of_the_whole(self, tmp_path, target, monkeypatch):
        path = tiny_converter.save_converter(tmp_path / "w", **DEEP)
        converter = Converter(pretrained(path, ""))
        heard = np.random.default_rng(1).standard_normal((1801, 80)).astype(np.float32)
        pitch = np.zeros((3, 1801), np.float32)
        whole = converter.decode(heard, pitch, target, 2, 15.0)
        assert np.abs(converter.decode(heard, pitch, target, 2) - whole).max() > 1e-3
        plain = converter.decode(heard, pitch, target, None)
        assert np.array_equal(converter.decode(heard, pitch, target, None, 15.0), plain)
        monkeypatch.setattr(module, "CHUNK", 334)
        cut = converter.decode(heard, pitch, target, 2, 15.0)
        assert np.mean(np.abs(cut - whole).max(axis=1) > 1e-3) < 0.01  # codes at a border may flip

    def test_their_context_is_what_the_network_hears(self, tmp_path):
        """See ``test_how_far_it_hears`` for what that is."""
        for causal, expected in ((False, 64), (True, 128)):
            path = tiny_converter.save_converter(tmp_path / "w", causal=causal, **DEEP)
            assert Converter.from_pretrained(path).network.context == expected

    def test_without_the_context_there_are_seams(self, tmp_path, target, monkeypatch):
        """That the test above can fail."""
        path = tiny_converter.save_converter(tmp_path / "w", **DEEP)
        converter = Converter(pretrained(path, ""))
        heard = np.random.default_rng(1).standard_normal((600, 80)).astype(np.float32)
        pitch = np.zeros((3, 600), np.float32)
        whole = converter.decode(heard, pitch, target, None)
        monkeypatch.setattr(module, "CHUNK", 200)
        monkeypatch.setattr(NumpyNetwork, "context", 2)
        assert np.abs(converter.decode(heard, pitch, target, None) - whole).max() > 1e-3

    def test_memory_grows_with_the_samples_only(self, tmp_path):
        """No array of all frames by all bins, which would be several times more."""
        path = tiny_converter.save_converter(tmp_path / "w")
        code = f"""
import resource, numpy as np
from voxguard.models.converter import Converter
from voxguard.models.pool import Target
from voxguard.models.prosody import Intonation, Tempo
converter = Converter.from_pretrained({str(path)!r})
target = Target(np.eye(256, dtype=np.float32)[0], 5.0, 0.2)
def convert(seconds):
    t = np.arange(seconds * 16000, dtype=np.float32)
    x = np.sign(np.sin(0.05 * t)) * (0.2 + 0.1 * np.sin(2e-4 * t))
    options = dict(intonation=Intonation(0.5, 0), tempo=Tempo(1.0, 0.1, 0))
    converter.convert(x.astype(np.float32), target, rng=np.random.default_rng(0), **options)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(convert(20), convert(260))
"""
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        short, long = map(int, run.stdout.split())
        assert long - short < 160  # MB: ten times that of the samples


class TestForeignWeights:
    @pytest.mark.parametrize(
        "metadata",
        [
            {},
            {"shape": {}},
            {"shape": [1, 2]},
            {"shape": {"width": 48}},
            {"shape": {"colour": 3}},
            {"shape": {"width": -1}},
            {"shape": {"width": "wide"}},
            {"shape": {"width": 10**7}},  # more than there is memory for
        ],
        ids=str,
    )
    def test_they_are_refused(self, tmp_path, metadata):
        path = tiny_converter.save_converter(tmp_path / "w", metadata=metadata)
        with pytest.raises(ConfigurationError, match="not weights of voxguard's converter"):
            Converter.from_pretrained(path)

    @pytest.mark.parametrize("shape", [{"bands": 40}, {"speaker": 192}], ids=str)
    def test_those_of_another_front_end_are_refused(self, tmp_path, shape):
        path = tiny_converter.save_converter(tmp_path / "w", **shape)
        with pytest.raises(ConfigurationError, match="not weights of voxguard's converter"):
            Converter.from_pretrained(path)

    def test_those_that_lack_or_have_more_are_refused(self, path):
        for change in (lambda a: a.pop("encoder.enter.bias"), lambda a: a.update(x=np.ones(1))):
            weights = pretrained(path, "")
            change(weights.arrays)
            with pytest.raises(ConfigurationError, match="not weights"):
                Converter(weights)

    def test_any_other_file_is_refused(self, tmp_path):
        tiny_converter.save_pool(tmp_path / "pool.safetensors")
        save(tmp_path / "other", {"x": np.ones(3)}, {})
        for name in ("pool.safetensors", "other"):
            with pytest.raises(ConfigurationError, match="not weights"):
                Converter.from_pretrained(tmp_path / name)

    def test_more_levels_than_there_are(self, tmp_path, voice, target):
        path = tiny_converter.save_converter(tmp_path / "w", codebooks=(8, 8))
        with pytest.raises(ConfigurationError, match="2 levels, got levels=4"):
            _convert(Converter.from_pretrained(path), voice, target, levels=4)

    def test_half_precision_files_are_read(self, path, voice, target):
        weights = pretrained(path, "")
        weights.arrays.update({k: v.astype(np.float16) for k, v in weights.arrays.items()})
        assert np.isfinite(_convert(Converter(weights), voice, target)).all()


@pytest.mark.parametrize("levels", [0, 5, -1, True, 3.0, "3", [3], (), np.int64(3)], ids=repr)
def test_wrong_levels_are_refused(levels):
    with pytest.raises(ConfigurationError, match=r"levels takes 1 .* to 4"):
        check_levels(levels)


@pytest.mark.parametrize("levels", [1, 2, 3, 4, None])
def test_levels_are_taken(levels):
    assert check_levels(levels) is levels


def test_what_is_silent_stays_so_at_any_level(voice):
    silence = np.zeros_like(voice)
    assert not levelled(silence, voice).any()
    assert not levelled(voice, silence).any()
