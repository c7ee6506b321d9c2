"""An S3 store that stumbles, is down, loses connections, or is left in the middle of an upload."""

import itertools
import os
import signal
import threading

import pytest
from made import ENVIRONMENT, call, recording
from store import put, whole
from test_exactly_once import start

from voxguard.corpus.storage import open_storage
from voxguard.errors import VoxguardError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

METHOD = ("--method", "test-deadly")
READ = (".wav", ".tar", ".parquet")


@pytest.mark.parametrize("error", [(503, "SlowDown"), (500, "InternalError")])
def test_a_store_that_stumbles_is_asked_again(tmp_path, contents, store, buckets, error):
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents)
    refused, numbers = [], itertools.count()

    def rule(environ):
        if next(numbers) % 3 == 1:
            refused.append(environ["PATH_INFO"])
            return error
        return None

    with store.failing(rule):
        done = call(source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD)
    assert done.returncode == 0, done.stderr
    assert len(refused) > 5
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("folder", (500, "InternalError")), ("webdataset", (403, "ExpiredToken")),
     ("folder", (403, "AccessDenied")), ("manifest", (400, "InvalidToken"))],
)  # fmt: skip
def test_a_store_that_is_down_fails_no_recording(
    tmp_path, contents, store, buckets, monkeypatch, kind, answer
):
    monkeypatch.setitem(ENVIRONMENT, "AWS_MAX_ATTEMPTS", "1")
    source = put(store, buckets[0], kind, tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", kind, *METHOD)
    raw = f"/{buckets[0]}/"

    def rule(environ):  # once recordings are being read, nothing is answered any more
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] == "GET" and path.startswith(raw) and path.endswith(READ):
            store.rule = lambda _: answer
            return answer
        return None

    with store.failing(rule):
        done = call(*order)
    assert done.returncode == 1
    assert "is not done: reading " in done.stderr
    assert "--resume" in done.stderr
    assert not [key for key in store.keys(buckets[1]) if key.startswith("manifest/part-")]
    assert call(*order, "--resume").returncode == 0
    whole(store, buckets[1], kind, tmp_path / "got", contents)


@pytest.mark.parametrize("kind", ["folder", "webdataset", "parquet"])
def test_a_connection_that_breaks_damages_no_recording(
    tmp_path, contents, store, buckets, monkeypatch, kind
):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    source = put(store, buckets[0], kind, tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", kind, *METHOD)
    cuts = []

    def rule(environ):
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(READ):
            cuts.append(environ["PATH_INFO"])
            return store.cut
        return None

    with store.failing(rule):
        done = call(*order)
    assert done.returncode == 1
    assert len(cuts) > 1  # it was tried again
    lost = store.get(buckets[1], tmp_path / "lost")
    assert not list(lost.glob("manifest/part-*"))  # so nothing is taken for damaged
    assert call(*order, "--resume").returncode == 0
    whole(store, buckets[1], kind, tmp_path / "got", contents)


def test_no_server_at_all(tmp_path, contents, store, buckets, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(ENVIRONMENT, "AWS_MAX_ATTEMPTS", "1")
    source = put(store, buckets[0], "folder", tmp_path / "raw", contents[:1])
    for one, two in ((source, tmp_path / "safe"), (tmp_path / "raw", f"s3://{buckets[1]}")):
        done = call(one, two, "--from", "folder", *METHOD)
        assert done.returncode == 1
        assert "failed (EndpointConnectionError)" in done.stderr
    assert not (tmp_path / "safe").exists()


@pytest.mark.parametrize("name", ["000.tar", "manifest/part-", "voxguard-corpus.json"])
def test_killed_in_the_middle_of_a_put(tmp_path, store, buckets, name):
    contents = [recording(number, seconds=20.0) for number in range(3)]
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD)
    came, killed = threading.Event(), threading.Event()

    def rule(environ):
        is_it = (
            environ["REQUEST_METHOD"] == "PUT" and f"/{buckets[1]}/{name}" in environ["PATH_INFO"]
        )
        if is_it and not came.is_set():
            environ["wsgi.input"].read(16)  # its beginning has come; the rest never does
            came.set()
            killed.wait(60)
            return 400, "IncompleteBody"
        return None

    with store.failing(rule):
        process = start(*order)
        assert came.wait(60)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed.set()
    assert not [key for key in store.keys(buckets[1]) if key.startswith(name)]
    assert call(*order, "--resume").returncode == 0
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


@pytest.fixture
def small_blocks(monkeypatch):
    """Uploads in parts of 5 MiB, which is the least that S3 takes, in place of 50."""
    monkeypatch.setitem(ENVIRONMENT, "FSSPEC_S3", '{"default_block_size": 5242880}')


@pytest.mark.usefixtures("small_blocks")
def test_a_part_of_an_upload_that_fails_publishes_no_half(tmp_path, store, buckets, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "AWS_MAX_ATTEMPTS", "1")
    contents = [recording(number, seconds=100.0) for number in range(4)]  # 13 MB: three parts
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD)
    failed = []

    def rule(environ):
        if "partNumber=2" in environ["QUERY_STRING"] and not failed:
            failed.append(environ["PATH_INFO"])
            return 500, "InternalError"
        return None

    with store.failing(rule):
        done = call(*order)
    assert (done.returncode, failed) == (1, [f"/{buckets[1]}/000.tar"])
    assert "000.tar could not be written" in done.stderr
    assert store.keys(buckets[1]) == ["voxguard-corpus.json"]
    assert call(*order, "--resume").returncode == 0
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


@pytest.mark.usefixtures("small_blocks")
def test_killed_between_two_parts_of_an_upload(tmp_path, store, buckets):
    contents = [recording(number, seconds=100.0) for number in range(4)]
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD)
    came, killed = threading.Event(), threading.Event()

    def rule(environ):
        if "partNumber=2" in environ["QUERY_STRING"] and not came.is_set():
            came.set()
            killed.wait(60)
            return 400, "IncompleteBody"
        return None

    with store.failing(rule):
        process = start(*order)
        assert came.wait(60)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed.set()
    assert "000.tar" not in store.keys(buckets[1])
    assert call(*order, "--resume").returncode == 0
    left = store.client.list_multipart_uploads(Bucket=buckets[1])["Uploads"]
    assert len(left) == 1  # the killed one's, as the docs say; a rule of the bucket removes it
    store.client.abort_multipart_upload(
        Bucket=buckets[1], Key=left[0]["Key"], UploadId=left[0]["UploadId"]
    )
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


def test_what_is_not_there_is_said_and_not_made(tmp_path, contents, store, buckets):
    source = put(store, buckets[0], "folder", tmp_path / "raw", contents[:1])
    for one, two, said, code in (
        (f"s3://{buckets[0]}/typo", f"s3://{buckets[1]}", "does not exist, or is empty", 2),
        ("s3://no-such-bucket", f"s3://{buckets[1]}", "does not exist, or is empty", 2),
        (source, "s3://no-such-bucket/safe", "could not be written", 1),
        (source, f"{source}/safe", "lie one within the other", 2),
        (source, f"s3a://{buckets[0]}/safe", "lie one within the other", 2),
        (f"s3://{buckets[0]}/x.tar", f"s3://{buckets[1]}", "does not exist", 2),
    ):
        done = call(one, two, *METHOD)
        assert (done.returncode, said in done.stderr) == (code, True), (one, two, done.stderr)
    names = {bucket["Name"] for bucket in store.client.list_buckets()["Buckets"]}
    assert "no-such-bucket" not in names
    assert not store.keys(buckets[1])


def test_what_a_store_refuses_is_said(store, buckets):
    storage = open_storage(f"s3://{buckets[1]}")
    with store.failing(lambda _: (403, "AccessDenied")):
        for ask in (
            lambda: storage.open("a"), lambda: storage.size("a"), lambda: list(storage.names("")),
            lambda: storage.remove("a"), lambda: list(storage.walk()),
        ):  # fmt: skip
            with pytest.raises(VoxguardError, match=r"failed \(PermissionError"):
                ask()
    with pytest.raises(FileNotFoundError, match="No such file"):
        storage.open("a")
