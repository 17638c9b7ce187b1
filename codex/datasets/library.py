"""The question sets there are, by name: those that ship, those imported, those of the hub."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codex.datasets import hub
from codex.datasets.questions import Accepted, Duplicate, questions, read
from codex.datasets.splits import split
from codex.datasets.table_files import Rejected, is_table
from codex.errors import InvalidInput, NotFound
from codex.items import GRADERS, GraderName, Item, graders, named
from codex.paths import resources
from codex.store.codec.values import text
from codex.types import Side

__all__ = [
    "GRADERS",
    "Dataset",
    "GraderName",
    "Item",
    "Side",
    "datasets",
    "find",
    "graders",
    "items",
    "load",
    "split",
]

SHIPPED = resources("datasets")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""What a set may be called."""
ROWS = re.compile(r"^- rows: (\d{1,9})$", re.MULTILINE)
"""How many questions a set has, in its card."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of questions on this machine."""

    name: str
    about: str
    """What it asks, in one sentence."""
    rows: int
    path: Path
    """JSONL, one question a line."""
    card: str
    """How it was made, in Markdown."""
    kind: Literal["shipped", "imported"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A set under home/datasets that cannot be used."""

    name: str
    why: str


def datasets(home: Path) -> list[Dataset]:
    """The sets that ship, then those imported under home/datasets, each in order of name.

    What cannot be used is left out; see `broken`.
    """
    found = [*_in(SHIPPED, "shipped"), *_in(home / "datasets", "imported")]
    return [each for each in found if isinstance(each, Dataset)]


def broken(home: Path) -> list[Broken]:
    """The sets under home/datasets that `datasets` leaves out."""
    return [each for each in _in(home / "datasets", "imported") if isinstance(each, Broken)]


def find(name: str, home: Path) -> Dataset:
    """The set of that name. Raises NotFound, with the names there are, or InvalidInput for a broken one."""
    there = datasets(home)
    for dataset in there:
        if dataset.name == name:
            return dataset
    for each in broken(home):
        if each.name == name:
            raise InvalidInput(f"The dataset {name!r} cannot be used: {each.why}.", ["dataset"])
    names = ", ".join(dataset.name for dataset in there)
    raise NotFound(
        f"There is no dataset {name!r}. There are: {names}. `codex datasets import FILE` adds one."
    )


def load(name: str | Path, home: Path) -> list[Item]:
    """The questions of a set, all of them in memory; see `items`."""
    return list(items(name, home))


def items(name: str | Path, home: Path) -> Iterator[Item]:
    """The questions of a set, one after another.

    name: of a set on this machine, or a file of one (CSV, JSON, Parquet), or OWNER/NAME of the Hugging
    Face hub. Raises NotFound, InvalidInput (a file with rows that cannot be used is refused), HubError.
    """
    path = Path(name)
    if is_table(path):
        yield from _usable(read(path, path.name.partition(".")[0]), path.name)
        return
    if hub.is_name(str(name)):
        yield from _usable(questions(hub.rows(str(name)), str(name)), str(name))
        return
    yield from _stored(find(str(name), home))


def _stored(dataset: Dataset) -> Iterator[Item]:
    try:
        with dataset.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _item(json.loads(line.decode()), dataset.name)
                except (ValueError, KeyError, TypeError, RecursionError) as wrong:
                    why = f"{type(wrong).__name__}: {wrong}"
                    raise InvalidInput(
                        f"{dataset.path}, line {number}, is not a question ({why}). Import the file again.",
                        ["dataset"],
                    ) from wrong
    except OSError as wrong:
        raise InvalidInput(
            f"{dataset.path} cannot be read: {wrong.strerror or wrong}.", ["dataset"]
        ) from wrong


def _item(row: Mapping[str, Any], group: str) -> Item:
    """The question of a row that somebody may have edited. Raises KeyError, TypeError, ValueError."""
    item = Item.of_row(row, group)
    for each in (item.id, item.question, item.group, item.context or "", *item.answers, *item.choices):
        text(each, "one of its texts")
    if item.grader is not None and named(item.grader) is None:
        raise ValueError(f"there is no grader {reprlib.repr(item.grader)}")
    return item


def _usable(rows: Iterable[Accepted | Duplicate | Rejected], file: str) -> Iterator[Item]:
    for row in rows:
        if isinstance(row, Rejected):
            raise InvalidInput(
                f"{file}, line {row.line}: {row.reason}. `codex datasets import` leaves such rows out."
            )
        if isinstance(row, Accepted):
            yield row.item


def _in(folder: Path, kind: Literal["shipped", "imported"]) -> Iterator[Dataset | Broken]:
    for path in sorted(folder.glob("*.jsonl")):
        card = path.with_suffix(".md")
        try:
            yield _described(path, card.read_text(encoding="utf-8") if card.exists() else "", kind)
        except UnicodeDecodeError:
            yield Broken(path.stem, f"its card {card} is not UTF-8; save it in that encoding, or remove it")
        except OSError as wrong:
            place = wrong.filename or path
            yield Broken(path.stem, f"{place} cannot be read ({wrong.strerror or wrong}); remove it")


def _described(path: Path, card: str, kind: Literal["shipped", "imported"]) -> Dataset:
    said = ROWS.search(card)
    with path.open("rb") as lines:
        rows = int(said[1]) if said else sum(1 for _ in lines)
    return Dataset(
        name=path.stem,
        about=_about(card),
        rows=rows,
        path=path,
        card=card,
        kind=kind,
    )


def _about(card: str) -> str:
    """The first paragraph under the heading."""
    paragraphs = [part.strip() for part in card.split("\n\n")]
    return next((" ".join(part.split()) for part in paragraphs if part and not part.startswith("#")), "")
