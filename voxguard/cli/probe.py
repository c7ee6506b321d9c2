"""``voxguard probe``: what an audio LLM tells of a speaker, and what it has memorised."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from voxguard.cli.make import make_anonymizer, parse_options
from voxguard.cli.output import echo_json, echo_table, progress_bar
from voxguard.errors import ConfigurationError

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer
    from voxguard.probes.attributes import Judge
    from voxguard.probes.document import ProbeDocument
    from voxguard.probes.figures import ProbeFigure

HELP = """Ask an audio LLM what it should not tell, with and without anonymizers in front of it.

\b
  voxguard probe attributes clips.csv --model FOLDER --method mcadams --output attributes.json
  voxguard probe utility clips.csv --model FOLDER --method mcadams --output utility.json
  voxguard probe attributes clips.csv --endpoint http://localhost:8000/v1 --model NAME --estimate
  voxguard probe membership clips.csv --model FOLDER --set metadata=[session]
  voxguard card attributes.json utility.json --system mcadams --html card.html

PROBE is one of

\b
  attributes    what the model tells of the speaker           (columns sex, age, accent ...)
  membership    which clips it was trained on                 (column member: yes, no)
  secrets       whether it repeats spoken secrets             (columns secret, secret_kind)
  fairness      whether it answers all groups alike           (column sex, or --set group=NAME)
  bystanders    what it learns of people who did not ask      (transcript; or question, about ...)
  adversarial   how a perturbation steers it                  (--set prompt=..., target=...)
  utility       what it still understands                     (transcript; or question, answer)

DATA is a manifest CSV or a folder, as for `voxguard evaluate`. Without --method only the model as
it is is probed. A model behind an endpoint is sent RAW voices unless that endpoint is
`voxguard serve`. With --record, a run that was interrupted goes on where it was. With --judge, a
language model reads the answers of `attributes` a second time: it gets them and no voices.
"""

_SHOWN = {
    "attributes": ("advantage", "balanced_accuracy", "refusal_rate", "judge_disagreement"),
    "membership": ("blind_auc", "auc", "auc_drop", "advantage"),
    "secrets": ("told", "told_by_chance", "advantage", "refusal"),
    "bystanders": (
        "accuracy",
        "leak",
        "declined",
        "advantage",
        "selective_efficacy",
        "utility_loss",
    ),
    "fairness": ("gamma", "null_gamma", "gamma_p", "gamma_change", "preference"),
    "adversarial": ("attack_success", "attack_removed", "answer_restored", "answer_kept"),
    "utility": ("accuracy", "agreement", "utility_loss"),
}


def probe(
    name: Annotated[str, typer.Argument(metavar="PROBE", help="Which; see above.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Manifest CSV or folder.")],
    model: Annotated[
        str, typer.Option(help="Folder or Hugging Face name; with --endpoint, its name there.")
    ],
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="An OpenAI-compatible server, with its /v1.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="An anonymizer to put in front; more than once.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="NAME=VALUE", help="An option of the one method."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the probe."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only such recordings, as split=eval."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Most clips, drawn evenly over the speakers.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draw, shuffles and intervals.")] = 0,
    record: Annotated[
        Path | None,
        typer.Option(help="Keeps answers, to go on after an interruption. As sensitive as DATA."),
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Questions under way at once.")] = 1,
    requests_per_minute: Annotated[
        float | None, typer.Option(help="At most, of an endpoint.")
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.")] = 64,
    judge: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Reads answers a second time.")
    ] = None,
    judge_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the judge is, if it is no folder.")
    ] = None,
    judge_decides: Annotated[
        bool, typer.Option("--judge-decides", help="The judge's reading counts, not the rules'.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda ...: where weights run.")] = "auto",
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only count what would be sent.")
    ] = False,
    audio_price: Annotated[
        float, typer.Option(help="Of a minute of audio, for the estimate.")
    ] = 0.0,
    text_price: Annotated[
        float, typer.Option(help="Of a million tokens of prompt, for the estimate.")
    ] = 0.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before anything is sent.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the document as JSON.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a document.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The document on stdout.")] = False,
) -> None:
    """Ask an audio LLM what it should not tell, with and without anonymizers in front of it."""
    from voxguard.evaluation import read_manifest
    from voxguard.probes.catalogue import check, run

    if endpoint is None and requests_per_minute is not None:
        raise ConfigurationError("--requests-per-minute is of an --endpoint")
    if judge is None and (judge_endpoint is not None or judge_decides):
        raise ConfigurationError("--judge-endpoint and --judge-decides are of a --judge")
    if output is not None and output.exists() and not overwrite:
        raise ConfigurationError(f"{output} exists; choose another name, or --overwrite")
    anonymizers = _anonymizers(method or [], option or [])
    manifest = read_manifest(data)
    if where:
        manifest = manifest.select(_columns(where))
    own = parse_options(settings or [])
    check(name, manifest, own, judged=judge is not None)

    def started(asked: Any, ways: Mapping[str, Any], **how: Any) -> ProbeDocument:
        return run(name, asked, manifest, anonymizers=ways or None, limit=limit, seed=seed,
                   **how, **own)  # fmt: skip

    if endpoint is not None or estimate:
        cost = _cost(lambda asked: started(asked, dict.fromkeys(anonymizers, _as_it_is)))
        price = cost.price(audio_price, text_price)
        said = f"{cost}" + (f", {price:.2f} by the prices given" if price else "")
        if estimate:
            typer.echo(said)
            return
        _agreed(endpoint or "", f"raw voices, {said}", yes=yes)
    if judge_endpoint is not None:
        _agreed(judge_endpoint, "what is answered about the speakers", yes=yes)
    asked = _model(model, endpoint, requests_per_minute, max_tokens, device)
    with ExitStack() as opened:
        second = None
        if judge is not None:
            reader = _model(judge, judge_endpoint, None, max_tokens, device)
            second = _judge(reader, record, concurrency, opened, decides=judge_decides)
        tell = opened.enter_context(progress_bar("questions"))
        document = started(
            asked,
            anonymizers,
            record=record,
            concurrency=concurrency,
            progress=tell,
            judge=second,
        )
    if output is not None:
        document.write(output, overwrite=overwrite)
    if as_json:
        echo_json(document.as_dict())
    else:
        _print(document)


def _judge(
    reader: Any, record: Path | None, concurrency: int, opened: ExitStack, *, decides: bool
) -> Judge:
    """A second reader, whose answers are kept beside the record."""
    from voxguard.audiollm import AnswerRecord, name_of
    from voxguard.probes.attributes import Judge

    beside = None if record is None else record.with_suffix(".judge.jsonl")
    kept = opened.enter_context(AnswerRecord(beside, name_of(reader)))
    return Judge(reader, decides=decides, record=kept, concurrency=concurrency)


def _anonymizers(method: list[str], option: list[str]) -> dict[str, Anonymizer]:
    if option and len(method) != 1:
        raise ConfigurationError("--option is of the one --method; there is not exactly one")
    if twice := [name for name in method if method.count(name) > 1]:
        raise ConfigurationError(f"--method {twice[0]} is given twice")
    return {name: make_anonymizer(name, option, None, None, None, None) for name in method}


def _columns(where: list[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(f"--where takes COLUMN=VALUE, got {text!r}")
        chosen.setdefault(column, []).append(value)
    return chosen


def _as_it_is(samples: Any, sample_rate: int) -> Any:
    """Stands for an anonymizer in an estimate: as long, and no work."""
    return samples


def _cost(run: Callable[[Any], Any]) -> Any:
    from voxguard.audiollm.cost import estimate

    return estimate(run)


def _agreed(endpoint: str, sent: str, *, yes: bool) -> None:
    """Whether it may leave the machine, and the bill may come."""
    typer.echo(f"to {endpoint}: {sent}", err=True)
    if yes or urlsplit(endpoint).hostname in ("localhost", "127.0.0.1", "::1"):
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{sent}: this would be sent to another machine; say --yes if it may be"
        )
    typer.confirm("Send this?", abort=True, err=True)


def _model(
    model: str, endpoint: str | None, rate: float | None, max_tokens: int, device: str
) -> Any:
    from voxguard.audiollm import EndpointModel, TransformersModel

    if endpoint is not None:
        return EndpointModel(endpoint, model, requests_per_minute=rate, max_tokens=max_tokens)
    return TransformersModel(model, device=device, max_new_tokens=max_tokens)


def _print(document: ProbeDocument) -> None:
    shown = _SHOWN.get(document.probe)
    figures = [f for f in document.figures if shown is None or f.name in shown]
    rows = [
        [
            figure.name.replace("_", " "),
            ", ".join(f"{key} {value}" for key, value in figure.where.items()),
            figure.system,
            _value(figure),
            str(figure.n),
        ]
        for figure in figures
    ]
    echo_table(rows, "figure", "about", "heard", "value [95 %]", "n")
    if len(figures) < len(document.figures):
        typer.echo(f"{len(figures)} of {len(document.figures)} figures; --output has all", err=True)
    for note in document.notes:
        typer.echo(f"note: {note}", err=True)


def _value(figure: ProbeFigure) -> str:
    if figure.value is None:
        return f"none: {figure.why}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
