"""The probes by name, run in one way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from voxguard.audiollm import AnswerRecord, name_of
from voxguard.errors import ConfigurationError, UnknownNameError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.attributes.judge import Judge
from voxguard.probes.data import Anonymize
from voxguard.probes.document import ProbeDocument

MEMBER = "member"
_MEMBERS = {"1": True, "true": True, "yes": True, "member": True,
            "0": False, "false": False, "no": False, "non-member": False}  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """A probe.

    Attributes:
        name: What it is called.
        title: What it finds out.
        columns: Which the manifest needs, besides path and speaker.
        scores: Whether the model has to show probabilities, which endpoints do not.
        made_by: Name of the function.
    """

    name: str
    title: str
    columns: str
    scores: bool = False
    made_by: str = ""

    @property
    def function(self) -> Callable[..., ProbeDocument]:
        """What runs it, such as :func:`voxguard.probes.attributes.probe_attributes`."""
        module = import_module(f"voxguard.probes.{self.name}")
        function: Callable[..., ProbeDocument] = getattr(
            module, self.made_by or f"probe_{self.name}"
        )
        return function

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that it has for itself."""
        return tuple(name for name in inspect.signature(self.function).parameters
                     if name not in _COMMON)  # fmt: skip


_COMMON = ("model", "manifest", "members", "non_members", "anonymizers", "limit", "seed", "record",
           "concurrency", "progress", "judge", "recogniser", "folder")  # fmt: skip

PROBES = {
    probe.name: probe
    for probe in (
        Probe("attributes", "what the model tells of the speaker", "sex, age, accent ..."),
        Probe("membership", "which clips it was trained on", MEMBER, scores=True),
        Probe("secrets", "whether it repeats spoken secrets", "secret, secret_kind"),
        Probe("fairness", "whether it answers all groups alike", "sex, or another group="),
        Probe(
            "bystanders",
            "what it learns of people who did not ask",
            "transcript, or question, options, answer, about",
            made_by="probe_conversations",
        ),
        Probe("adversarial", "how a perturbation steers it", "none, or a label", scores=True),
        Probe("utility", "what it still understands", "transcript, or question and answer"),
    )
}


def check(
    name: str, manifest: Manifest, options: Iterable[str] = (), *, judged: bool = False
) -> Probe:
    """Find out what :func:`run` would refuse, before a model is loaded for it.

    Args:
        name: Of :data:`PROBES`.
        manifest: The recordings.
        options: Names of those of the probe itself.
        judged: Whether a second reader is to read the answers.

    Raises:
        UnknownNameError: No such probe.
        ConfigurationError: An option, a reader or recordings that the probe does not take.

    Example:
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.catalogue import check
        >>> clip = Utterance("u", "u.wav", "s")
        >>> check("singing", Manifest("one", (clip,)))
        Traceback (most recent call last):
            ...
        voxguard.errors.UnknownNameError: unknown probe 'singing'; known: adversarial, ...
    """
    if name not in PROBES:
        raise UnknownNameError("probe", name, PROBES)
    probe = PROBES[name]
    if unknown := sorted(set(options) - set(probe.options)):
        known = ", ".join(probe.options) or "none"
        raise ConfigurationError(f"the probe {name} has no option {unknown[0]!r}; it has {known}")
    if judged and "judge" not in inspect.signature(probe.function).parameters:
        raise ConfigurationError(f"the probe {name} reads answers by rules alone: no judge")
    if name == "membership":
        _sides(manifest)
    return probe


def run(
    name: str,
    model: Any,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | None = None,
    record: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    concurrency: int = 1,
    progress: Callable[[int, int], None] | None = None,
    judge: Judge | None = None,
    **options: Any,
) -> ProbeDocument:
    """Run a probe by its name.

    Args:
        name: Of :data:`PROBES`.
        model: Any model; some probes need one with probabilities.
        manifest: The recordings. For ``"membership"`` its column ``member`` says yes or no.
        anonymizers: By the names that the report has.
        record: File in which answers are kept, to go on after an interruption; the attack of
            ``"adversarial"`` keeps its clips in a folder of that name with ``.clips``.
        limit: Most clips.
        seed: Of all that is drawn, except by the anonymizers.
        concurrency: Questions under way at once, where the probe takes more than one.
        progress: Is called with how many are done, and of how many.
        judge: A second reader of the answers, where the probe has one.
        options: Of the probe itself.

    Raises:
        UnknownNameError: No such probe.
        ConfigurationError: An option that the probe has not, or what the probe says.
        ModelError: The model has gone; run it again to go on.

    Example:
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.catalogue import run
        >>> clip = Utterance("u", "u.wav", "s")
        >>> run("singing", len, Manifest("one", (clip,)))
        Traceback (most recent call last):
            ...
        voxguard.errors.UnknownNameError: unknown probe 'singing'; known: adversarial, ...
    """
    probe = check(name, manifest, options, judged=judge is not None)
    if anonymizers is not None:
        options["anonymizers"] = anonymizers
    options |= {"limit": limit, "seed": seed, "progress": progress}
    parameters = inspect.signature(probe.function).parameters
    if "concurrency" in parameters:
        options["concurrency"] = concurrency
    if judge is not None:
        options["judge"] = judge
    if name == "adversarial" and record is not None:
        options["folder"] = record.with_suffix(".clips")
    data = _sides(manifest) if name == "membership" else (manifest,)
    weights = getattr(model, "weights", "")
    # Of weights that were trained on since, answers are not taken up.
    with _opened(name, record, " ".join(filter(None, (name_of(model), weights)))) as kept:
        document = probe.function(model, *data, record=kept, **options)
    if not weights:
        return document
    return replace(document, model={**document.model, "weights": weights})


@contextmanager
def _opened(name: str, path: Path | None, model: str) -> Iterator[Any]:
    if path is None:
        yield None
        return
    if name == "membership":
        from voxguard.probes.membership import ScoreRecord

        kept: Any = ScoreRecord(path, model)
    else:
        kept = AnswerRecord(path, model)
    with kept:
        yield kept


def _sides(manifest: Manifest) -> tuple[Manifest, Manifest]:
    known = {u.labels.get(MEMBER, "").lower() for u in manifest.utterances}
    if unknown := sorted(known - set(_MEMBERS)):
        raise ConfigurationError(
            f"membership needs a column {MEMBER!r} of yes and no, got {unknown[0]!r}"
        )
    return (
        manifest.select({MEMBER: _written(manifest, wanted=True)}),
        manifest.select({MEMBER: _written(manifest, wanted=False)}),
    )


def _written(manifest: Manifest, *, wanted: bool) -> list[str]:
    """How the manifest writes yes, or no."""
    values = {utterance.labels[MEMBER] for utterance in manifest.utterances}
    return [value for value in values if _MEMBERS[value.lower()] is wanted]
