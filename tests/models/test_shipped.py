"""Weights' files: what is taken, and what is refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from voxguard.errors import ConfigurationError
from voxguard.models import shipped as module
from voxguard.models.shipped import parse, pretrained, save, shipped

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, np.float16)}
ABOUT = {"shape": {"width": 3}, "population": {"mean": [1.0]}}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "w.safetensors"
    save(path, ARRAYS, ABOUT)
    return path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder that stands where the package keeps its weights."""
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    digest = save(tmp_path / "w.safetensors", ARRAYS, ABOUT)
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  other\n\n{digest}  w.safetensors\n")
    return tmp_path


class TestFiles:
    def test_what_was_saved_comes_back(self, saved):
        found = pretrained(saved, "ignored")
        assert found.metadata == ABOUT
        assert found.arrays.keys() == ARRAYS.keys()
        assert all(np.array_equal(found.arrays[k], ARRAYS[k]) for k in ARRAYS)
        assert found.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()

    def test_the_same_content_is_the_same_file(self, saved, tmp_path):
        strided = {"a": np.asfortranarray(ARRAYS["a"]), "b": np.repeat(ARRAYS["b"], 2)[::2]}
        save(tmp_path / "again", strided, dict(reversed(ABOUT.items())))
        assert (tmp_path / "again").read_bytes() == saved.read_bytes()

    def test_a_folder_is_looked_into(self, saved):
        assert pretrained(saved.parent, saved.name).metadata == ABOUT
        assert pretrained(str(saved.parent), saved.name).metadata == ABOUT

    def test_a_revision_that_would_count_for_nothing_is_refused(self, saved):
        for source in (saved, saved.parent, "not/there.safetensors"):
            with pytest.raises(ConfigurationError, match="revision= is for repositories"):
                pretrained(source, saved.name, revision="main")

    def test_a_file_of_anothers_making_says_nothing(self, tmp_path):
        path = tmp_path / "w.safetensors"
        path.write_bytes(safetensors.numpy.save(ARRAYS))
        assert pretrained(path, "").metadata == {}


class TestDamage:
    @pytest.mark.parametrize("length", [0, 1, 7, 8, 20, 100, -1])
    def test_a_file_that_was_cut_is_refused(self, saved, length):
        saved.write_bytes(saved.read_bytes()[:length])
        with pytest.raises(ConfigurationError, match=r"w\.safetensors cannot be read"):
            pretrained(saved, "")

    def test_noise_is_refused(self, saved):
        saved.write_bytes(np.random.default_rng(0).bytes(5000))
        with pytest.raises(ConfigurationError, match="cannot be read as safetensors"):
            pretrained(saved, "")

    def test_a_pickle_is_refused_and_not_run(self, saved):
        saved.write_bytes(b"cos\nsystem\n(S'touch " + bytes(saved.parent / "ran") + b"'\ntR.")
        with pytest.raises(ConfigurationError):
            pretrained(saved, "")
        assert not (saved.parent / "ran").exists()

    @pytest.mark.parametrize("told", ["[1]", "3", '"text"', "{"])
    def test_metadata_that_is_none_is_refused(self, told):
        content = safetensors.numpy.save(ARRAYS, {"voxguard": told})
        with pytest.raises(ConfigurationError):
            parse(content, "w")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("kind", [np.float16, np.float32])
    def test_weights_that_are_no_numbers_are_refused(self, bad, kind):
        array = np.ones(5, kind)
        array[3] = bad
        content = safetensors.numpy.save({"a": array}, {"voxguard": json.dumps(ABOUT)})
        with pytest.raises(ConfigurationError, match="NaN or infinity"):
            parse(content, "w")


class TestPlaces:
    @pytest.mark.parametrize(
        "source",
        [
            "nothing-here",
            "weights/converter.safetensors",
            "/no/where",
            "./a",
            "~/b",
            "a/b/c",
            "a\0b",
            "x" * 5000,
        ],
        ids=lambda s: repr(s[:30]),
    )
    def test_a_path_that_is_not_there_is_not_asked_of_a_hub(self, source, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(module, "_downloaded", lambda *_: pytest.fail("asked the network"))
        with pytest.raises(ConfigurationError, match="owner/name"):
            pretrained(source, "w.safetensors")

    def test_a_folder_without_it(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"a folder with w\.safetensors"):
            pretrained(tmp_path, "w.safetensors")

    def test_a_repository_that_cannot_be_reached(self):
        """In a process of its own: whether the network may be used is read on import."""
        code = (
            "from voxguard.models.shipped import pretrained\n"
            "from voxguard.errors import ConfigurationError\n"
            "try:\n    pretrained('no-such-owner-voxguard/none', 'w', 'main')\n"
            "except ConfigurationError as error:\n    print(error)"
        )
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={"HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "no-such-owner-voxguard/none has no w that can be loaded" in run.stdout


class TestPackage:
    def test_what_was_released_is_taken(self, package):
        assert shipped("w.safetensors").metadata == ABOUT

    def test_what_is_in_the_package_is_what_was_released(self):
        folder = module.files(module._PACKAGE)
        for line in (folder / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split()
            assert shipped(name).sha256 == digest

    def test_a_changed_file_is_refused_before_it_is_read(self, package, monkeypatch):
        path = package / "w.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        monkeypatch.setattr(module, "parse", lambda *_: pytest.fail("was parsed"))
        with pytest.raises(ConfigurationError, match="not those that were released; reinstall"):
            shipped("w.safetensors")

    def test_a_file_without_a_sum_is_refused(self, package):
        (package / "SHA256SUMS").write_text("")
        with pytest.raises(ConfigurationError, match="not those that were released"):
            shipped("w.safetensors")

    def test_one_files_sum_is_not_anothers(self, package):
        (package / "x.safetensors").write_bytes((package / "w.safetensors").read_bytes())
        with pytest.raises(ConfigurationError, match="not those that were released"):
            shipped("x.safetensors")

    @pytest.mark.parametrize("name", ["SHA256SUMS", "w.safetensors"])
    def test_a_missing_file_is_told(self, package, name):
        (package / name).unlink()
        with pytest.raises(ConfigurationError, match=r"w\.safetensors are missing"):
            shipped("w.safetensors")

    def test_sums_that_are_no_text_are_refused(self, package):
        (package / "SHA256SUMS").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigurationError):
            shipped("w.safetensors")
