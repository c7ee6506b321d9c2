"""Makes a corpus of made-up voices, and checks what became of one.

python -m recipes.anonymize_corpus make FOLDER --recordings 40
python -m recipes.anonymize_corpus check RAW SAFE
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import voxguard
from recipes.common import say, told
from voxguard.audio import encode, read

_PER_SHARD = 10
_SPEAKERS = 4
_TEXT = "made-up speech, recording {number}"


def make(folder: Path, recordings: int, seconds: float) -> None:
    """Write WebDataset shards: a WAV and a JSON with speaker and text for every recording."""
    folder.mkdir(parents=True)
    for number in told("recordings made", range(recordings)):
        speaker = number % _SPEAKERS
        voice = voxguard.synthetic_voice(seconds=seconds, speaker=speaker, seed=number)
        about = {"speaker": f"speaker-{speaker}", "text": _TEXT.format(number=number)}
        shard = folder / f"{number // _PER_SHARD:05d}.tar"
        with tarfile.open(shard, "a") as tar:
            for suffix, content in (
                ("json", json.dumps(about).encode()),
                ("wav", encode(voice[None], 16_000, "wav")),
            ):
                member = tarfile.TarInfo(f"{number:06d}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def check(raw: Path, safe: Path) -> int:
    """How many recordings are there twice, are missing, or are as they were; told on stderr."""
    given, results = dict(_recordings(raw)), list(_recordings(safe))
    found = dict(results)
    twice = len(results) - len(found)
    missing = given.keys() - found.keys()
    same = [name for name in given.keys() & found.keys() if _alike(given[name], found[name])]
    say(f"{len(given)} recordings, {len(found)} anonymized: {len(missing)} missing, {twice} twice, "
        f"{len(same)} still like the source")  # fmt: skip
    return len(missing) + twice + len(same)


def _recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if member.name.endswith(".wav") and content is not None:
                    yield f"{shard.name}/{member.name}", content.read()


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two recordings are one signal, at whatever level."""
    first, second = read(one)[0].ravel(), read(other)[0].ravel()
    return first.shape == second.shape and bool(np.corrcoef(first, second)[0, 1] > 0.99)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 1 if the check found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--recordings", type=int, default=40)
    making.add_argument("--seconds", type=float, default=3.0)
    checking = commands.add_parser("check")
    checking.add_argument("raw", type=Path)
    checking.add_argument("safe", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "make":
        make(given.folder, given.recordings, given.seconds)
        return 0
    return int(check(given.raw, given.safe) > 0)


if __name__ == "__main__":
    sys.exit(main())
