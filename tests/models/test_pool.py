"""The speaker pool: what it holds, how it is kept, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from voxguard.errors import ConfigurationError, MissingExtraError, OutputError
from voxguard.models import optional, shipped
from voxguard.models.pool import SpeakerPool, Target, nearest_other, unit_rows

pytest.importorskip("safetensors")


def make_pool(sex="FFFMMM", seed=0, **changes):
    rng = np.random.default_rng(seed)
    count = len(sex)
    parts = {
        "vectors": unit_rows(np.maximum(rng.normal(0.0, 1.0, (count, 256)), 0.0)),
        "log_f0_mean": rng.normal(5.0, 0.2, count).astype(np.float32),
        "log_f0_std": rng.uniform(0.1, 0.3, count).astype(np.float32),
        "sex": np.array(list(sex)),
    }
    return SpeakerPool(**{**parts, **changes})


@pytest.fixture(scope="module")
def pool():
    return SpeakerPool.shipped()


class TestShipped:
    def test_it_has_two_hundred_voices_half_of_each_sex(self, pool):
        assert len(pool) == 200
        assert [int((pool.sex == sex).sum()) for sex in "FM"] == [100, 100]
        assert repr(pool) == "<SpeakerPool: 100 F, 100 M, encoder='dvector'>"

    def test_its_vectors_are_like_d_vectors(self, pool):
        assert pool.vectors.shape == (200, 256)
        np.testing.assert_allclose(np.linalg.norm(pool.vectors, axis=1), 1.0, atol=1e-5)
        assert pool.vectors.min() >= 0.0
        assert 0.3 < (pool.vectors == 0).mean() < 0.6

    def test_its_pitch_is_that_of_women_and_men(self, pool):
        f0_hz = np.exp(pool.log_f0_mean)
        assert 170 < np.median(f0_hz[pool.sex == "F"]) < 220
        assert 95 < np.median(f0_hz[pool.sex == "M"]) < 135
        assert 0.1 < pool.log_f0_std.min() < pool.log_f0_std.max() < 0.4

    def test_no_two_voices_are_the_same(self, pool):
        assert nearest_other(pool.vectors).max() < 0.8

    def test_the_file_is_small_and_names_nobody(self, pool):
        found = shipped.shipped("pool.safetensors")
        assert set(found.arrays) == {"vectors", "log_f0_mean", "log_f0_std", "is_female"}
        assert set(found.metadata) == {
            *("format", "version", "encoder", "method", "speakers", "cosines"),
        }
        assert sum(array.nbytes for array in found.arrays.values()) < 300_000

    def test_none_is_as_near_to_a_speaker_as_speakers_are_to_each_other(self, pool):
        cosines = pool.about["cosines"]
        nearest = cosines["dvector: voice to nearest speaker"]["largest"]
        assert nearest < cosines["dvector: speaker to nearest speaker"]["median"] - 0.03

    def test_it_needs_no_torch(self):
        code = (
            "import sys; from voxguard.models.pool import SpeakerPool; SpeakerPool.shipped();"
            "print(sorted({'torch', 'scipy', 'transformers'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"


class TestFile:
    def test_what_is_saved_is_loaded(self, tmp_path):
        extra = unit_rows(np.random.default_rng(1).normal(size=(6, 12)))
        pool = make_pool(encoder="ecapa", encoder_vectors=extra, about={"method": "made up"})
        pool.save(tmp_path / "pool.safetensors")
        loaded = SpeakerPool.load(tmp_path / "pool.safetensors")
        for name in ("vectors", "log_f0_mean", "log_f0_std", "sex", "encoder_vectors"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(pool, name))
        assert (loaded.encoder, loaded.about) == ("ecapa", {"method": "made up"})
        assert np.array_equal(loaded.space, extra)

    def test_arrays_that_are_views_are_saved_as_they_look(self, tmp_path):
        whole = make_pool()
        both = np.stack([whole.log_f0_mean, whole.log_f0_std], axis=1)
        pool = make_pool(log_f0_mean=both[:, 0], log_f0_std=both[:, 1])
        pool.save(tmp_path / "pool.safetensors")
        loaded = SpeakerPool.load(tmp_path / "pool.safetensors")
        np.testing.assert_array_equal(loaded.log_f0_std, whole.log_f0_std)

    def test_it_overwrites_only_if_told(self, tmp_path):
        path = tmp_path / "pool.safetensors"
        make_pool().save(path)
        before = path.read_bytes()
        with pytest.raises(OutputError, match="exists"):
            make_pool(seed=1).save(path)
        assert path.read_bytes() == before
        make_pool(seed=1).save(path, overwrite=True)
        assert path.read_bytes() != before
        assert [each.name for each in tmp_path.iterdir()] == ["pool.safetensors"]

    @pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 100])
    def test_what_is_no_safetensors_file_is_refused(self, tmp_path, content):
        path = tmp_path / "pool.safetensors"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="cannot be read as safetensors"):
            SpeakerPool.load(path)

    def test_what_is_not_there_is_refused_with_what_to_do(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"No such file.*voxguard pool build"):
            SpeakerPool.load(tmp_path / "nothing")

    @pytest.mark.parametrize(
        ("metadata", "arrays", "words"),
        [
            ({}, {}, "not a speaker pool of version 1"),
            ({"format": "speaker pool", "version": 2}, {}, "not a speaker pool of version 1"),
            ({"format": "speaker pool", "version": 1}, {"names": np.ones(3)}, "holds names"),
        ],
    )
    def test_other_files_are_no_pools(self, tmp_path, metadata, arrays, words):
        shipped.save(tmp_path / "other", arrays or {"a": np.ones(2)}, metadata)
        with pytest.raises(ConfigurationError, match=words):
            SpeakerPool.load(tmp_path / "other")

    def test_the_metadata_is_plain_text_in_the_file(self, tmp_path):
        make_pool().save(tmp_path / "pool.safetensors")
        content = (tmp_path / "pool.safetensors").read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = json.loads(header["__metadata__"]["voxguard"])
        assert told == {"format": "speaker pool", "version": 1, "encoder": "dvector"}

    def test_the_extra_is_named(self, tmp_path, monkeypatch):
        make_pool().save(tmp_path / "pool.safetensors")
        monkeypatch.setattr(optional, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"voxguard\[neural\]"):
            SpeakerPool.load(tmp_path / "pool.safetensors")


class TestValues:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"vectors": np.ones((6, 255), np.float32)}, r"vectors of shape \(6, 255\)"),
            ({"vectors": np.ones((6, 256), np.float32)}, "not of unit length"),
            ({"vectors": np.full((6, 256), np.nan, np.float32)}, "not of unit length"),
            ({"log_f0_mean": np.zeros(5, np.float32)}, r"log_f0_mean of shape \(5,\)"),
            ({"log_f0_mean": np.full(6, 120.0, np.float32)}, "log F0"),
            ({"log_f0_std": np.full(6, np.nan, np.float32)}, "log F0"),
            ({"log_f0_std": np.zeros(6, np.float32)}, "log F0"),
            ({"sex": np.array([list("FFFMMM")] * 6)}, r"sex of shape \(6, 6\)"),
            ({"sex": np.array(list("FFFMMX"))}, "sex takes F and M"),
            ({"encoder": "ecapa"}, "vectors of 'ecapa' are missing"),
            ({"encoder_vectors": np.ones((6, 3), np.float32)}, "there twice"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, changes, words):
        with pytest.raises(ConfigurationError, match=words):
            make_pool(**changes)

    def test_a_pool_of_nobody_is_refused(self):
        with pytest.raises(ConfigurationError, match="no speaker pool"):
            make_pool(sex="")

    def test_a_target_is_one_voice(self):
        pool = make_pool()
        target = pool.target(4)
        assert isinstance(target, Target)
        np.testing.assert_array_equal(target.vector, pool.vectors[4])
        assert target[1:] == (pool.log_f0_mean[4], pool.log_f0_std[4])

    def test_positions_of_a_sex_are_positions_in_the_pool(self):
        pool = make_pool(sex="MFMMFM")
        assert pool.of_sex("F").tolist() == [1, 4]
        assert pool.of_sex("M").tolist() == [0, 2, 3, 5]

    def test_a_sex_that_is_not_there(self):
        with pytest.raises(ConfigurationError, match="no voice of sex 'F'"):
            make_pool(sex="MMM").of_sex("F")

    def test_the_sex_of_a_voice_is_that_of_the_nearer_mean(self):
        vectors = np.zeros((4, 256), np.float32)
        vectors[[0, 1, 2, 3], [0, 1, 2, 3]] = 1.0
        pool = make_pool(sex="FFMM", vectors=vectors)
        assert pool.sex_of(np.eye(256)[1]) == "F"
        assert pool.sex_of(np.eye(256)[3]) == "M"
        assert pool.sex_of(np.eye(256)[0] + 0.9 * np.eye(256)[2]) == "F"
