"""Real datasets, mapped in one process and in two: nothing raw is in what is written."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from recordings import RATE, Raw, likeness, wav

import voxguard
from voxguard.audio import read
from voxguard.errors import ConfigurationError, UnsupportedAudioError, VoxguardError

datasets = pytest.importorskip("datasets", reason="datasets is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of datasets and what it brings

from voxguard.integrations.datasets import Anonymize  # noqa: E402


@pytest.fixture(scope="module")
def raws():
    return [Raw(seconds=0.5, speaker=1), Raw(seconds=0.7, speaker=2), Raw(seconds=0.5, speaker=3)]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def paths(raws, tmp_path):
    """A dataset whose rows are paths."""
    names = []
    for number, raw in enumerate(raws):
        names.append(str(tmp_path / f"anna-nym-{number}.wav"))
        Path(names[-1]).write_bytes(raw.content)
    made = datasets.Dataset.from_dict({"audio": names, "speaker": ["a", "b", "a"], "n": [0, 1, 2]})
    return made.cast_column("audio", datasets.Audio(decode=False))


@pytest.fixture
def on_disk(paths, tmp_path):
    """One that is kept in a folder, so that ``map`` writes there too."""
    paths.save_to_disk(tmp_path / "dataset")
    return datasets.load_from_disk(tmp_path / "dataset")


@pytest.fixture
def embedded(raws):
    rows = [{"bytes": raw.content, "path": f"anna-nym-{n}.wav"} for n, raw in enumerate(raws)]
    made = datasets.Dataset.from_dict({"audio": rows, "speaker": ["a", "b", "a"], "n": [0, 1, 2]})
    return made.cast_column("audio", datasets.Audio(decode=False))


def check(made, raws):
    assert len(made) == len(raws)
    for row, raw in zip(made, raws, strict=True):
        assert row["audio"]["path"] is None
        assert not raw.is_in(row["audio"]["bytes"])
        samples, rate = read(row["audio"]["bytes"])
        assert (samples.shape, rate) == ((1, len(raw.samples)), RATE)
        assert likeness(samples, raw.samples) < 0.9
        assert np.abs(samples).max() > 0.01


def written(folder):
    """Every file under a folder that is not one of the recordings or the dataset before."""
    return [path for path in folder.rglob("*.arrow") if path.name.startswith("cache-")]


@pytest.mark.parametrize("options", [{}, {"batched": True}, {"batched": True, "batch_size": 2}])
@pytest.mark.parametrize("kind", ["paths", "on_disk", "embedded"])
def test_map(kind, options, raws, request):
    dataset = request.getfixturevalue(kind)
    made = dataset.map(Anonymize(voxguard.McAdams()), **options)
    check(made, raws)
    assert made.features == dataset.features
    assert made["n"][:] == [0, 1, 2]


@pytest.mark.parametrize("batched", [False, True])
def test_two_processes(on_disk, raws, tmp_path, batched):
    made = on_disk.map(Anonymize(voxguard.McAdams()), num_proc=2, batched=batched)
    check(made, raws)
    files = written(tmp_path)
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(raw.is_in(content) for raw in raws)
        assert b"anna-nym" not in content


@pytest.mark.parametrize("num_proc", [None, 2])
def test_speakers_keep_one_voice(raws, num_proc):
    rows = [{"bytes": raws[0].content, "path": None}] * 4
    dataset = datasets.Dataset.from_dict({"audio": rows, "who": ["a", "b", "a", "b"]})
    function = Anonymize(voxguard.McAdams(), speaker_column="who")
    one, two, three, four = (r["audio"]["bytes"] for r in dataset.map(function, num_proc=num_proc))
    assert one == three
    assert two == four
    assert one != two


def test_without_speakers_none_is_kept(raws):
    rows = [{"bytes": raws[0].content, "path": None}] * 4
    dataset = datasets.Dataset.from_dict({"audio": rows})
    made = dataset.map(Anonymize(voxguard.McAdams()), num_proc=2)
    assert len({row["audio"]["bytes"] for row in made}) == 4


def test_the_format_of_the_files_is_kept():
    raw = Raw(seconds=0.5, suffix="flac")
    dataset = datasets.Dataset.from_dict({"audio": [{"bytes": raw.content, "path": None}]})
    assert dataset.map(Anonymize(voxguard.McAdams()))[0]["audio"]["bytes"].startswith(b"fLaC")


def test_an_iterable_dataset(embedded, raws):
    stream = embedded.to_iterable_dataset().map(Anonymize(voxguard.McAdams()))
    check(list(stream), raws)


def test_rows_of_samples():
    voice = voxguard.synthetic_voice(seconds=0.5)
    rows = {"audio": [{"array": voice, "sampling_rate": RATE, "path": "anna.wav"}]}
    made = Anonymize(voxguard.McAdams())(rows)["audio"][0]
    assert made["path"] is None
    assert likeness(read(made["bytes"])[0], voice) < 0.9


def test_a_decoded_column(embedded, raws):
    pytest.importorskip(
        "torchcodec.decoders", reason="torchcodec, or its FFmpeg, is not there", exc_type=Exception
    )
    decoded = embedded.cast_column("audio", datasets.Audio())
    made = decoded.map(Anonymize(voxguard.McAdams()))
    check(made.cast_column("audio", datasets.Audio(decode=False)), raws)
    at_8k = embedded.cast_column("audio", datasets.Audio(sampling_rate=8000))
    made = at_8k.map(Anonymize(voxguard.McAdams()))
    made = made.cast_column("audio", datasets.Audio(decode=False))
    samples, rate = read(made[0]["audio"]["bytes"])
    assert rate == 8000
    assert len(samples[0]) == len(raws[0].samples) // 2


class TestTheCache:
    def test_the_name_of_its_file_derives_from_no_key(self, on_disk):
        key = bytes(range(32))
        names = [on_disk.map(Anonymize(voxguard.McAdams(key=key)))._fingerprint for _ in range(2)]
        assert names[0] != names[1]
        function = Anonymize(voxguard.McAdams(key=key))
        assert key not in datasets.utils._dill.dumps(function)
        assert key in pickle.dumps(function)  # what goes to worker processes

    def test_one_object_finds_its_own_result(self, on_disk):
        function = Anonymize(voxguard.McAdams())
        one, two = on_disk.map(function), on_disk.map(function)
        assert one[0]["audio"] == two[0]["audio"]


class TestWhatFails:
    """It is an error, and nothing raw is written."""

    @pytest.fixture(autouse=True)
    def _nothing_raw_is_written(self, raws, tmp_path):
        yield
        for path in written(tmp_path):
            assert not any(raw.is_in(path.read_bytes()) for raw in raws)

    @pytest.mark.parametrize("options", [{}, {"batched": True}, {"num_proc": 2}])
    def test_one_row_that_is_cut_short(self, paths, options, tmp_path):
        path = Path(paths[2]["audio"]["path"])
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(VoxguardError, match="cut short"):
            paths.map(
                Anonymize(voxguard.McAdams()),
                cache_file_name=str(tmp_path / "cache-x.arrow"),
                writer_batch_size=1,
                **options,
            )
        assert not (tmp_path / "cache-x.arrow").exists()

    def test_a_file_that_is_gone(self, paths):
        Path(paths[1]["audio"]["path"]).unlink()
        with pytest.raises(VoxguardError, match="No such file") as caught:
            paths.map(Anonymize(voxguard.McAdams()))
        assert "anna" not in str(caught.value)

    def test_a_method_that_breaks(self, on_disk, broken):
        with pytest.raises(VoxguardError, match="RuntimeError") as caught:
            on_disk.map(Anonymize(broken))
        assert "shows nothing" not in str(caught.value)

    def test_no_such_column(self, on_disk):
        with pytest.raises(ConfigurationError, match="no column 'speech'; there are audio"):
            on_disk.map(Anonymize(voxguard.McAdams(), "speech"))
        with pytest.raises(ConfigurationError, match="no column 'who'"):
            on_disk.map(Anonymize(voxguard.McAdams(), speaker_column="who"))

    def test_a_row_without_a_speaker(self):
        function = Anonymize(voxguard.McAdams(), speaker_column="who")
        with pytest.raises(ConfigurationError, match="whose voice"):
            function({"audio": {"bytes": wav(np.zeros(99)), "path": None}, "who": None})

    @pytest.mark.parametrize(
        "value",
        ["a.wav", b"RIFF", {}, {"bytes": None, "path": None}, {"path": "https://host/a.wav"},
         {"path": "zip://a.wav::b.zip"}, 7],
    )  # fmt: skip
    def test_what_is_not_understood(self, value):
        with pytest.raises(UnsupportedAudioError):
            Anonymize(voxguard.McAdams())({"audio": value})

    def test_a_row_without_a_recording_stays_one(self):
        assert Anonymize(voxguard.McAdams())({"audio": [None]}) == {"audio": [None]}
