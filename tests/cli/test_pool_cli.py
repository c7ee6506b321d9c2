"""``voxguard pool``: a pool from recordings, and what is told of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from voxguard.models.pool import SpeakerPool
from voxguard.models.shipped import shipped

pytest.importorskip("torch")
pytest.importorskip("safetensors")

RATE = 16_000
SPEAKERS = 60


@pytest.fixture
def corpus(tmp_path, make_voice):
    """A folder a speaker; in the manifest those with a pitch above 150 Hz are women."""
    rows = ["path,speaker,sex,split"]
    for number in range(SPEAKERS):
        samples = make_voice(seconds=1.0, speaker=number, seed=number)
        path = tmp_path / "corpus" / f"person{number}" / "said.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, samples, RATE)
        sex = "female" if _pitch(samples) > 150 else "M"
        rows.append(f"person{number}/said.wav,person{number},{sex},wanted")
    (tmp_path / "corpus" / "manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "corpus"


def _pitch(samples):
    from voxguard.dsp.pitch import track_f0

    f0 = track_f0(samples)
    return float(np.median(f0[f0 > 0]))


class TestBuild:
    def test_a_folder_of_speakers(self, call, corpus, tmp_path):
        broken = corpus / "person0" / "broken.wav"
        broken.write_bytes(b"RIFF")
        code, out, err = call("pool", "build", corpus, "--out", "p.safetensors", "--voices", 8)
        assert code == 1, err  # a recording failed
        assert b"person0/broken is left out" in err
        assert b"60 speakers is not said: told from the voice" in err
        assert b"cosines, dvector: voice to nearest speaker" in out
        pool = SpeakerPool.load(tmp_path / "p.safetensors")
        assert len(pool) == 8
        assert not any(
            b"person" in part for part in (out, (tmp_path / "p.safetensors").read_bytes())
        )

    def test_a_manifest_with_sexes(self, call, corpus, tmp_path):
        manifest = corpus / "manifest.csv"
        with manifest.open("a") as file:
            file.write("nowhere.wav,stranger,F,other\n")
        build = ("pool", "build", manifest, "--out", "p.safetensors", "--voices", 10)
        code, out, err = call(*build, "--select", "split=wanted", "--json")
        assert (code, err) == (0, b"measuring the speakers ...\n")
        told = json.loads(out)
        assert (told["voices"], told["guessed"], told["failed"]) == (10, 0, 0)
        assert {sex: about["voices"] for sex, about in told["sexes"].items()} == {"F": 5, "M": 5}
        women, men = (told["sexes"][sex]["f0_hz"] for sex in "FM")
        assert men[0] < men[2] <= 151 <= women[2]
        cosines = told["about"]["cosines"]
        assert (
            cosines["dvector: voice to nearest speaker"]["largest"]
            <= cosines["dvector: speaker to nearest speaker"]["median"]
        )
        first = (tmp_path / "p.safetensors").read_bytes()
        code, _, err = call(*build)
        assert code == 2
        assert b"p.safetensors exists; choose another name, or --overwrite" in err
        code, _, _ = call(*build, "--select", "split=wanted", "--overwrite")
        assert code == 0
        assert (tmp_path / "p.safetensors").read_bytes() == first  # the same speech, the same pool

    def test_too_few_speakers(self, call, corpus):
        for folder in sorted(corpus.glob("person*"))[5:]:
            (folder / "said.wav").unlink()
        code, out, err = call("pool", "build", corpus, "--out", "p.safetensors")
        assert (code, out) == (2, b"")
        assert b"at least 20 of each sex" in err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("nothing-there",), b"does not exist"),
            (("corpus", "--select", "split"), b"--select takes COLUMN=VALUE, got 'split'"),
            (("corpus", "--select", "age=4"), b"has no column 'age'"),
        ],
    )
    def test_what_cannot_be_used(self, call, record, arguments, words):
        record("corpus/anna/1.wav")
        code, out, err = call("pool", "build", *arguments, "--out", "p.safetensors")
        assert (code, out) == (2, b"")
        assert words in err


class TestShow:
    def test_the_pool_that_comes_with_voxguard(self, call):
        code, out, err = call("pool", "show")
        assert (code, err) == (0, b"")
        assert b"the one that comes with voxguard" in out
        assert b"sex F" in out
        code, out, _ = call("pool", "show", "--json")
        told = json.loads(out)
        assert (code, told["voices"], told["pool"]) == (0, 200, None)
        assert told["about"]["cosines"] == shipped("pool.safetensors").metadata["cosines"]

    def test_another_one(self, call, tmp_path):
        whole = SpeakerPool.shipped()
        rows = np.r_[0:5, 100:103]
        parts = ("vectors", "log_f0_mean", "log_f0_std", "sex")
        small = SpeakerPool(**{name: getattr(whole, name)[rows] for name in parts})
        small.save(tmp_path / "small.safetensors")
        _, out, _ = call("pool", "show", "small.safetensors", "--json")
        told = json.loads(out)
        assert {sex: about["voices"] for sex, about in told["sexes"].items()} == {"F": 5, "M": 3}
        low, middle, high = told["sexes"]["M"]["f0_hz"]
        f0 = np.exp(small.log_f0_mean[5:])
        assert (low, middle, high) == tuple(int(v) for v in np.sort(f0).round())

    def test_what_is_no_pool(self, call, tmp_path):
        (tmp_path / "pool").write_bytes(b"nothing")
        code, out, err = call("pool", "show", "pool")
        assert (code, out) == (2, b"")
        assert b"cannot be read as safetensors" in err
