"""``voxguard anonymize`` on a corpus: shards, datasets, object stores, many machines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from voxguard.cli.codes import FAILED
from voxguard.cli.job import Job
from voxguard.cli.make import parse_options
from voxguard.cli.output import echo_error, echo_json, echo_table, progress_bar
from voxguard.errors import ConfigurationError

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer
    from voxguard.corpus import CorpusReport

_BY_SUFFIX = {".csv": "manifest", ".parquet": "parquet", ".tar": "webdataset",
              ".tgz": "webdataset", ".tar.gz": "webdataset"}  # fmt: skip


@dataclass(frozen=True)
class CorpusOptions:
    """What is asked for beside the source and the target; None where nothing is."""

    source_kind: str | None
    target_kind: str | None
    engine: str | None
    shard: str | None
    keep: list[str] | None
    speaker_column: str | None
    audio_column: str | None
    max_seconds: float | None
    retry_failed: bool
    cpus: float | None
    gpus: float | None

    def asked(self, job: Job) -> bool:
        """Whether this is a corpus and not a file or a folder of recordings."""
        from voxguard.corpus.storage import is_address

        addressed = is_address(job.source) or is_address(job.target)
        return bool(self.given()) or addressed or _by_suffix(job.source) is not None

    def given(self) -> dict[str, Any]:
        """Those that are asked for, by their names on the command line."""
        names = {"source_kind": "from", "target_kind": "to", "cpus": "cpus_per_worker",
                 "gpus": "gpus_per_worker"}  # fmt: skip
        return {
            names.get(name, name): value
            for name, value in vars(self).items()
            if value is not None and value is not False
        }


def run_corpus(
    job: Job, options: CorpusOptions, anonymizer: Anonymizer, making: Mapping[str, Any]
) -> None:
    """Anonymize a corpus and tell how it went.

    Args:
        job: Source, target and what goes for every source.
        options: Of corpora.
        anonymizer: As the workers will make it; what it is called goes into the result.
        making: What the workers make it from: ``method``, ``option``, ``key_file`` and so on.

    Raises:
        ConfigurationError: Something cannot be used; nothing was written.
    """
    from voxguard.corpus import Maker, Settings, anonymize_corpus
    from voxguard.corpus.run import parse_shard

    job.refuse("a corpus; see --speaker-column", speaker=job.speaker)
    job.refuse("a corpus: take another OUT, or --resume", overwrite=job.overwrite)
    ray = options.engine == "ray"
    if not ray:
        job.refuse("the engine local", cpus_per_worker=options.cpus, gpus_per_worker=options.gpus)
    kind = options.source_kind or _by_suffix(job.source) or "folder"
    given = {
        "speaker_from": job.speaker_from,
        "speaker_column": options.speaker_column,
        "audio_column": options.audio_column,
        "max_seconds": options.max_seconds,
    }
    settings = Settings(
        job.source,
        job.target,
        kind,  # type: ignore[arg-type]
        options.target_kind or kind,  # type: ignore[arg-type]
        keep=tuple(options.keep or ()),
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    rest = {name: value for name, value in making.items() if name not in ("method", "option")}
    maker = Maker(anonymizer.name, parse_options(making["option"]), **rest)
    every = 0 if ray else 1
    # Ray prints about workers that died; stdout is for the result.
    with redirect_stdout(sys.stderr), progress_bar("units") as tell:
        report = anonymize_corpus(
            settings,
            maker,
            engine="ray" if ray else "local",
            jobs=every if job.jobs is None else job.jobs,
            shard=None if options.shard is None else parse_shard(options.shard),
            resume=job.resume,
            retry_failed=options.retry_failed,
            cpus=1.0 if options.cpus is None else options.cpus,
            gpus=options.gpus or 0.0,
            progress=tell,
        )
    _tell(job, anonymizer, report)


def _by_suffix(source: str) -> str | None:
    if Path(source).is_dir():
        return None
    name = source.lower()
    return next((kind for suffix, kind in _BY_SUFFIX.items() if name.endswith(suffix)), None)


def _tell(job: Job, anonymizer: Anonymizer, report: CorpusReport) -> None:
    import voxguard
    from voxguard.files.record import describe

    for item, reason in report.failures:
        echo_error(f"{item}: {reason}")
    if hidden := report.failed - len(report.failures):
        echo_error(f"{hidden} more recordings failed; OUT/manifest has each with its reason")
    for unit, reason in report.unfinished:
        echo_error(f"{unit} is not done: {reason}; run again with --resume")
    if job.as_json:
        run = {"voxguard": voxguard.__version__, "source": job.source, "target": job.target}
        echo_json({**run, **describe(anonymizer), **report.as_dict()})
    else:
        _show_table(report, anonymizer.name)
    if report.failed or report.unfinished or report.totals.get("failed"):
        raise typer.Exit(FAILED)


def _show_table(report: CorpusReport, method: str) -> None:
    speed = f", {report.seconds / report.elapsed:.0f} times real time" if report.seconds else ""
    rows = [
        ["anonymized", f"{report.done} ({report.seconds:.1f} s of audio) with {method}"],
        ["failed", f"{report.failed} (nothing written for them)"],
        [
            "units",
            f"{report.units_done} done, {report.units_there} there already, "
            f"{len(report.unfinished)} unfinished, {report.units_elsewhere} of other shards",
        ],
        ["took", f"{report.elapsed:.1f} s{speed}"],
    ]
    if report.complete:
        done, failed = report.totals["done"], report.totals["failed"]
        rows.append(["corpus", f"complete: {done:.0f} anonymized, {failed:.0f} failed"])
    else:
        rows.append(["corpus", "not complete yet"])
    echo_table(rows, "", "")


def make_options(**given: Any) -> CorpusOptions:
    """The options as the command line has them.

    Raises:
        ConfigurationError: One of them is empty.
    """
    for name in ("speaker_column", "audio_column"):
        if given[name] == "":
            raise ConfigurationError(f"--{name.replace('_', '-')} is empty; name a column")
    return CorpusOptions(**given)
