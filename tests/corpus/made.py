"""Corpora that the tests make, in every form, and what can be read back from every form."""

import csv
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np

import voxguard
from voxguard.audio import encode, read

PLUGIN = Path(__file__).parent / "plugin"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(Path(voxguard.__file__).parents[1]), str(PLUGIN)]),
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "80",
}
COMMAND = [sys.executable, "-m", "voxguard"]
TRANSCRIPT = "it is warm today"


def recording(number, seconds=0.25):
    """Content of a WAV file; noise, and no two are of one length."""
    frames = int(seconds * 16_000) + number
    samples = np.random.default_rng(number).normal(0, 0.1, (1, frames)).astype(np.float32)
    return encode(samples, 16_000, "wav")


def make(kind, folder, contents, per_shard=4):
    """Write a corpus; gives what to name as the source."""
    folder.mkdir(parents=True)
    if kind in ("folder", "manifest"):
        for number, content in enumerate(contents):
            path = folder / f"s{number % 2}" / f"{number:03d}.wav"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        if kind == "folder":
            return folder
        with (folder / "list.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["path", "speaker", "text"])
            rows.writerows(
                [f"s{n % 2}/{n:03d}.wav", f"s{n % 2}", TRANSCRIPT] for n in range(len(contents))
            )
        return folder / "list.csv"
    for shard, start in enumerate(range(0, len(contents), per_shard)):
        part = list(enumerate(contents))[start : start + per_shard]
        if kind == "webdataset":
            with tarfile.open(folder / f"{shard:03d}.tar", "w") as tar:
                for number, content in part:
                    about = {"text": TRANSCRIPT, "speaker": f"s{number % 2}"}
                    member(tar, f"{number:03d}.json", json.dumps(about).encode())
                    member(tar, f"{number:03d}.wav", content)
        else:
            write_parquet(folder / f"{shard:03d}.parquet", part)
    return folder


def member(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_parquet(path, part, audio="audio"):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            audio: {"bytes": content, "path": f"anna/{number}.wav"},
            "speaker": f"s{number % 2}",
            "text": TRANSCRIPT,
            "number": number,
        }
        for number, content in part
    ]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=20)


def written(kind, folder):
    """What a target holds: content of every recording by its place, as the manifest names it."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if kind in ("folder", "manifest") and path.suffix == ".wav":
            found[name] = path.read_bytes()
        elif kind == "webdataset" and path.suffix == ".tar":
            with tarfile.open(path) as tar:
                for info in tar:
                    if info.name.endswith(".wav"):
                        assert f"{name}/{info.name}" not in found
                        found[f"{name}/{info.name}"] = tar.extractfile(info).read()
        elif kind == "parquet" and path.suffix == ".parquet":
            import pyarrow.parquet as pq

            for row in pq.read_table(path).to_pylist():
                place = f"{name}/{row['audio']['path']}"
                assert place not in found
                found[place] = row["audio"]["bytes"]
    return found


def told(folder):
    """Lines of the manifest by id; no id comes twice."""
    lines = {}
    for part in sorted((folder / "manifest").glob("part-*.jsonl")):
        head, *rest = [json.loads(line) for line in part.read_text().splitlines()]
        assert head["done"] + head["failed"] == len(rest)
        for line in rest:
            assert line["id"] not in lines, line["id"]
            lines[line["id"]] = line
    return lines


def check(kind, folder, contents, failed=()):
    """A target is complete, holds each once, holds nothing else, and nothing raw."""
    lines = told(folder)
    done = {line["output"] for line in lines.values() if line["status"] == "done"}
    assert {name for name, line in lines.items() if line["status"] == "failed"} == set(failed)
    results = written(kind, folder)
    assert set(results) == done
    lengths = sorted(read(content)[0].shape[1] for content in results.values())
    assert lengths == sorted(read(content)[0].shape[1] for content in contents)
    holds_nothing_raw(folder, contents, results)
    assert not [path for path in folder.rglob("*") if path.name.startswith(".voxguard")]
    record = json.loads((folder / "voxguard-corpus.json").read_text())
    assert record["complete"] is True
    assert record["done"] == len(contents)


def holds_nothing_raw(folder, contents, results=None):
    """No file holds a stretch of a source's bytes, and no result sounds like its source."""
    needles = [content[2000:2064] for content in contents if len(content) > 2064]
    for path in folder.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert not any(needle in held for needle in needles), path
    if not results:
        return
    raw = {read(content)[0].shape[1]: read(content)[0][0] for content in contents}
    for content in results.values():
        samples = read(content)[0][0]
        assert abs(np.corrcoef(samples, raw[len(samples)])[0, 1]) < 0.5


def call(*arguments, **options):
    """Run ``voxguard anonymize ...`` to its end."""
    done = subprocess.run(
        [*COMMAND, "anonymize", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        **options,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done
