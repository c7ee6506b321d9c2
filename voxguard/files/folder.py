"""A folder of recordings, anonymized into another one with the same structure."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from voxguard.anonymizers.base import Anonymizer
from voxguard.audio import AudioReader, remove_abandoned
from voxguard.errors import ConfigurationError, OutputError, VoxguardError
from voxguard.files.interruption import Stop, undisturbed
from voxguard.files.naming import file_name, own_suffix
from voxguard.files.record import RunRecord
from voxguard.files.scan import scan, shown
from voxguard.files.single import render_file

_LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_III")  # whose encoders may pad

SpeakerFrom = Literal["none", "folder"]


@dataclass(frozen=True)
class Failure:
    """A recording that was not anonymized; nothing was written for it."""

    path: str
    reason: str

    @classmethod
    def of(cls, path: Path, error: VoxguardError) -> Failure:
        """The failure of the recording at a path, which its reason need not name again."""
        reason = str(error).removeprefix(path.name).lstrip(": ")
        return cls(shown(path), reason)


@dataclass(frozen=True)
class FolderReport:
    """How a run went.

    Attributes:
        done: Recordings anonymized.
        skipped: Recordings whose result was there already.
        failed: Those that could not be, each with the reason.
        ignored: Files that are not audio.
        seconds: Of audio anonymized.
        elapsed: Seconds that it took.
    """

    done: int
    skipped: int
    failed: tuple[Failure, ...]
    ignored: int
    seconds: float
    elapsed: float

    def as_dict(self) -> dict[str, Any]:
        """The same, as JSON types."""
        return asdict(self) | {"failed": [asdict(failure) for failure in self.failed]}


def anonymize_folder(
    source: str | Path,
    target: str | Path,
    anonymizer: Anonymizer,
    *,
    jobs: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    speaker_from: SpeakerFrom = "none",
    progress: Callable[[int, int], None] | None = None,
) -> FolderReport:
    """Anonymize every recording below a folder.

    A recording that fails is reported and does not stop the others. The target folder gets a record
    of the run, ``voxguard-run.json``, and keeps to one method and its options. The relative path of
    a recording names its utterance: under a key or seed the draws repeat, in any order.

    Args:
        source: The folder. Links are followed, each real folder once.
        target: The folder for the results, outside the source; made if it is missing. A result has
            the name of its recording; what is read and not written (M4A, WebM, SPHERE) becomes WAV,
            ``a.m4a`` ``a.m4a.wav``.
        anonymizer: Does the work.
        jobs: How many recordings at once; 0 for one a processor.
        resume: Leave out what is there already, and clean up behind a run that was killed.
        overwrite: Replace what is there already. With neither, it counts as failed.
        speaker_from: ``"folder"``: the folder that a recording lies in names its speaker.
        progress: Called after every recording with the number finished and the number in all.

    Returns:
        What was done, and every failure with its reason.

    Raises:
        ConfigurationError: The folders or arguments do not go together; nothing was written.

    Example:
        >>> import tempfile, soundfile, voxguard
        >>> from pathlib import Path
        >>> raw, safe = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp()) / "safe"
        >>> soundfile.write(raw / "a.wav", voxguard.synthetic_voice(seconds=0.5), 16_000)
        >>> voxguard.anonymize_folder(raw, safe, voxguard.McAdams()).done
        1
    """
    started = time.monotonic()
    source, target = Path(source), Path(target)
    _check_arguments(source, target, jobs, resume, overwrite, speaker_from)
    named = speaker_from == "folder"
    anonymizer.draw_voice(speaker="any" if named else None, utterance="any")  # or no item would
    found = scan(source, target)
    finds_output = resume and any((target / _result(item)).is_file() for item in found.audio)
    record = RunRecord(target, anonymizer, speaker_from, overwrite=overwrite)
    run = _Run(source, target, anonymizer, named, resume, overwrite)
    run.failed += [Failure(shown(path), reason) for path, reason in found.unreadable]
    items = run.without_namesakes(found.audio)

    def work(stop: Stop) -> FolderReport:
        record.begin(finds_output=finds_output)
        if resume:
            for folder, _, _ in os.walk(target):
                remove_abandoned(Path(folder))
        run.work(items, jobs or os.cpu_count() or 1, progress, stop)
        stop.look()
        report = FolderReport(
            done=run.done,
            skipped=run.skipped,
            failed=tuple(sorted(run.failed, key=lambda failure: failure.path)),
            ignored=found.ignored,
            seconds=run.seconds,
            elapsed=time.monotonic() - started,
        )
        record.finish(report.as_dict())
        return report

    return undisturbed(work)


def _check_arguments(
    source: Path, target: Path, jobs: int, resume: bool, overwrite: bool, speaker_from: str
) -> None:
    if not source.is_dir():
        raise ConfigurationError(f"{source} is not a folder; for one file there is anonymize_file")
    if target.exists() and not target.is_dir():
        raise ConfigurationError(f"the target {target} is a file; name a folder")
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 0:
        raise ConfigurationError(f"jobs= takes a number from 0 (one a processor), got {jobs!r}")
    if resume and overwrite:
        raise ConfigurationError(
            "resume keeps the results that are there, overwrite replaces them: choose one"
        )
    if speaker_from not in get_args(SpeakerFrom):
        raise ConfigurationError(
            f"speaker_from= takes {' or '.join(get_args(SpeakerFrom))}, got {speaker_from!r}"
        )


@dataclass
class _Run:
    source: Path
    target: Path
    anonymizer: Anonymizer
    speakers: bool
    resume: bool
    overwrite: bool
    done: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failed: list[Failure] = field(default_factory=list)

    def without_namesakes(self, items: list[Path]) -> list[Path]:
        """All but those whose result would have the name of another recording's."""
        taken, kept = set(items), []
        for item in items:
            result = _result(item)
            if result != item and result in taken:
                reason = f"its result would be {shown(result)}, as another's: rename one of them"
                self.failed.append(Failure(shown(item), reason))
            else:
                kept.append(item)
        return kept

    def work(
        self,
        items: list[Path],
        jobs: int,
        progress: Callable[[int, int], None] | None,
        stop: Stop,
    ) -> None:
        """Work through the items in threads."""
        queue, total = iter(items), len(items) + len(self.failed)
        lock = threading.Lock()

        def worker() -> None:
            while True:
                stop.look()
                with lock:
                    item = next(queue, None)
                if item is None:
                    return
                outcome = self._one(item, stop)
                with lock:
                    self._count(outcome)
                    if progress is not None:
                        progress(self.done + self.skipped + len(self.failed), total)

        with ThreadPoolExecutor(max(1, min(jobs, len(items)))) as pool:
            workers = [pool.submit(worker) for _ in range(min(jobs, len(items)))]
            try:
                for running in workers:
                    running.result()
            except BaseException:
                stop.set()
                raise

    def _count(self, outcome: float | Failure | None) -> None:
        if outcome is None:
            self.skipped += 1
        elif isinstance(outcome, Failure):
            self.failed.append(outcome)
        else:
            self.done += 1
            self.seconds += outcome

    def _one(self, item: Path, stop: Stop) -> float | Failure | None:
        """Seconds of audio if it was done, None if it was skipped."""
        source, target = self.source / item, self.target / _result(item)
        try:
            if self.resume and target.is_file():
                _check_result(source, target)
                return None
            return render_file(
                source,
                target,
                self.anonymizer,
                speaker=shown(source.absolute().parent.name) if self.speakers else None,
                utterance=shown(item),
                overwrite=self.overwrite,
                on_block=stop.look,
            )
        except VoxguardError as error:
            if self.resume and isinstance(error, OutputError) and target.is_file():
                return None  # another process was faster, and it is complete
            return Failure.of(item, error)


def _result(item: Path) -> Path:
    """Where the result of a recording lies: under its name, with .wav behind what is not written.

    Example:
        >>> from pathlib import PurePosixPath
        >>> str(_result(PurePosixPath("a/b.flac"))), str(_result(PurePosixPath("a/b.m4a")))
        ('a/b.flac', 'a/b.m4a.wav')
    """
    return item.with_name(file_name(item.name, own_suffix(item.name) or "wav"))


def _check_result(source: Path, target: Path) -> None:
    """Refuse to take for done what is not as long as its source, or is no longer whole."""
    with AudioReader(source) as was, AudioReader(target) as now:
        exact = now.subtype not in _LOSSY and None not in (was.frames, now.frames)
        if was.sample_rate != now.sample_rate or (exact and was.frames != now.frames):
            raise VoxguardError(
                f"{target.name} is there already, but is not of this recording "
                f"({now.frames} frames at {now.sample_rate} Hz, not {was.frames} at "
                f"{was.sample_rate}); overwrite it, or delete it and resume"
            )
