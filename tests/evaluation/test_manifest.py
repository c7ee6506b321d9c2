import numpy as np
import pytest

from voxguard.audio import AudioWriter
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import read_manifest


def write(path, samples=None):
    with AudioWriter(path, 16_000, 1) as file:
        file.write(np.full((1, 1600), 0.1, np.float32) if samples is None else samples)


def test_a_folder_names_speakers_by_its_folders(tmp_path):
    for name in ("ann/1.wav", "ann/day two/2.flac", "bob/1.wav"):
        write(tmp_path / name)
    write(tmp_path / "stray.wav")
    (tmp_path / "ann" / "notes.txt").write_text("not audio")
    manifest = read_manifest(tmp_path)
    assert [(u.id, u.speaker) for u in manifest.utterances] == [
        ("ann/1", "ann"), ("ann/day two/2", "ann"), ("bob/1", "bob"),
    ]  # fmt: skip
    assert [(e.utterance, e.reason) for e in manifest.excluded] == [
        ("stray.wav", "lies in no speaker's folder")
    ]


def test_two_files_of_one_name_are_two_utterances_only_if_their_ids_differ(tmp_path):
    write(tmp_path / "ann/1.wav")
    write(tmp_path / "ann/1.flac")
    with pytest.raises(ConfigurationError, match=r"not unique.*'ann/1'"):
        read_manifest(tmp_path)


def csv(tmp_path, text):
    path = tmp_path / "manifest.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_csv_knows_the_usual_columns_and_keeps_the_others_as_labels(tmp_path):
    manifest = read_manifest(
        csv(
            tmp_path,
            "path,utterance,speaker,chapter,gender,split,role,transcript,age\n"
            "a/1.wav,a1,ann,7,F,eval,enrolment,HELLO,31\n"
            "b/1.wav,b1,bob,8,M,eval,test,,\n",
        )
    )
    ann, bob = manifest.utterances
    assert (ann.role, ann.session, ann.transcript) == ("enrolment", "7", "HELLO")
    assert dict(ann.labels) == {"sex": "F", "split": "eval", "age": "31"}
    assert (bob.role, bob.transcript, dict(bob.labels)) == (
        "trial",
        "",
        {"sex": "M", "split": "eval"},
    )
    assert ann.path == tmp_path / "a/1.wav"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,sex\nx.wav,F\n", r"needs the column 'speaker'; it has file, sex"),
        ("path,speaker\n", r"needs the column 'path'; it has no rows"),
        ("path,speaker\na.wav\n", r"line 2: not as many cells"),
        ("path,speaker\na.wav,ann,9\n", r"line 2: not as many cells"),
        ("path,speaker,role\na.wav,ann,boss\n", r"line 2: role 'boss'"),
        ("path,speaker,id\na.wav,ann,1\nb.wav,bob,1\n", r"1 utterance ids are not unique"),
        ("path,speaker\n,ann\n", r"no usable recording \(no path or no speaker"),
    ],
)
def test_a_bad_csv_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        read_manifest(csv(tmp_path, text))


def test_binary_is_not_a_csv(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(ConfigurationError, match="cannot be read as CSV"):
        read_manifest(path)


def test_what_does_not_exist_and_what_is_empty(tmp_path):
    with pytest.raises(ConfigurationError, match="does not exist"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="no usable recording"):
        read_manifest(tmp_path)


def test_selecting(tmp_path):
    manifest = read_manifest(
        csv(tmp_path, "path,speaker,split\na.wav,ann,train\nb.wav,bob,eval\nc.wav,cy,pool\n")
    )
    assert manifest.select({"split": ["train", "pool"]}).speakers == ("ann", "cy")
    assert manifest.select({"split": "eval", "speaker": "bob"}).speakers == ("bob",)
    with pytest.raises(ConfigurationError, match="no column 'colour'"):
        manifest.select({"colour": "red"})
    with pytest.raises(ConfigurationError, match="no recording with"):
        manifest.select({"split": "test"})


def kaldi(folder, scp, **lists):
    folder.mkdir(parents=True)
    (folder / "wav.scp").write_text(scp)
    for name, text in lists.items():
        (folder / name).write_text(text)


def test_kaldi_directories_of_the_challenges(tmp_path):
    kaldi(tmp_path / "libri_enrolls", "a-1 wav/a1.wav\na-9 wav/a9.wav\n",
          utt2spk="a-1 a\na-9 a\n", spk2gender="a f\n", enrolls="a-1\n")  # fmt: skip
    kaldi(tmp_path / "libri_trials_f", "a-2 flac -c -d -s wav/a2.flac |\nb-1 rm -rf / |\n",
          utt2spk="a-2 a\nb-1 b\n", text="a-2 HELLO THERE\n",
          trials="a a-2 target\nb a-2 nontarget\n")  # fmt: skip
    kaldi(tmp_path / "train-clean-360", "c-1 /data/c1.wav\n", utt2spk="c-1 c\n")
    manifest = read_manifest(tmp_path)
    told = {u.id: (u.speaker, u.role, u.labels["split"]) for u in manifest.utterances}
    assert told == {
        "a-1": ("a", "enrolment", "eval"),
        "a-2": ("a", "trial", "eval"),
        "c-1": ("c", "", "train"),
    }
    by_id = {u.id: u for u in manifest.utterances}
    assert by_id["a-1"].labels["sex"] == "F"
    assert by_id["a-2"].transcript == "HELLO THERE"
    assert by_id["a-2"].path == tmp_path / "libri_trials_f" / "wav/a2.flac"
    assert str(by_id["c-1"].path) == "/data/c1.wav"
    assert manifest.trials == {("a", "a-2"), ("b", "a-2")}
    assert [(e.utterance, e.reason) for e in manifest.excluded] == [
        ("b-1", "its wav.scp entry is a command")
    ]


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({}, "utt2spk cannot be read"),
        ({"utt2spk": "a-1 a\na-1 b\n"}, "line 2: 'a-1' comes twice"),
        ({"utt2spk": "a-1 a\n", "trials": "a a-1\n"}, "line 1: expected"),
    ],
)
def test_broken_kaldi_lists(tmp_path, lists, message):
    kaldi(tmp_path / "set", "a-1 a.wav\n", **lists)
    with pytest.raises(ConfigurationError, match=message):
        read_manifest(tmp_path / "set")


def test_kaldi_lists_of_the_same_utterances_are_put_together(tmp_path):
    kaldi(tmp_path / "x_asr", "a-1 /w/a1.wav\n", utt2spk="a-1 a\n", text="a-1 HELLO\n")
    kaldi(tmp_path / "x_enrolls", "a-1 /w/a1.wav\n", utt2spk="a-1 a\n", spk2gender="a m\n")
    (one,) = read_manifest(tmp_path).utterances
    assert (one.role, one.transcript, one.labels["sex"]) == ("enrolment", "HELLO", "M")
    kaldi(tmp_path / "x_trials", "a-1 /w/a1.wav\n", utt2spk="a-1 a\n")
    with pytest.raises(ConfigurationError, match="disagree on the role of 'a-1'"):
        read_manifest(tmp_path)
