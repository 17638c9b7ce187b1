"""The question sets there are, by name: those that ship, those imported, those of the hub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codex.errors import InvalidInput, NotFound
from codex.evaluation import hub
from codex.evaluation.items import GRADERS, GraderName, Item
from codex.evaluation.questions import Accepted, Duplicate, questions, read
from codex.evaluation.splits import Side, split
from codex.evaluation.table_files import Rejected, is_table

__all__ = ["GRADERS", "Dataset", "GraderName", "Item", "Side", "datasets", "find", "items", "load", "split"]

SHIPPED = Path(__file__).parents[2] / "datasets"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""What a set may be called."""
_ROWS = re.compile(r"^- rows: (\d+)$", re.MULTILINE)


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


def datasets(home: Path) -> list[Dataset]:
    """The sets that ship, then those imported under home/datasets, each in order of name."""
    return [*_in(SHIPPED, "shipped"), *_in(home / "datasets", "imported")]


def find(name: str, home: Path) -> Dataset:
    """The set of that name. Raises NotFound, with the names there are."""
    there = datasets(home)
    for dataset in there:
        if dataset.name == name:
            return dataset
    names = ", ".join(dataset.name for dataset in there)
    raise NotFound(
        f"There is no dataset {name!r}. There are: {names}. `codex datasets import FILE` adds one."
    )


def load(name: str | Path, home: Path) -> list[Item]:
    """The questions of a set, all of them in memory; see `items`."""
    return list(items(name, home))


def items(name: str | Path, home: Path) -> Iterator[Item]:
    """The questions of a set, one after another.

    name: of a set on this machine, or a file of one (CSV, JSONL, Parquet), or OWNER/NAME of the Hugging
    Face hub. Raises NotFound, InvalidInput (a file with rows that cannot be used is refused), HubError.
    """
    path = Path(name)
    if is_table(path):
        yield from _usable(read(path, path.name.partition(".")[0]), path.name)
        return
    if hub.is_name(str(name)):
        yield from _usable(questions(hub.rows(str(name)), str(name)), str(name))
        return
    dataset = find(str(name), home)
    with dataset.path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield Item.of_row(json.loads(line), dataset.name)
            except (ValueError, KeyError, TypeError) as wrong:
                raise InvalidInput(
                    f"{dataset.path}, line {number}, is no question: {wrong!r}. Import the file anew."
                ) from wrong


def _usable(rows: Iterable[Accepted | Duplicate | Rejected], file: str) -> Iterator[Item]:
    for row in rows:
        if isinstance(row, Rejected):
            raise InvalidInput(
                f"{file}, line {row.line}: {row.reason}. `codex datasets import` leaves such rows out."
            )
        if isinstance(row, Accepted):
            yield row.item


def _in(folder: Path, kind: Literal["shipped", "imported"]) -> Iterator[Dataset]:
    for path in sorted(folder.glob("*.jsonl")):
        card_path = path.with_suffix(".md")
        card = card_path.read_text(encoding="utf-8") if card_path.exists() else ""
        rows = _ROWS.search(card)
        yield Dataset(
            name=path.stem,
            about=_about(card),
            rows=int(rows[1]) if rows else _count(path),
            path=path,
            card=card,
            kind=kind,
        )


def _about(card: str) -> str:
    """The first paragraph under the heading."""
    paragraphs = [part.strip() for part in card.split("\n\n")]
    return next((" ".join(part.split()) for part in paragraphs if part and not part.startswith("#")), "")


def _count(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)
