"""Which attributes a manifest has labels of, and the class of each clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.attributes.taxonomy import ATTRIBUTES, Attribute, own_attribute


@dataclass(frozen=True)
class Labelled:
    """What is asked for, and the truth.

    Attributes:
        attributes: Those of two classes or more.
        truths: Attribute to clip to class.
        notes: What was skipped, and why.
    """

    attributes: tuple[Attribute, ...]
    truths: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]

    def among(self, utterances: Collection[Utterance]) -> Labelled:
        """The same for some of the clips.

        Raises:
            ConfigurationError: No attribute has two classes among them.
        """
        ids = {utterance.id for utterance in utterances}
        truths = {
            name: {clip: truth for clip, truth in of.items() if clip in ids}
            for name, of in self.truths.items()
        }
        return _varied(self.attributes, truths, self.notes)


def labelled(manifest: Manifest, wanted: Sequence[str | Attribute] | None = None) -> Labelled:
    """Read the labels of a manifest.

    Where none of the labels of one of the eight attributes is of its classes, the labels are the
    classes.

    Args:
        manifest: The recordings.
        wanted: Attributes, or names of attributes or columns; None: the eight, where they are.

    Raises:
        ConfigurationError: A column that was asked for is not there; nothing is left.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.attributes.labels import labelled
        >>> clips = [Utterance(n, Path(n), n, labels={"age": n}) for n in ("31", "47")]
        >>> labelled(Manifest("two", tuple(clips))).truths
        {'age': {'31': '30-39', '47': '40-49'}}
    """
    attributes: list[Attribute] = []
    truths: dict[str, dict[str, str]] = {}
    notes: list[str] = []
    for given in [*ATTRIBUTES] if wanted is None else wanted:
        attribute = ATTRIBUTES.get(given) if isinstance(given, str) else given
        column = attribute.name if attribute else str(given)
        found = _labels(manifest, attribute or column)
        if not found:
            if wanted is not None:
                raise ConfigurationError(
                    f"{manifest.name} has no label of {column!r}; it has the columns "
                    f"{', '.join(_columns(manifest))}"
                )
            notes.append(f"{column}: skipped, {manifest.name} has no labels of it")
            continue
        classes = {clip: name for clip, (name, _) in found.items() if name}
        if attribute is None or (isinstance(given, str) and not classes):
            if len(set(found.values())) < 2:
                notes.append(f"{column}: skipped, all labels are {next(iter(found.values()))[1]!r}")
                continue
            if attribute is not None:
                notes.append(f"{column}: no label is of its usual classes; the labels are taken")
            attribute = own_attribute(column, [label for _, label in found.values()])
            classes = {clip: label for clip, (_, label) in found.items()}
        odd = Counter(label for clip, (_, label) in found.items() if clip not in classes)
        if odd:
            shown = ", ".join(repr(label) for label, _ in odd.most_common(3))
            notes.append(
                f"{column}: {odd.total()} of {len(found)} labels are of no class and left out, as "
                + shown
            )
        attributes.append(attribute)
        truths[attribute.name] = classes
    return _varied(attributes, truths, notes)


def _labels(manifest: Manifest, attribute: Attribute | str) -> dict[str, tuple[str, str]]:
    """Clip to class and label, where there is a label."""
    found = {}
    for utterance in manifest.utterances:
        if isinstance(attribute, Attribute):
            name, label = attribute.label(utterance)
        elif attribute in ("speaker", "session"):
            name, label = "", str(getattr(utterance, attribute))
        else:
            name, label = "", utterance.labels.get(attribute, "")
        if label:
            found[utterance.id] = name, label
    return found


def _columns(manifest: Manifest) -> list[str]:
    return sorted({"speaker", *(column for u in manifest.utterances for column in u.labels)})


def _varied(
    attributes: Sequence[Attribute], truths: Mapping[str, Mapping[str, str]], notes: Sequence[str]
) -> Labelled:
    """Without attributes of which one class only occurs."""
    kept, told = [], list(notes)
    for attribute in attributes:
        occurring = set(truths[attribute.name].values())
        if len(occurring) > 1:
            kept.append(attribute)
        else:
            what = f"only {occurring.pop()!r} occurs" if occurring else "no clip has a class"
            told.append(f"{attribute.name}: skipped, {what}, so there is nothing to guess")
    if not kept:
        raise ConfigurationError(f"no attribute to ask for: {'; '.join(told)}")
    return Labelled(tuple(kept), {a.name: truths[a.name] for a in kept}, tuple(told))
