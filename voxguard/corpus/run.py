"""A corpus, anonymized: what is left to do is found, done by an engine, and counted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from voxguard.corpus.claim import sweep
from voxguard.corpus.engines import Engine
from voxguard.corpus.items import Unit
from voxguard.corpus.parts import FOLDER, Parts, drop_part, part_name, read_head
from voxguard.corpus.record import CorpusRecord
from voxguard.corpus.settings import Maker, Settings
from voxguard.corpus.sinks import open_sink
from voxguard.corpus.sources import open_source
from voxguard.corpus.storage import Storage, open_storage
from voxguard.corpus.unit import Outcome
from voxguard.errors import ConfigurationError

_MOST_FAILURES = 100  # that a report shows; the manifest has all


@dataclass
class CorpusReport:
    """How a run went.

    Attributes:
        done: Recordings anonymized in this run.
        failed: Recordings that could not be; the manifest has each with its reason.
        seconds: Of audio anonymized in this run.
        units_done: Units completed in this run.
        units_there: Units of this run that were complete already.
        units_elsewhere: Units that belong to other shards of the work.
        unfinished: Units that are not complete, each with the reason.
        failures: The first of the failed, each with the reason.
        complete: Whether the whole corpus is, whoever did it.
        totals: Recordings ``done`` and ``failed`` and ``seconds`` of the whole corpus, if complete.
        elapsed: Seconds that it took.
    """

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    units_done: int = 0
    units_there: int = 0
    units_elsewhere: int = 0
    unfinished: list[tuple[str, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = False
    totals: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON types."""
        return asdict(self) | {
            "unfinished": [{"unit": unit, "reason": why} for unit, why in self.unfinished],
            "failures": [{"id": item, "reason": why} for item, why in self.failures],
        }

    def count(self, outcome: Outcome) -> None:
        """Add a unit."""
        if outcome.state == "unfinished":
            self.unfinished.append((outcome.unit, outcome.reason))
        elif outcome.state == "there":  # another process was faster
            self.units_there += 1
        else:
            self.units_done += 1
            self.done += outcome.done
            self.failed += outcome.failed
            self.seconds += outcome.seconds
            room = _MOST_FAILURES - len(self.failures)
            self.failures += outcome.failures[: max(0, room)]


def anonymize_corpus(
    settings: Settings,
    maker: Maker,
    *,
    engine: Literal["local", "ray"] = "local",
    jobs: int = 1,
    shard: tuple[int, int] | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    cpus: float = 1.0,
    gpus: float = 0.0,
    progress: Callable[[int, int | None], None] | None = None,
) -> CorpusReport:
    """Anonymize every recording of a corpus, exactly once, on one machine or many.

    The work is cut into units: a tar shard, a Parquet file, or some hundred recordings of a
    listing. A unit is complete when its part of the manifest is there; until then nothing of it
    counts, and it is done again by the next run. So a run may be killed at any point.

    Args:
        settings: Where from, where to, what goes along.
        maker: Makes the anonymizer, once a worker. A speaker keeps one voice over workers and runs
            only under a key or seed.
        engine: ``"local"``: processes of this machine. ``"ray"``: the cluster of ``RAY_ADDRESS``.
        jobs: Worker processes; 0 for one a processor, and with Ray for as many as there is room.
        shard: ``(i, n)``: do every n-th unit, from the i-th on (from 0); for job arrays. What other
            shards began is joined, and a shard that ran before is gone on with.
        resume: Go on with what is in the target.
        retry_failed: Do units again in which recordings failed.
        cpus: Processors of a Ray worker.
        gpus: GPUs of a Ray worker.
        progress: Called after every unit with the number finished and, when the listing is through,
            the number in all.

    Returns:
        What was done, and what was not and why.

    Raises:
        ConfigurationError: Source, target, method and options do not go together, or the source was
            changed since the target was begun.

    Example:
        >>> import tempfile, soundfile, voxguard
        >>> from pathlib import Path
        >>> from voxguard.corpus import Maker, Settings, anonymize_corpus
        >>> raw, safe = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp()) / "safe"
        >>> soundfile.write(raw / "a.wav", voxguard.synthetic_voice(seconds=0.5), 16_000)
        >>> settings = Settings(str(raw), str(safe), "folder", "webdataset")
        >>> report = anonymize_corpus(settings, Maker("mcadams"))
        >>> report.done, report.complete, sorted(path.name for path in safe.iterdir())
        (1, True, ['chunk-000000.tar', 'manifest', 'voxguard-corpus.json'])
    """
    started = time.monotonic()
    share, of = shard or (0, 1)
    if not 0 <= share < of:
        raise ConfigurationError(f"a shard i/n counts i from 0 to n - 1, got {share}/{of}")
    _check_scope(settings, maker)
    anonymizer = maker()
    named = "any" if settings.names_speakers else None
    anonymizer.draw_voice(speaker=named, utterance="any")  # or no item would
    crew = _engine(engine, settings, maker, jobs, cpus, gpus)
    source, storage = open_source(settings), open_storage(settings.target)
    first = next(source.units(), None)  # a source that is not there leaves no target
    record = CorpusRecord(storage, settings, anonymizer)
    record.begin(join=resume or shard is not None)
    del anonymizer, first
    storage.clean("")
    storage.clean(FOLDER)
    report = CorpusReport()
    plan = _Plan(storage, source.units(), share, of, report, retry_failed=retry_failed)
    for outcome in crew.run(iter(plan)):
        report.count(outcome)
        if progress is not None:
            finished = report.units_done + report.units_there + len(report.unfinished)
            progress(finished, plan.total)
    _finish(settings, storage, record, plan, report)
    report.elapsed = time.monotonic() - started
    return report


def _check_scope(settings: Settings, maker: Maker) -> None:
    lasting = settings.names_speakers or maker.scope in ("corpus", "session")
    if lasting and not maker.repeatable and maker.scope != "utterance":
        raise ConfigurationError(
            "a speaker keeps one voice over workers, and over a run that is gone on with, by a "
            "secret key: give a key file (see `voxguard keygen`), or leave the speakers out"
        )
    if maker.scope == "corpus" and not settings.names_speakers:
        raise ConfigurationError(
            'scope="corpus" gives every speaker one voice: say which column, or that the folder, '
            "names the speaker"
        )
    if maker.scope == "session" and maker.session is None:
        raise ConfigurationError(
            'scope="session" over several workers needs a session that is named'
        )


def _engine(
    name: str, settings: Settings, maker: Maker, jobs: int, cpus: float, gpus: float
) -> Engine:
    if name == "local":
        from voxguard.corpus.engines.local import LocalEngine

        return LocalEngine(settings, maker, jobs)
    if name == "ray":
        from voxguard.corpus.engines.ray import RayEngine

        return RayEngine(settings, maker, workers=jobs or None, cpus=cpus, gpus=gpus)
    raise ConfigurationError(f"engine= takes local or ray, got {name!r}")


class _Plan:
    """The units that are to be done, found as they are asked for; what others do is remembered.

    Attributes:
        total: Units of this run, when the listing is through.
        parts: Of all units of the corpus.
    """

    def __init__(
        self,
        storage: Storage,
        units: Iterator[Unit],
        share: int,
        of: int,
        report: CorpusReport,
        *,
        retry_failed: bool,
    ) -> None:
        self.total: int | None = None
        self.parts: list[str] = []
        self._storage, self._units = storage, units
        self._share, self._of = share, of
        self._report, self._retry = report, retry_failed

    def __iter__(self) -> Iterator[Unit]:
        ready = Parts(self._storage)
        mine = 0
        for position, unit in enumerate(self._units):
            part = part_name(unit)
            self.parts.append(part)
            there = ready.hold(unit)
            if position % self._of != self._share:
                self._report.units_elsewhere += 1
                continue
            mine += 1
            if there and self._retry and read_head(self._storage, part)["failed"]:
                drop_part(self._storage, part)
                there = False
            if there:
                self._report.units_there += 1
            else:
                yield unit
        self.total = mine


def _finish(
    settings: Settings, storage: Storage, record: CorpusRecord, plan: _Plan, report: CorpusReport
) -> None:
    """If every unit of the corpus is complete, sum up and say so in the record."""
    if report.unfinished:
        return
    names = set(storage.names(FOLDER))
    if not all(f"part-{part}.jsonl" in names for part in plan.parts):
        return
    totals = {"done": 0, "failed": 0, "seconds": 0.0}
    for part in plan.parts:
        head = read_head(storage, part)
        for name in totals:
            totals[name] += head[name]
    open_sink(settings, storage).finish(plan.parts)
    sweep(storage)
    totals["seconds"] = round(totals["seconds"], 3)
    record.finish(totals)
    report.complete, report.totals = True, totals


def parse_shard(text: str) -> tuple[int, int]:
    """``i/n`` as two numbers.

    Raises:
        ConfigurationError: It is something else.

    Example:
        >>> from voxguard.corpus.run import parse_shard
        >>> parse_shard("3/16")
        (3, 16)
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None:
        raise ConfigurationError(f"--shard takes i/n, such as 0/16 to 15/16, got {text!r}")
    return int(match[1]), int(match[2])
