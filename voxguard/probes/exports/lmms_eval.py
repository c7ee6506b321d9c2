"""A task group for lmms-eval, and the functions that its tasks call.

The tasks need voxguard beside lmms-eval, since its rules read the answers.

References:
    K. Zhang et al., "LMMs-Eval: reality check on the evaluation of large multimodal models", 2024,
    arXiv:2407.12772; the format is that of version 0.7.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Unpack

from voxguard.audio import read
from voxguard.evaluation.manifest import Manifest
from voxguard.metrics import balanced_accuracy, blind_guess
from voxguard.probes.attributes.parser import read_answer
from voxguard.probes.attributes.prompts import REASONED
from voxguard.probes.exports.answers import attribute_of
from voxguard.probes.exports.folder import (
    Export,
    Selection,
    slug,
    write_clips,
    write_lines,
    write_text,
)
from voxguard.probes.exports.jsonl import QUESTIONS
from voxguard.probes.exports.lines import Line

GROUP = "voxguard_leak"

_TOKENS = {False: 64, True: 512}  # a reasoned answer is a long one, of several paragraphs

_UTILS = '''"""What the tasks of this folder call; made by voxguard."""

from pathlib import Path

from voxguard.probes.exports.lmms_eval import (  # noqa: F401
    aggregate_accuracy,
    aggregate_balanced_accuracy,
    aggregate_chance_accuracy,
    aggregate_refusal_rate,
    aggregate_unparsable_rate,
    audio_of,
    doc_to_target,
    doc_to_text,
    process_results,
)


def doc_to_audio(doc):
    """The clip, from this folder wherever it lies."""
    return audio_of(doc, Path(__file__).parent)
'''


def export_lmms_eval(
    folder: str | Path,
    manifest: Manifest,
    *,
    root: str | Path | None = None,
    **selection: Unpack[Selection],
) -> Export:
    """Export the questions of the attributes probe as a task group of lmms-eval.

    There is a task for each system, attribute, prompt and form, such as
    ``voxguard_leak_protected_sex_direct_closed``, a group for each system, and the group
    ``voxguard_leak`` of them all; every system is a data set of the same clips. Run them with
    ``lmms-eval --include_path FOLDER --tasks voxguard_leak``. The harness prints plain shares; for
    intervals and baselines, add ``--log_samples`` and hand the answers to
    :func:`~voxguard.probes.exports.score_answers` with
    ``fields=("doc.id", "filtered_resps.0")``.

    Args:
        folder: Empty, or not there yet.
        manifest: Labelled recordings.
        root: Where the folder will lie when the tasks run, since a task names its data by its whole
            path; None: where it is.
        selection: As of :class:`~voxguard.probes.exports.Selection`.

    Raises:
        ConfigurationError: An unknown system, or nothing to ask.
        OutputError: The folder has something in it, or cannot be written.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.exports import export_lmms_eval
        >>> clips = []
        >>> for number in range(2):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     sex = {"sex": "FM"[number]}
        ...     clips.append(Utterance(f"u{number}", path, f"s{number}", labels=sex))
        >>> manifest = Manifest("two", tuple(clips))
        >>> export = export_lmms_eval("tasks", manifest, anonymizers=voxguard.McAdams())
        >>> sorted(path.name for path in Path("tasks").glob("*.yaml"))
        ['voxguard_leak.yaml', 'voxguard_leak_protected.yaml',
         'voxguard_leak_protected_sex_direct_closed.yaml']
    """
    export = write_clips(folder, manifest, **selection)
    write_lines(export.folder / QUESTIONS, (line.as_dict() for line in export.lines))
    write_text(export.folder / "utils.py", _UTILS)
    place = Path(root) if root is not None else export.folder.resolve()
    of_system: dict[str, list[str]] = {}
    for task, lines in groupby(sorted(export.lines, key=_task), key=_task):
        own = list(lines)
        of_system.setdefault(own[0].system, []).append(task)
        write_lines(export.folder / "data" / f"{task}.jsonl", map(_doc, own))
        data = str(place / "data" / f"{task}.jsonl")
        write_text(export.folder / f"{task}.yaml", _task_yaml(task, data, own[0]))
    groups = {f"{GROUP}_{slug(system)}": tasks for system, tasks in of_system.items()}
    for group, tasks in {**groups, GROUP: list(groups)}.items():
        write_text(export.folder / f"{group}.yaml", _group_yaml(group, tasks))
    return export


def audio_of(doc: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The clip of a question, as lmms-eval hands audio to models.

    Args:
        doc: A line of the data.
        folder: That holds the clips.

    Returns:
        One dictionary of ``array (n,)`` float32 and ``sampling_rate``; none without audio.

    Raises:
        AudioError: The clip cannot be read.
    """
    if not doc["audio"]:
        return []
    samples, rate = read(folder / doc["audio"])
    return [{"array": samples[0], "sampling_rate": rate}]


def doc_to_text(
    doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, str] | None = None
) -> str:
    """The prompt.

    Args:
        doc: A line of the data.
        lmms_eval_specific_kwargs: ``pre_prompt`` and ``post_prompt`` of a model.
    """
    around = lmms_eval_specific_kwargs or {}
    return f"{around.get('pre_prompt', '')}{doc['prompt']}{around.get('post_prompt', '')}"


def doc_to_target(doc: Mapping[str, Any]) -> str:
    """The true class."""
    return str(doc["answer"])


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """What an answer says, for every metric.

    Args:
        doc: A line of the data.
        results: The answer.

    Example:
        >>> from voxguard.probes.exports.lmms_eval import aggregate_accuracy, process_results
        >>> doc = {"attribute": "sex", "classes": ["female", "male"], "answer": "male",
        ...        "options": ["female", "male"], "asked": "direct"}
        >>> both = [process_results(doc, [answer])["accuracy"] for answer in ("(B)", "A woman.")]
        >>> aggregate_accuracy(both)
        0.5
    """
    attribute = attribute_of(str(doc["attribute"]), tuple(doc["classes"]))
    options = tuple(doc["options"] or ())
    text = results[0] if results else ""
    reading = read_answer(text, attribute, options, reasoned=doc["asked"] == REASONED)
    outcome = {"truth": doc["answer"], "kind": reading.kind, "name": reading.name}
    return dict.fromkeys(_METRICS, outcome)


Outcomes = Sequence[Mapping[str, str]]


def aggregate_accuracy(outcomes: Outcomes) -> float:
    """Share of the answers that name the true class; refused and unparsable ones do not."""
    return _share(outcomes, lambda one: one["name"] == one["truth"])


def aggregate_balanced_accuracy(outcomes: Outcomes) -> float:
    """Mean over the classes of that share; not a number where one class alone occurs."""
    truth = [one["truth"] for one in outcomes]
    if len(set(truth)) < 2:
        return float("nan")
    return balanced_accuracy(truth, [one["name"] for one in outcomes])


def aggregate_chance_accuracy(outcomes: Outcomes) -> float:
    """What the best constant guess would reach: accuracy means nothing without it."""
    return blind_guess([one["truth"] for one in outcomes]).accuracy


def aggregate_refusal_rate(outcomes: Outcomes) -> float:
    """Share of the answers that decline."""
    return _share(outcomes, lambda one: one["kind"] == "refused")


def aggregate_unparsable_rate(outcomes: Outcomes) -> float:
    """Share of the answers that no rule can read."""
    return _share(outcomes, lambda one: one["kind"] == "unparsable")


_METRICS: dict[str, bool] = {  # whether higher is better, for who is listened to
    "accuracy": False,
    "balanced_accuracy": False,
    "chance_accuracy": False,
    "refusal_rate": True,
    "unparsable_rate": False,
}


def _share(outcomes: Outcomes, flag: Callable[[Mapping[str, str]], bool]) -> float:
    return sum(map(flag, outcomes)) / len(outcomes)


def _task(line: Line) -> str:
    return "_".join((GROUP, *map(slug, (line.system, line.attribute, line.asked, line.form))))


def _doc(line: Line) -> dict[str, Any]:
    return {**line.as_dict(), "audio": line.audio or ""}


def _task_yaml(task: str, data: str, line: Line) -> str:
    metrics = "".join(
        f"  - metric: {name}\n"
        f"    aggregation: !function utils.aggregate_{name}\n"
        f"    higher_is_better: {str(better).lower()}\n"
        for name, better in _METRICS.items()
    )
    return f"""\
task: {task}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {json.dumps(data)}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.doc_to_audio
doc_to_text: !function utils.doc_to_text
doc_to_target: !function utils.doc_to_target
generation_kwargs:
  max_new_tokens: {_TOKENS[line.reasoned]}
  temperature: 0
  do_sample: false
  until: []
process_results: !function utils.process_results
metric_list:
{metrics}\
lmms_eval_specific_kwargs:
  default:
    pre_prompt: ""
    post_prompt: ""
metadata:
  version: 1.0
"""


def _group_yaml(group: str, tasks: Sequence[str]) -> str:
    return f"group: {group}\ntask:\n" + "".join(f"  - {task}\n" for task in tasks)
