"""What the recipes share: manifests, settings, lines about what is under way, results, tables."""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_EVERY_S = 10.0


def say(text: str) -> None:
    """A line."""
    print(text, file=sys.stderr, flush=True)


def told(what: str, items: Sequence[T]) -> Iterator[T]:
    """The items, with a line every ten seconds about how far it is."""
    began = last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            left = (now - began) / done * (len(items) - done)
            say(f"{what}: {done} of {len(items)}, {duration(left)} left")
        yield item
    say(f"{what}: {len(items)}, {duration(time.monotonic() - began)}")


def duration(seconds: float) -> str:
    """Seconds or minutes, for people.

    Example:
        >>> duration(4.2), duration(600)
        ('4 s', '10 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def write(results: Any, target: Path) -> None:
    """As JSON, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(results, indent=1) + "\n")
    unfinished.rename(target)


def filled(page: str, tables: dict[str, str]) -> str:
    r"""A page with the text between ``<!-- mark -->`` and ``<!-- /mark -->`` replaced.

    Args:
        page: Markdown.
        tables: What goes between the marks of each name.

    Raises:
        SystemExit: The marks of a name are not there once.

    Example:
        >>> print(filled("<!-- t -->\nold\n<!-- /t -->", {"t": "new"}))
        <!-- t -->
        new
        <!-- /t -->
    """
    for mark, content in tables.items():
        marks = rf"(<!-- {mark} -->\n).*(\n<!-- /{mark} -->)"
        page, count = re.subn(
            marks, lambda m, new=content: m[1] + new + m[2], page, flags=re.DOTALL
        )
        if count != 1:
            raise SystemExit(f"the page takes one place marked for {mark}, it has {count}")
    return page


def publish(page: Path, tables: dict[str, str]) -> None:
    """Put tables into a page, each between its marks; see :func:`filled` and :func:`keep`."""
    keep(filled(page.read_text(), tables), page)


def keep(content: str, page: Path) -> None:
    """Write what is made from results; with ``--check`` only say whether it is as it would be.

    Raises:
        SystemExit: With ``--check``: it is not.
    """
    if "--check" not in sys.argv:
        page.write_text(content)
    elif not page.exists() or page.read_text() != content:
        raise SystemExit(f"{page.name} does not show the committed results")


def checked(cls: Any, found: dict[str, Any], where: str) -> dict[str, Any]:
    """Values from a file, each of the kind that the setting's default is of.

    Args:
        cls: A dataclass; fields without a default take no value from a file.
        found: Values by name.
        where: The file, for messages.

    Raises:
        SystemExit: A name that is no setting, or a value of another kind.
    """
    defaults: dict[str, Any] = {f.name: f.default for f in fields(cls)}
    values = {}
    for name, value in found.items():
        if name not in defaults:
            raise SystemExit(f"{where}: no setting {name!r}; there are {', '.join(defaults)}")
        kind = type(defaults[name])
        if kind is tuple and isinstance(value, list):
            value = tuple(type(defaults[name][0])(part) for part in value)
        elif kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise SystemExit(f"{where}: {name} takes a {kind.__name__}, got {value!r}")
        values[name] = value
    return values


def parser(module: str, description: str | None, config: str) -> argparse.ArgumentParser:
    """The command line that recipes have in common: data, a folder for the work, settings.

    Args:
        module: Name of the recipe's module.
        description: Its docstring.
        config: Name of the configuration that is taken if none is named.

    Example:
        >>> parser("recipes.example", "", "full.yaml").parse_args(["d", "--work", "w"]).config
        'full.yaml'
    """
    made = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("data", metavar="DATA")
    made.add_argument("--work", type=Path, required=True)
    made.add_argument("--config", default=config, help="YAML file, or the name of one in configs/")
    return made


def check_recordings(data: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Refuse a corpus whose recordings are not there, or cannot have files named after them.

    Args:
        data: The folder of the manifest.
        rows: Of it, with ``path`` and ``utterance``.

    Raises:
        SystemExit: A name is missing, not unique or a path; a recording is missing.
    """
    for name, count in Counter(row["utterance"] for row in rows).items():
        if count > 1 or not name or Path(name).name != name:
            raise SystemExit(
                f"{data}: utterances name files, so each needs a name of its own without slashes; "
                f"got {name!r}, {count} times"
            )
    absent = [row["path"] for row in rows if not (data / row["path"]).is_file()]
    if absent:
        raise SystemExit(
            f"{data}: {len(absent)} of {len(rows)} recordings that manifest.csv names are not "
            f"there, the first is {absent[0]}"
        )


def manifest_rows(data: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of ``manifest.csv`` in a folder.

    Args:
        data: The folder.
        columns: Which it has at least.

    Raises:
        SystemExit: It cannot be read, or lacks a column or a field.
    """
    manifest = data / "manifest.csv"
    wanted = f"a folder with manifest.csv of the columns {', '.join(columns)}, or 'synthetic'"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{manifest} cannot be read ({error}); DATA is {wanted}") from None
    if missing:
        raise SystemExit(f"{manifest} has no column {missing[0]}; DATA is {wanted}")
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise SystemExit(f"{manifest}, row {number}: not as many fields as there are columns")
    return rows
