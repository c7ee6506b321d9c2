"""Questions as JSON lines: plain, as samples of Inspect, or for UltraEval-Audio."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Unpack, get_args

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.exports.folder import (
    Export,
    Selection,
    slug,
    write_clips,
    write_lines,
    write_text,
)
from voxguard.probes.exports.lines import Line

Dialect = Literal["plain", "inspect", "ultraeval"]
QUESTIONS = "questions.jsonl"

_GROUP = "voxguard-leak"


def export_jsonl(
    folder: str | Path,
    manifest: Manifest,
    *,
    dialects: Sequence[Dialect] = ("plain",),
    **selection: Unpack[Selection],
) -> Export:
    """Export the questions of the attributes probe, for a harness of your own.

    ``questions.jsonl`` has a line a question: ``id``, ``audio`` (a file beside it; null: none),
    ``prompt``, ``options``, ``answer``, ``system``, ``attribute`` and more (see
    :class:`~voxguard.probes.exports.Line`). Give each prompt with its audio to a model, write lines
    of ``id`` and ``answer``, and :func:`~voxguard.probes.exports.score_answers` scores them as the
    probe does. Further dialects:

    - ``"inspect"``: ``inspect.jsonl``, which Inspect's ``json_dataset`` reads as it is: a chat
      message with audio and text, ``target`` (the class, or the letter of a closed question),
      ``id`` and ``metadata``.
    - ``"ultraeval"``: a ``registry/`` for ``--registry_path`` of UltraEval-Audio with a data set, a
      prompt and a task for each system, ``voxguard-leak-<system>``. Run it from within the folder.

    Their own scorers know neither refusals nor chance: take their figures for a first look, and
    their answers for the report.

    Args:
        folder: Empty, or not there yet.
        manifest: Labelled recordings.
        dialects: Besides the plain form, which is always written.
        selection: As of :class:`~voxguard.probes.exports.Selection`.

    Raises:
        ConfigurationError: An unknown dialect or system, or nothing to ask.
        OutputError: The folder has something in it, or cannot be written.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.exports import export_jsonl
        >>> clips = []
        >>> for number in range(2):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     sex = {"sex": "FM"[number]}
        ...     clips.append(Utterance(f"u{number}", path, f"s{number}", labels=sex))
        >>> manifest = Manifest("two", tuple(clips))
        >>> export = export_jsonl("out", manifest, anonymizers=voxguard.McAdams())
        >>> len(export.lines), export.lines[0].system
        (2, 'protected')
    """
    if odd := [repr(name) for name in dialects if name not in get_args(Dialect)]:
        raise ConfigurationError(
            f"dialects= takes some of {', '.join(get_args(Dialect))}, got {', '.join(odd)}"
        )
    export = write_clips(folder, manifest, **selection)
    write_lines(export.folder / QUESTIONS, (line.as_dict() for line in export.lines))
    if "inspect" in dialects:
        write_lines(export.folder / "inspect.jsonl", map(inspect_sample, export.lines))
    if "ultraeval" in dialects:
        _write_ultraeval(export)
    return export


def inspect_sample(line: Line) -> dict[str, Any]:
    """A question as a sample of Inspect.

    Example:
        >>> from voxguard.probes.exports.jsonl import inspect_sample
        >>> from voxguard.probes.exports.lines import Line
        >>> line = Line("1", "c", "audio/raw/c.wav", "Man or woman?", (), "man", "raw", "sex",
        ...             "direct", "open", ("man", "woman"))
        >>> inspect_sample(line)["input"][0]["content"][0]
        {'type': 'audio', 'audio': 'audio/raw/c.wav', 'format': 'wav'}
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": line.prompt}]
    if line.audio is not None:
        content.insert(0, {"type": "audio", "audio": line.audio, "format": "wav"})
    rest = ("clip", "system", "attribute", "asked", "form", "options", "answer")
    told = line.as_dict()
    return {
        "id": line.id,
        "input": [{"role": "user", "content": content}],
        "target": line.letter or line.answer,
        "metadata": {name: told[name] for name in rest},
    }


def _write_ultraeval(export: Export) -> None:
    registry = export.folder / "registry"
    for system in dict.fromkeys(line.system for line in export.lines):
        own = [line for line in export.lines if line.system == system]
        name = f"{_GROUP}-{slug(system)}"
        rows = [
            {
                "id": line.id,
                **({"WavPath": line.audio} if line.audio is not None else {}),
                "question": line.prompt,
                "answer": line.letter or line.answer,
                "attribute": line.attribute,
            }
            for line in own
        ]
        write_lines(export.folder / f"ultraeval-{slug(system)}.jsonl", rows)
        parts = [{"type": "audio", "value": "{{WavPath}}"}] if own[0].audio is not None else []
        parts.append({"type": "text", "value": "{{question}}"})
        entries: dict[str, tuple[str, dict[str, Any]]] = {
            "dataset": (
                "audio_evals.dataset.dataset.RelativePath",
                {
                    "default_task": name,
                    "f_name": f"ultraeval-{slug(system)}.jsonl",
                    "file_path_prefix": "./",
                    "ref_col": "answer",
                },
            ),
            "prompt": (
                "audio_evals.prompt.base.Prompt",
                {"template": [{"role": "user", "contents": parts}]},
            ),
            "eval_task": (
                "audio_evals.base.EvalTaskCfg",
                {
                    "dataset": name,
                    "prompt": name,
                    "model": "qwen2-audio-chat",
                    "evaluator": "prefix-match",
                    "agg": "acc",
                },
            ),
        }
        for kind, (cls, args) in entries.items():
            # JSON is YAML, and needs no package to be written.
            entry = json.dumps({name: {"class": cls, "args": args}}, indent=2)
            write_text(registry / kind / f"{name}.yaml", entry + "\n")
