"""What the command line takes, refuses and says."""

import json

import pytest
from made import call, check, make

METHOD = ("--method", "test-deadly")


def test_it_tells_what_it_did(tmp_path, contents):
    source = make("manifest", tmp_path / "raw", contents)
    (tmp_path / "raw" / "s0" / "000.wav").write_bytes(b"no audio")
    done = call(source, tmp_path / "safe", *METHOD, "--keep", "text")
    assert done.returncode == 1
    assert done.stderr.startswith("error: s0/000.wav: ")
    assert "complete: 9 anonymized, 1 failed" in done.stdout
    again = call(source, tmp_path / "safe", *METHOD, "--keep", "text", "--resume", "--json")
    report = json.loads(again.stdout)
    assert (again.returncode, report["units_there"], report["totals"]["failed"]) == (1, 1, 1)
    assert report["method"] == "test-deadly"
    check("manifest", tmp_path / "safe", contents[1:], ["s0/000.wav"])


def test_a_folder_without_options_is_the_folder_mode(tmp_path, contents):
    source = make("folder", tmp_path / "raw", contents[:2])
    assert call(source, tmp_path / "safe", *METHOD).returncode == 0
    assert (tmp_path / "safe" / "voxguard-run.json").exists()
    assert not (tmp_path / "safe" / "manifest").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "local", "--overwrite"], "--overwrite has no meaning"),
        (["--engine", "local", "--speaker", "anna"], "--speaker has no meaning"),
        (["--engine", "local", "--cpus-per-worker", "2"], "--cpus-per-worker has no meaning"),
        (["--shard", "2/2"], "counts i from 0"),
        (["--shard", "two"], "--shard takes i/n"),
        (["--max-seconds", "0"], "above 0"),
        (["--from", "webdataset"], "holds no tar shard"),
        (["--from", "tar"], "--from"),
        (["--keep", "text"], "no columns"),
        (["--engine", "local", "--speaker-from", "folder"], "secret key"),
        (["--speaker-column", ""], "--speaker-column is empty"),
        (["--to", "folder", "--scope", "session"], "secret key"),
    ],
)
def test_what_is_refused_leaves_nothing(tmp_path, contents, options, said):
    source = make("folder", tmp_path / "raw", contents[:1])
    done = call(source, tmp_path / "safe", *METHOD, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "safe").exists()


def test_a_pipe_is_no_corpus():
    done = call("-", "-", *METHOD, "--engine", "local")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--engine has no meaning for pipes" in done.stderr


def test_ray_is_named_where_it_is_missing(tmp_path, contents):
    from importlib.util import find_spec

    if find_spec("ray"):
        pytest.skip("ray is installed")
    source = make("folder", tmp_path / "raw", contents[:1])
    done = call(source, tmp_path / "safe", *METHOD, "--engine", "ray")
    assert done.returncode == 2
    assert 'pip install "voxguard[cluster]"' in done.stderr
    assert not (tmp_path / "safe").exists()
