"""Whether a model answers people of different groups alike, and whether an anonymizer helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from voxguard.audiollm import AnswerRecord, AudioModel, ask, name_of
from voxguard.audiollm.asking import Progress
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.data import Anonymize, choose, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.fairness.asked import Asked, paired, single
from voxguard.probes.fairness.gamma import Table
from voxguard.probes.fairness.paired import pairs_of
from voxguard.probes.fairness.questions import QUESTIONS, FairnessQuestion
from voxguard.probes.fairness.scoring import gammas, preferences
from voxguard.probes.figures import RAW
from voxguard.probes.renderings import Renderings


def probe_fairness(
    model: AudioModel,
    manifest: Manifest,
    *,
    group: str = "sex",
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    questions: Sequence[FairnessQuestion] = QUESTIONS,
    pairs: int = 24,
    controls: Sequence[str] = (RAW,),
    limit: int | None = None,
    permutations: int = 1000,
    seed: int = 0,
    record: AnswerRecord | None = None,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> ProbeDocument:
    """Ask the same about people of different groups, and compare the answers.

    Figures by ``form`` (``"stereotype"``, ``"decision"``) and ``question`` (``"all"``, or one):

    - ``gamma``: :func:`~voxguard.probes.fairness.group_fairness`, 1 is fair; ``null_gamma``: what a
      fair model shows on so few speakers; ``gamma_corrected``: their ratio; ``gamma_p``: of the
      permutation test.
    - ``refusal``: share refused, by ``group`` too. Refusing is counted among the answers: who is
      refused more often is not answered alike.
    - ``gamma_change``: an anonymizer's gamma less that of raw clips, paired by speaker.

    Form ``"paired"``: two clips of different groups in one, in both orders, and the question which
    of the two speakers; ``preference``: how often the one of the ``group`` is named, 0.5 is fair;
    ``first``: how often the first voice is named, whoever it is.

    Groups differ in what they happen to say, too. The condition ``"transcript"`` shows how far
    words explain the difference; an anonymizer cannot take out that part.

    Args:
        model: Any model.
        manifest: Recordings with a label for the groups, two speakers or more in each.
        group: The label: ``"sex"``, ``"accent"``, ``"age"`` ...
        anonymizers: By name, or one alone.
        questions: Any closed questions.
        pairs: Pairs of speakers for each two groups; 0: no paired questions.
        controls: Of ``"raw"``, ``"transcript"``, ``"silence"``, ``"no-audio"``.
        limit: Clips at most; None: all.
        permutations: For the null.
        seed: Of options, choices, permutations and intervals.
        record: Where answers are kept, for a run that goes on.
        concurrency: Questions under way at once.
        progress: Called with how many are done, and of how many.

    Returns:
        The figures, with intervals by speaker.

    Raises:
        ConfigurationError: Fewer than two groups of two speakers, or questions of one name.
        ModelError: The model has gone; run again to go on.

    References:
        K. Li et al., "AudioTrust: benchmarking the multifaceted trustworthiness of audio large
        language models", ICLR 2026, arXiv:2505.16211.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.fairness import FairnessQuestion, probe_fairness
        >>> clips = []
        >>> for number in range(8):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     labels = {"sex": "FM"[number % 2]}
        ...     clips.append(Utterance(path.stem, path, f"s{number}", labels=labels))
        >>> loan = FairnessQuestion("loan", "decision", "Grant the loan?", ("yes", "no"))
        >>> found = probe_fairness(
        ...     lambda samples, sample_rate, prompt: "yes",
        ...     Manifest("eight", tuple(clips)), questions=[loan], pairs=0)
        >>> found.figure("gamma").value, found.notes
        (1.0, ("loan, raw: the answer is always 'yes'. That is fair, and no evidence ...",))
    """
    names = Counter(question.name for question in questions)
    if not questions or max(names.values()) > 1 or pairs < 0:
        raise ConfigurationError(
            f"takes questions with names of their own, and 0 pairs or more; got {dict(names)} and "
            f"{pairs!r}"
        )
    ways = heard(anonymizers, controls)
    labelled = tuple(u for u in manifest.utterances if u.labels.get(group))
    if not labelled:
        raise ConfigurationError(f"{manifest.name} has no recording with the label {group!r}")
    clips = choose(Manifest(manifest.name, labelled), limit, seed)
    of_clip = {clip.id: clip.labels[group] for clip in clips}
    Table.of([""] * len(clips), [*of_clip.values()], [""] * len(clips), [c.speaker for c in clips])
    kept = Renderings(concurrency + 1)
    asked = [
        *single(clips, of_clip, ways, questions, kept, seed),
        *paired(pairs_of(clips, of_clip, pairs, seed), ways, kept, seed),
    ]
    answers = ask(
        model, [one.put for one in asked], record, concurrency=concurrency, progress=progress
    )
    for one in asked:
        one.read(answers[one.put.key])
    figures = [
        *gammas(asked, [way.name for way in ways], questions, permutations, seed),
        *preferences(asked, [way.name for way in ways], seed),
    ]
    return ProbeDocument(
        "fairness",
        {"name": name_of(model)},
        {
            "name": manifest.name,
            "clips": len(clips),
            "speakers": len({clip.speaker for clip in clips}),
            "groups": dict(sorted(Counter(of_clip.values()).items())),
        },
        {way.name: way.about() for way in ways},
        tuple(figures),
        dict(Counter(one.reading.kind for one in asked)) | {"asked": len(asked)},
        {
            "group": group,
            "questions": list(names),
            "pairs": pairs,
            "limit": limit,
            "permutations": permutations,
            "seed": seed,
        },
        tuple(_notes(manifest, labelled, asked, group)),
    )


def _notes(
    manifest: Manifest, labelled: Sequence[Utterance], asked: Sequence[Asked], group: str
) -> Iterator[str]:
    if missing := len(manifest.utterances) - len(labelled):
        yield f"{missing} recordings without the label {group!r} were left out."
    if unread := sum(one.reading.kind == "unparsable" for one in asked):
        yield f"{unread} of {len(asked)} answers could not be read, and are in no figure."
    said: dict[tuple[str, str], Counter[str]] = {}
    for one in asked:
        if one.said:
            said.setdefault((one.system, one.question.name), Counter())[one.said] += 1
    for (system, name), counts in said.items():
        if len(counts) == 1 and sum(counts.values()) > 1:
            yield (
                f"{name}, {system}: the answer is always {next(iter(counts))!r}. That is fair, and "
                "no evidence that the model would be where it does choose."
            )
