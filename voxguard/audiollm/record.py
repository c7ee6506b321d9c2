"""Answers as they come, in a file that outlives the process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from threading import Lock
from typing import IO, Any

from voxguard.audio.publish import output_error
from voxguard.audiollm.question import Answer, Question
from voxguard.errors import ConfigurationError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: two runs at once are not noticed
    fcntl = None

SCHEMA = "voxguard.answers/1"


class JsonLines:
    """A file of JSON objects, one a line, that is only ever added to.

    A line that was cut short when its writer died is taken away; whatever came before it stays.

    Args:
        path: The file; it is made if it is not there. None: in memory only.
        schema: Name in its first line.
        about: What all lines have in common; a file about something else is not added to.

    Raises:
        ConfigurationError: The file is of another schema, about something else, damaged in the
            middle, or in use by another process.
        OutputError: It cannot be written.

    Example:
        >>> from voxguard.audiollm.record import JsonLines
        >>> with JsonLines("scores.jsonl", "example/1", {"model": "m"}) as lines:
        ...     lines.add({"clip": 1})
        >>> with JsonLines("scores.jsonl", "example/1", {"model": "m"}) as lines:
        ...     lines.found
        [{'clip': 1}]
    """

    def __init__(self, path: str | Path | None, schema: str, about: dict[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.found: list[dict[str, Any]] = []
        self._lock = Lock()
        self._file: IO[bytes] | None = None
        if self.path is not None:
            self._file = self._open(self.path, {"schema": schema, **about})

    def _open(self, path: Path, header: dict[str, Any]) -> IO[bytes]:
        with output_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        try:
            self._claim(file, path)
            self._take_up(file, path, header)
        except BaseException:
            file.close()
            raise
        return file

    def _claim(self, file: IO[bytes], path: Path) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"{path} is in use by another run; wait for it, or take another file"
            ) from None
        except OSError:  # a file system without locks
            return

    def _take_up(self, file: IO[bytes], path: Path, header: dict[str, Any]) -> None:
        file.seek(0)
        content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        lines = [_parsed(line, number, path) for number, line in enumerate(whole.splitlines(), 1)]
        if lines and lines[0] != json.loads(json.dumps(header)):
            raise ConfigurationError(
                f"{path} holds {_told(lines[0])}, this run is about {_told(header)}; take another "
                "file"
            )
        if not lines and not _line(header).startswith(content):
            raise ConfigurationError(f"{path} is another kind of file; take another name")
        if len(whole) < len(content):
            file.truncate(len(whole))
        if not lines:
            _write(file, path, header)
        self.found = lines[1:]

    def add(self, line: dict[str, Any]) -> None:
        """Add a line, safe against a crash and from any thread.

        Raises:
            OutputError: The disk is full, or the file cannot be written.
        """
        with self._lock:
            self.found.append(line)
            if self._file is not None and self.path is not None:
                _write(self._file, self.path, line)

    def close(self) -> None:
        """Give the file free for other runs."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AnswerRecord:
    """Answers of one model, kept as they come.

    The answers are about people: the file is as sensitive as the recordings.

    Args:
        path: A file of JSON lines; None: in memory only.
        model: Name of the model; a file of another model is not added to.

    Raises:
        ConfigurationError: The file cannot be gone on with.
        OutputError: It cannot be written.

    Example:
        >>> from voxguard.audiollm import Answer, AnswerRecord, Question
        >>> question = Question("sex/clip-1/raw", "A man or a woman?")
        >>> with AnswerRecord("answers.jsonl", "my-model") as record:
        ...     record.add(question, Answer("A woman."))
        >>> with AnswerRecord("answers.jsonl", "my-model") as record:
        ...     record.answer(question)
        Answer(text='A woman.', error=None)
    """

    def __init__(self, path: str | Path | None = None, model: str = "") -> None:
        self._lines = JsonLines(path, SCHEMA, {"model": model})
        self._answers: dict[tuple[str, str], Answer] = {}
        for line in self._lines.found:
            with contextlib.suppress(KeyError):
                answer = Answer(line["text"], line["error"])
                self._answers[line["key"], line["prompt"]] = answer

    @property
    def path(self) -> Path | None:
        """Where it is kept."""
        return self._lines.path

    def answer(self, question: Question) -> Answer | None:
        """What the model said to this very prompt; None: it has not been asked."""
        return self._answers.get((question.key, digest(question.prompt)))

    def add(self, question: Question, answer: Answer) -> None:
        """Keep an answer; one that was there for the same question is superseded."""
        prompt = digest(question.prompt)
        self._lines.add(
            {"key": question.key, "prompt": prompt, "text": answer.text, "error": answer.error}
        )
        self._answers[question.key, prompt] = answer

    def close(self) -> None:
        """Give the file free for other runs."""
        self._lines.close()

    def __enter__(self) -> AnswerRecord:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _write(file: IO[bytes], path: Path, line: dict[str, Any]) -> None:
    with output_error(path):
        file.write(_line(line))
        file.flush()
        os.fsync(file.fileno())


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode("ascii") + b"\n"


def digest(prompt: str) -> str:
    """Names a prompt, in a record that is not to hold it.

    Example:
        >>> from voxguard.audiollm.record import digest
        >>> digest("A man or a woman?")
        '...'
    """
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def _parsed(line: bytes, number: int, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path}, line {number}: no JSON object; the file is damaged or another kind of file. "
            "Take another file"
        )
    return content


def _told(header: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in header.items())
