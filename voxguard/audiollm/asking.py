"""Many questions to one model: kept as they are answered, and given up in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from voxguard.audiollm.model import AudioModel, name_of
from voxguard.audiollm.question import Answer, Question
from voxguard.audiollm.record import AnswerRecord
from voxguard.errors import AudioError, ConfigurationError, ModelError

Progress = Callable[[int, int], None]


def ask(
    model: AudioModel,
    questions: Sequence[Question],
    record: AnswerRecord | None = None,
    *,
    concurrency: int = 1,
    attempts: int = 3,
    pause_s: float = 1.0,
    give_up_after: int = 5,
    progress: Progress | None = None,
) -> dict[str, Answer]:
    """Ask a model, and keep each answer at once.

    What the record holds already is not asked again; what failed before is. A clip that cannot be
    read, and a question that fails in all attempts, is an answer with an error: it is never a wrong
    answer.

    Args:
        model: Any model; it is called from ``concurrency`` threads.
        questions: With keys of their own.
        record: Where answers are kept; None: in memory.
        concurrency: Questions under way at once; 1 for a model in this process.
        attempts: How often a question is tried.
        pause_s: Seconds before the second attempt; twice as long before each further one.
        give_up_after: Questions in a row that fail before the run stops, since the model is gone.
        progress: Is called with how many are done, and of how many.

    Returns:
        An answer for each key.

    Raises:
        ConfigurationError: Two questions have one key; the model cannot be used as configured.
        ModelError: The model has gone. What it answered is in the record; run it again to go on.

    Example:
        >>> from voxguard.audiollm import Question, ask
        >>> ask(lambda samples, sample_rate, prompt: prompt.upper(), [Question("q", "yes?")])
        {'q': Answer(text='YES?', error=None)}
    """
    _check(questions, concurrency, attempts, give_up_after)
    record = record or AnswerRecord()
    kept = {question.key: record.answer(question) for question in questions}
    new = [q for q in questions if kept[q.key] is None]
    # Last, so that a few that always fail do not keep a run from ever getting past them.
    failed = [q for q in questions if (answer := kept[q.key]) and answer.text is None]
    open_ = [*new, *failed]
    run = _Run(model, record, attempts, pause_s, give_up_after)
    run.ask_all(open_, concurrency, _telling(progress, len(questions), len(open_)))
    answers = {question.key: record.answer(question) for question in questions}
    return {key: answer for key, answer in answers.items() if answer is not None}


class _Run:
    def __init__(
        self,
        model: AudioModel,
        record: AnswerRecord,
        attempts: int,
        pause_s: float,
        give_up_after: int,
    ) -> None:
        self._model, self._record = model, record
        self._attempts, self._pause_s, self._give_up_after = attempts, pause_s, give_up_after
        self._stop, self._lock = Event(), Lock()
        self._in_a_row = 0

    def ask_all(
        self, questions: Sequence[Question], concurrency: int, done: Callable[[], None]
    ) -> None:
        waiting = iter(questions)
        with ThreadPoolExecutor(concurrency) as pool:
            workers = [pool.submit(self._work, waiting, done) for _ in range(concurrency)]
            try:
                for worker in workers:
                    worker.result()
            finally:  # also on an interruption: let no thread go on for hours
                self._stop.set()

    def _work(self, waiting: Iterator[Question], done: Callable[[], None]) -> None:
        try:
            while not self._stop.is_set():
                with self._lock:
                    question = next(waiting, None)
                if question is None:
                    return
                self._one(question)
                done()
        except BaseException:
            self._stop.set()
            raise

    def _one(self, question: Question) -> None:
        answer, of_the_model = self._tried(question)
        if self._stop.is_set() and answer.text is None:
            return
        self._record.add(question, answer)
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if of_the_model else 0
            if self._in_a_row >= self._give_up_after:
                where = f" in {self._record.path}" if self._record.path else ""
                raise ModelError(
                    f"{name_of(self._model)} failed {self._in_a_row} times in a row, the last time "
                    f"with: {answer.error}. What it has answered is kept{where}; run again to go on"
                )

    def _tried(self, question: Question) -> tuple[Answer, bool]:
        """The answer, and whether a failure is the model's."""
        try:
            samples, rate = question.audio() if question.audio else (None, 16_000)
        except AudioError as error:
            return Answer(None, f"the clip could not be used: {error}"), False
        failure = ""
        for attempt in range(self._attempts):
            if attempt and self._stop.wait(self._pause_s * 2 ** (attempt - 1)):
                break
            try:
                text: object = self._model(samples, rate, question.prompt)
            except ConfigurationError:
                raise
            except Exception as error:  # a model is anybody's code, and a network is in between
                failure = f"{type(error).__name__}: {error}"
                continue
            if isinstance(text, str):
                return Answer(text), False
            failure = f"the model gave {type(text).__name__}, not text"
        return Answer(None, failure), True


def _telling(progress: Progress | None, total: int, open_: int) -> Callable[[], None]:
    count, lock = total - open_, Lock()

    def done() -> None:
        nonlocal count
        with lock:
            count += 1
            if progress is not None:
                progress(count, total)

    return done


def _check(
    questions: Sequence[Question], concurrency: int, attempts: int, give_up_after: int
) -> None:
    counts = Counter(question.key for question in questions)
    if twice := [key for key, count in counts.items() if count > 1]:
        raise ConfigurationError(f"{len(twice)} keys are not unique, the first is {twice[0]!r}")
    numbers = {"concurrency": concurrency, "attempts": attempts, "give_up_after": give_up_after}
    for name, value in numbers.items():
        if value < 1:
            raise ConfigurationError(f"{name}= takes 1 or more, got {value!r}")
