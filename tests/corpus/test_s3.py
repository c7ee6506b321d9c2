"""Whole corpora in a store that speaks S3, asked by many at once, killed and gone on with."""

import json
import os
import signal
import subprocess

import pytest
from made import COMMAND, ENVIRONMENT, call, check, make, recording, told
from store import KEYS, put, whole
from test_exactly_once import start, wait_for

from voxguard.corpus.items import Unit
from voxguard.corpus.parts import Parts
from voxguard.corpus.settings import Settings
from voxguard.corpus.sources import open_source
from voxguard.corpus.storage import open_storage
from voxguard.errors import VoxguardError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

METHOD = ("--method", "test-deadly")


@pytest.mark.parametrize(
    ("kind", "target_kind"),
    [("folder", "folder"), ("manifest", "manifest"), ("webdataset", "parquet"),
     ("parquet", "webdataset"), ("webdataset", "folder")],
)  # fmt: skip
def test_from_bucket_to_bucket(tmp_path, contents, store, buckets, kind, target_kind):
    if "parquet" in (kind, target_kind):
        pytest.importorskip("pyarrow")
    raw, safe = buckets
    source = put(store, raw, kind, tmp_path / "raw", contents)
    order = (source, f"s3://{safe}/deep/er", "--from", kind, "--to", target_kind, *METHOD)
    done = call(*order, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert {key.partition("/")[0] for key in store.keys(safe)} == {"deep"}
    before = store.keys(safe)
    again = call(*order)
    assert (again.returncode, "resume" in again.stderr) == (2, True)
    resumed = json.loads(call(*order, "--resume", "--json").stdout)
    assert (resumed["done"], resumed["complete"], resumed["totals"]["done"]) == (0, True, 10)
    assert store.keys(safe) == before
    store.get(safe, tmp_path / "got")
    check(target_kind, tmp_path / "got" / "deep" / "er", contents)
    assert store.seen[0][0] == "PUT"  # of the test itself: what follows would see others
    source_keys = {f"/{raw}/{key}" for key in store.keys(raw)}
    assert all(sum(seen[:2] == ("PUT", key) for seen in store.seen) == 1 for key in source_keys)
    needles = [content[2000:2064] for content in contents]
    assert not any(needle in held for held in store.ever(safe) for needle in needles)


@pytest.mark.parametrize("how", ["fsspec's variables", "fsspec's file"])
def test_credentials_by_the_configuration_of_fsspec(
    tmp_path, contents, store, buckets, monkeypatch, how
):
    given = {"key": KEYS["AWS_ACCESS_KEY_ID"], "secret": KEYS["AWS_SECRET_ACCESS_KEY"],
             "endpoint_url": store.endpoint}  # fmt: skip
    for name in (*KEYS, "AWS_ENDPOINT_URL"):
        monkeypatch.delitem(ENVIRONMENT, name)
    source = put(store, buckets[0], "folder", tmp_path / "raw", contents[:2])
    order = (source, f"s3://{buckets[1]}", "--from", "folder", *METHOD)
    without = call(*order)
    assert without.returncode == 1
    assert f"listing {buckets[0]} failed" in without.stderr
    assert "Error" in without.stderr
    assert not store.keys(buckets[1])
    if how == "fsspec's file":
        (tmp_path / "fsspec").mkdir()
        (tmp_path / "fsspec" / "store.json").write_text(json.dumps({"s3": given}))
        monkeypatch.setitem(ENVIRONMENT, "FSSPEC_CONFIG_DIR", str(tmp_path / "fsspec"))
    else:
        for name, value in given.items():
            monkeypatch.setitem(ENVIRONMENT, f"FSSPEC_S3_{name.upper()}", value)
    done = call(*order, "--json")
    assert done.returncode == 0, done.stderr
    whole(store, buckets[1], "folder", tmp_path / "got", contents[:2])
    told_all = done.stdout.encode() + b"".join(store.ever(buckets[1]))
    assert not any(value.encode() in told_all for value in given.values())


def test_shards_join_one_target(tmp_path, store, buckets):
    contents = [recording(number) for number in range(24)]
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents, per_shard=2)
    target = f"s3://{buckets[1]}/safe"
    order = (source, target, "--from", "webdataset", *METHOD, "-o", "pause_ms=20")
    running = [
        subprocess.Popen(
            [*COMMAND, "anonymize", *order, "--json", "--shard", f"{share}/3"],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for share in range(3)
    ]  # fmt: skip
    reports = []
    for process in running:
        out, err = process.communicate(timeout=180)
        assert (process.returncode, err) == (0, b"")
        reports.append(json.loads(out))
    assert [report["done"] for report in reports] == [8, 8, 8]
    assert any(report["complete"] for report in reports)
    records = [held for held in store.ever(buckets[1]) if held.startswith(b'{\n "schema_version"')]
    assert sum(not json.loads(record)["complete"] for record in records) == 1  # one began it
    other = call(*order[:-1], "pause_ms=21", "--shard", "0/3")
    assert (other.returncode, "options" in other.stderr) == (2, True)
    store.get(buckets[1], tmp_path / "got")
    check("webdataset", tmp_path / "got" / "safe", contents)


def test_only_one_of_two_begins_a_target(store, buckets):
    """Both see none; the store itself refuses the second, which then sees the first's."""
    first, second = (open_storage(f"s3://{buckets[1]}/safe") for _ in range(2))
    drafts = first.draft("record"), second.draft("record")
    for draft, content in zip(drafts, (b"first", b"second"), strict=True):
        draft.write(content)

    def late(environ):
        """While the second has looked and is about to put, the first does."""
        if environ["REQUEST_METHOD"] == "PUT":
            store.rule = None
            drafts[0].publish(overwrite=False)

    with store.failing(late), pytest.raises(VoxguardError, match="exists"):
        drafts[1].publish(overwrite=False)
    assert store.ever(buckets[1]) == [b"first"]


def test_everything_is_killed_again_and_again(tmp_path, store, buckets):
    contents = [recording(number) for number in range(40)]
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents)
    order = (source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD,
             "-o", "pause_ms=30", "--jobs", 2)  # fmt: skip

    def parts():
        return [key for key in store.keys(buckets[1]) if key.startswith("manifest/part-")]

    for attempt in range(3):
        process = start(*order, *(["--resume"] if attempt else []))
        wait_for(lambda count=2 * attempt: len(parts()) > count)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before = parts()
    assert 0 < len(before) < 10
    report = json.loads(call(*order, "--resume", "--json").stdout)
    assert (report["units_there"], report["units_done"]) == (len(before), 10 - len(before))
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


def test_two_runs_of_the_same_at_once(tmp_path, contents, store, buckets):
    """Without locks both may do a unit; each recording is there once all the same."""
    source = put(store, buckets[0], "webdataset", tmp_path / "raw", contents, per_shard=2)
    order = (source, f"s3://{buckets[1]}", "--from", "webdataset", *METHOD,
             "-o", "pause_ms=60", "--shard", "0/1", "--json")  # fmt: skip
    running = [
        subprocess.Popen([*COMMAND, "anonymize", *order], env=ENVIRONMENT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    reports = [json.loads(process.communicate(timeout=180)[0]) for process in running]
    assert all(report["complete"] for report in reports)
    assert not any(report["failed"] or report["unfinished"] for report in reports)
    whole(store, buckets[1], "webdataset", tmp_path / "got", contents)


def test_recordings_that_fail_and_one_that_kills(tmp_path, contents, store, buckets):
    folder = tmp_path / "raw"
    make("folder", folder, contents)
    (folder / "s0" / "000.wav").write_bytes(b"no audio")
    (folder / "s1" / "again.wav").write_bytes(contents[3])  # two of the length that kills
    store.put(folder, buckets[0])
    order = (f"s3://{buckets[0]}", f"s3://{buckets[1]}", "--from", "folder", *METHOD,
             "-o", "kills=4003", "--json")  # fmt: skip
    done = call(*order)
    report = json.loads(done.stdout)
    assert (done.returncode, report["done"], report["failed"], report["complete"]) == (
        1,
        8,
        3,
        True,
    )
    failed = ["s0/000.wav", "s1/003.wav", "s1/again.wav"]
    left = [content for number, content in enumerate(contents) if number not in (0, 3)]
    whole(store, buckets[1], "folder", tmp_path / "got", left, failed)
    reasons = {name: told(tmp_path / "got")[name]["reason"] for name in failed}
    assert reasons["s0/000.wav"].startswith("not recognised as audio")
    died = "the process that worked on it died 3 times"
    assert (reasons["s1/003.wav"], reasons["s1/again.wav"]) == (died, died)
    store.client.put_object(Bucket=buckets[0], Key="s0/000.wav", Body=contents[0])
    changed = call(*order, "--resume")
    assert (changed.returncode, "source was changed" in changed.stderr) == (2, True)


def test_listings_of_more_than_a_page(store, buckets):
    raw, safe = buckets
    names = [f"s{int(number > 1050)}/{number:05d}.wav" for number in range(1060)]
    for name in names:
        store.client.put_object(Bucket=raw, Key=name, Body=b"x" * 3)
    settings = Settings(f"s3://{raw}", f"s3://{safe}", "folder", "folder", unit_items=100)
    units = list(open_source(settings).units())
    assert [entry.name for unit in units for entry in unit.entries] == sorted(names)
    assert {entry.size for unit in units for entry in unit.entries} == {3}
    for number in range(1010):
        store.client.put_object(Bucket=safe, Key=f"manifest/part-{number:06d}-ab.jsonl", Body=b"")
    parts = Parts(open_storage(settings.target))
    assert all(parts.hold(Unit(f"{number:06d}", "ab")) for number in range(1010))
    assert not parts.hold(Unit("001010", "ab"))
    pages = [seen for seen in store.seen if "continuation-token" in seen[2]]
    assert len(pages) == 2


def test_odd_names_go_through_or_fail_alone(tmp_path, contents, store, buckets):
    good = [
        "a b.wav",
        "%41+&=.wav",
        "#?x*[1].wav",
        "\u00e4\u00f6/\u65e5\u672c.wav",
        "a.wav/b.wav",
        "a.wav",
    ]
    bad = ["x//c.wav", "x/../../../out.wav", "./d.wav"]
    for name, content in zip([*good, *bad], contents, strict=False):
        store.client.put_object(Bucket=buckets[0], Key=f"raw/{name}", Body=content)
    source = f"s3://{buckets[0]}/raw"
    done = call(source, f"s3://{buckets[1]}", "--from", "folder", *METHOD, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["done"], report["failed"]) == (1, 6, 3)
    assert {name["id"] for name in report["failures"]} == {"x//", "x/../", "./"}
    assert {key for key in store.keys(buckets[1]) if key.endswith(".wav")} == set(good)
    here = tmp_path / "deep" / "er" / "safe"
    local = call(source, here, "--from", "folder", *METHOD)
    assert local.returncode == 1
    assert not list(tmp_path.rglob("out.wav"))  # a key cannot lead out of a local target


@pytest.mark.skipif(os.name == "nt", reason="the name cannot be")
def test_names_that_no_object_can_have_fail_alone(tmp_path, contents, store, buckets):
    folder = tmp_path / "raw"
    deep = folder.joinpath(*["d" * 200] * 6)  # 1,200 bytes are too long for a key
    deep.mkdir(parents=True)
    (deep / "a.wav").write_bytes(contents[0])
    (folder / os.fsdecode(b"\xff.wav")).write_bytes(contents[1])
    (folder / "good.wav").write_bytes(contents[2])

    def rule(environ):  # which moto leaves out, and S3 does not
        long = len(environ["PATH_INFO"]) > len(f"/{buckets[1]}/") + 1024
        return (400, "KeyTooLongError") if long else None

    with store.failing(rule):
        done = call(folder, f"s3://{buckets[1]}", "--from", "folder", *METHOD, "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["done"], report["failed"]) == (1, 1, 2)
    assert all("takes no such name" in failure["reason"] for failure in report["failures"])
    assert [key for key in store.keys(buckets[1]) if key.endswith(".wav")] == ["good.wav"]
