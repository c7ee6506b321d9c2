"""Who is a client, and on whom the model is tested: no speaker is both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from recipes.common import manifest_rows

COLUMNS = ("path", "utterance", "speaker", "sex", "split")
EVERY = 5  # without a split "eval", every fifth speaker is held out


@dataclass(frozen=True)
class Utterance:
    """One recording of the manifest."""

    path: Path
    name: str
    speaker: str
    sex: str
    split: str


@dataclass(frozen=True)
class Corpus:
    """Speakers with their utterances; those of ``clients`` train, those of ``held_out`` do not."""

    clients: dict[str, list[Utterance]]
    held_out: dict[str, list[Utterance]]

    def everyone(self) -> dict[str, list[Utterance]]:
        """Both."""
        return self.clients | self.held_out


def read(data: Path, *, held_out: int = 40, most_clients: int = 0) -> Corpus:
    """Divide the speakers.

    Held out are the speakers of the split ``eval``, if there are any, and further ones with few
    recordings, as many of either sex. Sex is ``F`` or ``M``; speakers without are left out.

    Args:
        data: Folder with ``manifest.csv``.
        held_out: How many besides those of ``eval``.
        most_clients: Of the speakers with most recordings first; 0 for all.

    Raises:
        SystemExit: This is no such folder.
    """
    speakers: dict[str, list[Utterance]] = defaultdict(list)
    for number, row in enumerate(manifest_rows(data, COLUMNS), 2):
        if Path(row["utterance"]).name != row["utterance"] or not row["utterance"]:
            raise SystemExit(
                f"{data / 'manifest.csv'}, row {number}: an utterance names a file; no slashes"
            )
        if row["sex"] in ("F", "M"):
            speakers[row["speaker"]].append(
                Utterance(
                    data / row["path"], row["utterance"], row["speaker"], row["sex"], row["split"]
                )
            )
    tested = {who for who, said in speakers.items() if any(u.split == "eval" for u in said)}
    rest = sorted(set(speakers) - tested, key=lambda who: (len(speakers[who]), who))
    has_split = bool(tested)
    for sex in "FM":
        of_sex = [who for who in rest if speakers[who][0].sex == sex]
        wanted = held_out // 2 if has_split else len(of_sex) // EVERY
        tested |= set(_spread(of_sex[: max(4 * wanted, 1)], wanted))
    clients = [who for who in reversed(rest) if who not in tested]
    clients = sorted(clients[:most_clients] if most_clients else clients)
    for what, names in (("clients", clients), ("held-out speakers", sorted(tested))):
        if {speakers[who][0].sex for who in names} != {"F", "M"}:
            raise SystemExit(
                f"{data}: both sexes are needed among the {what}; of {len(speakers)} speakers with "
                f"a sex, F or M, there are {len(names)}"
            )
    return Corpus({w: speakers[w] for w in clients}, {w: speakers[w] for w in sorted(tested)})


def _spread(names: list[str], count: int) -> list[str]:
    """So many of them, evenly spaced."""
    return [names[k * len(names) // count] for k in range(min(count, len(names)))]
