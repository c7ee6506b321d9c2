"""``voxguard anonymize``: files, folders, corpora and pipes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from voxguard.cli.codes import FAILED
from voxguard.cli.corpus import make_options, run_corpus
from voxguard.cli.job import PIPE, Job
from voxguard.cli.make import make_anonymizer
from voxguard.cli.output import echo_error, echo_json, echo_table, echo_warning, progress_bar
from voxguard.errors import ConfigurationError, VoxguardError

Kind = Literal["folder", "manifest", "webdataset", "parquet"]

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer
    from voxguard.files import FolderReport
    from voxguard.files.interruption import Stop

HELP = """Anonymize a recording, a folder of recordings, a corpus, or a live stream.

\b
  voxguard anonymize interview.wav anonymous.wav
  voxguard anonymize corpus/ anonymous/ --jobs 4 --resume
  voxguard anonymize corpus/ anonymous/ --key-file my.key --speaker-from folder
  voxguard anonymize shards/ anonymous/ --from webdataset --keep txt --engine ray
  arecord -f S16_LE -r 16000 | voxguard anonymize - - | aplay

What fails is reported and never copied. Results go to stdout, all else to stderr.
"""


def anonymize(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="Recording, folder of recordings, or - for stdin.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="File, folder outside IN, or - for stdout.")
    ],
    method: Annotated[
        str | None,
        typer.Option(help="See `voxguard methods`; on stdin in its live mode.  [voice_conversion]"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="NAME=VALUE",
            help="An option of the method, e.g. -o coefficient=[0.6,0.9]; may be repeated.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Secret key: the same speaker keeps one voice. See `voxguard keygen`."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="For research: repeatable by anyone, so weakens privacy.")
    ] = None,
    scope: Annotated[
        Literal["utterance", "session", "corpus"] | None,
        typer.Option(help="How long a speaker keeps one voice."),
    ] = None,
    session: Annotated[
        str | None, typer.Option(help="Names the session, to take it up again under a key.")
    ] = None,
    speaker: Annotated[
        str | None, typer.Option(help="Who speaks in a file or pipe; is not written anywhere.")
    ] = None,
    speaker_from: Annotated[
        Literal["none", "folder"] | None,
        typer.Option(help="Whether the folder that a recording lies in names its speaker."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=0, help="Recordings at once in a folder; 0: one a processor.  [1]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a folder: skip what is there already.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="A pipe holds bare samples, not a WAV stream.")
    ] = False,
    rate: Annotated[
        int | None, typer.Option(help="Of raw samples on stdin, in Hz; must be given.")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="Of raw samples on stdin.  [1]")] = None,
    encoding: Annotated[
        Literal["s16le", "s24le", "s32le", "f32le"] | None,
        typer.Option(help="Of raw samples in a pipe.  [s16le]"),
    ] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(help="Upper bound on the delay in a pipe.")
    ] = None,
    engine: Annotated[
        Literal["local", "ray"] | None,
        typer.Option(help="Who does a corpus: processes here, or the cluster of RAY_ADDRESS."),
    ] = None,
    source_kind: Annotated[
        Kind | None, typer.Option("--from", help="What IN is, if it is a corpus.")
    ] = None,
    target_kind: Annotated[
        Kind | None, typer.Option("--to", help="What OUT becomes.  [as IN]")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="i/n", help="Every n-th unit from the i-th (from 0) on.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A column, field or extension that is carried on; nothing else is."
        ),
    ] = None,
    speaker_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column or field that names speakers.")
    ] = None,
    audio_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of Parquet files.  [audio]")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Longest recording in a corpus.  [7200]")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do units of a corpus with failures again.")
    ] = False,
    cpus_per_worker: Annotated[float | None, typer.Option(help="With Ray.  [1]")] = None,
    gpus_per_worker: Annotated[float | None, typer.Option(help="With Ray.  [0]")] = None,
) -> None:
    """Anonymize a recording, a folder of recordings, a corpus, or a live stream."""
    if not (source and target):
        raise ConfigurationError("IN or OUT is empty; name a file, a folder, or - for a pipe")
    job = Job(source, target, speaker, speaker_from, jobs, resume, overwrite, as_json)
    corpus = make_options(
        engine=engine,
        source_kind=source_kind,
        target_kind=target_kind,
        shard=shard,
        keep=keep,
        speaker_column=speaker_column,
        audio_column=audio_column,
        max_seconds=max_seconds,
        retry_failed=retry_failed,
        cpus=cpus_per_worker,
        gpus=gpus_per_worker,
    )
    wire = {"raw": raw, "rate": rate, "channels": channels, "encoding": encoding}
    if PIPE not in (source, target):
        job.refuse("files; it is for pipes", **wire, max_latency_ms=max_latency_ms)
    elif source != PIPE:
        job.refuse("a file, which says so itself", rate=rate, channels=channels)
    anonymizer = make_anonymizer(
        method, option or [], key_file, seed, scope, session, live=source == PIPE
    )
    if PIPE in (source, target):
        from voxguard.cli.pipe import Wire, run_pipe

        job.refuse("pipes; it is for corpora", **corpus.given())
        job.refuse("pipes", speaker_from=speaker_from, resume=resume, json=as_json, jobs=jobs)
        if key_file is not None and speaker is None and session is None:
            raise ConfigurationError("under a key, say with --speaker whose voice the pipe holds")
        run_pipe(job, anonymizer, Wire(raw, rate, channels, encoding), max_latency_ms)
    elif corpus.asked(job):
        making = {"option": option or [], "key_file": key_file, "seed": seed, "scope": scope}
        run_corpus(job, corpus, anonymizer, {**making, "session": session})
    else:
        _report(job, anonymizer, _folder(job, anonymizer) if Path(source).is_dir()
                else _file(job, anonymizer))  # fmt: skip


def _file(job: Job, anonymizer: Anonymizer) -> FolderReport:
    from voxguard.files import Failure, FolderReport
    from voxguard.files.interruption import undisturbed
    from voxguard.files.single import render_file

    job.refuse("a single file", speaker_from=job.speaker_from, resume=job.resume, jobs=job.jobs)
    source, target = Path(job.source), _target_file(job)
    if not source.exists():
        raise ConfigurationError(f"{source} does not exist; IN is a recording, a folder or -")
    started = time.monotonic()
    failed, seconds = [], 0.0
    try:
        with progress_bar("s") as tell:

            def work(stop: Stop) -> float:
                def on_block(done: float, total: float | None) -> None:
                    stop.look()
                    tell(done, total)

                return render_file(
                    source,
                    target,
                    anonymizer,
                    speaker=job.speaker,
                    utterance=source.name,  # as in a folder: under a key the draw repeats
                    overwrite=job.overwrite,
                    on_block=on_block,
                )

            seconds = undisturbed(work)
    except ConfigurationError:
        raise
    except VoxguardError as error:
        failed.append(Failure.of(source, error))
    return FolderReport(
        done=1 - len(failed),
        skipped=0,
        failed=tuple(failed),
        ignored=0,
        seconds=seconds,
        elapsed=time.monotonic() - started,
    )


def _target_file(job: Job) -> Path:
    target = Path(job.target)
    return target / Path(job.source).name if target.is_dir() else target


def _folder(job: Job, anonymizer: Anonymizer) -> FolderReport:
    from voxguard.files import anonymize_folder

    job.refuse("a folder; see --speaker-from", speaker=job.speaker)
    with progress_bar("recordings") as tell:
        return anonymize_folder(
            job.source,
            job.target,
            anonymizer,
            jobs=1 if job.jobs is None else job.jobs,
            resume=job.resume,
            overwrite=job.overwrite,
            speaker_from="folder" if job.speaker_from == "folder" else "none",
            progress=tell,
        )


def _report(job: Job, anonymizer: Anonymizer, report: FolderReport) -> None:
    import voxguard
    from voxguard.files.record import describe

    if not (report.done or report.skipped or report.failed):
        echo_warning(f"{job.source} holds no audio that voxguard knows; nothing was done")
    for failure in report.failed:
        echo_error(f"{failure.path}: {failure.reason}")
    if job.as_json:
        run = {"voxguard": voxguard.__version__, "source": job.source, "target": job.target}
        echo_json({**run, **describe(anonymizer), **report.as_dict()})
    elif Path(job.source).is_dir():
        _show_table(report, anonymizer.name)
    elif report.done:
        typer.echo(
            f"{_target_file(job)}: {report.seconds:.2f} s anonymized with {anonymizer.name} "
            f"in {report.elapsed:.2f} s"
        )
    if report.failed:
        raise typer.Exit(FAILED)


def _show_table(report: FolderReport, method: str) -> None:
    speed = f", {report.seconds / report.elapsed:.0f} times real time" if report.seconds else ""
    echo_table(
        [
            ["anonymized", f"{report.done} ({report.seconds:.1f} s of audio) with {method}"],
            ["skipped", f"{report.skipped} (there already)"],
            ["failed", f"{len(report.failed)} (nothing written for them)"],
            ["ignored", f"{report.ignored} (not audio)"],
            ["took", f"{report.elapsed:.1f} s{speed}"],
        ],
        "",
        "",
    )
