"""The questions of a table, and the rows of it that are none."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from codex.datasets.columns import Columns, Given, columns
from codex.datasets.drafts import Draft, draft
from codex.datasets.formats import nested
from codex.datasets.formats.keys import Evidence, KeyBase, Numbered, settled
from codex.datasets.table_files import Rejected, Row
from codex.datasets.table_files import rows as rows_of
from codex.errors import InvalidInput
from codex.grading.kinds import graded_as, grader_of
from codex.items import GraderName, Item
from codex.text import sha256

KINDS = 100
"""Rows with different columns, as JSONL may have them, whose columns are remembered."""
MOST_NAMES = 500
"""Of columns that are listed."""


class MissingColumn(InvalidInput):
    """A table whose first row lacks a column that is needed."""


class Accepted(NamedTuple):
    """A row that is a question."""

    line: int
    item: Item


class Duplicate(NamedTuple):
    """A row that asks and accepts the same as one before it."""

    line: int


class Options(NamedTuple):
    """What the user says about a file that does not say it itself."""

    columns: Given | None = None
    """Which column holds a field, where its name does not say so."""
    split: str | None = None
    """What parts several answers, or choices, in one text; None: a text is one."""
    key_base: KeyBase | None = None
    """What the numbers of correct choices count from; None: all rows together tell."""
    grader: GraderName | None = None
    """Grades every answer; None: the row's own grader, else one by the kind of the accepted answers."""


NOTHING_SAID = Options()


@dataclass(slots=True)
class Understood:
    """What was made of a file."""

    names: list[str] = field(default_factory=list)
    """Of the columns there are, the first MOST_NAMES."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """Of each field the columns that hold it, of all kinds of rows."""
    key_base: KeyBase | None = None
    """What the numbers of correct choices count from; None: no key is a mere number."""
    key_base_said: bool = False
    """The user said so."""
    named_keys: int = 0
    """Keys of choices that are labels, letters or texts."""
    graders: Counter[GraderName] = field(default_factory=Counter)
    """Questions by what they are graded by."""
    unanswerable: int = 0
    without_context: int = 0
    """Questions whose context was left out, since it is no text and no passages."""

    def lines(self) -> list[str]:
        """It as a person reads it, a line for each thing."""
        named = (f"{name} from {', '.join(held)}" for name, held in self.columns.items())
        told = [f"columns: {'; '.join(named)}"]
        if self.key_base is not None:
            why = "as you said" if self.key_base_said else "as all rows together tell"
            is_text = self.key_base == "text"
            means = "are the texts of choices" if is_text else f"count the choices from {self.key_base}"
            told.append(f"keys: numbers {means}, {why}")
        if self.named_keys:
            told.append(f"keys: {self.named_keys:,} labels, letters or texts of choices")
        told.append(graded_as(dict(self.graders.most_common())))
        if self.unanswerable:
            told.append(f"not answerable: {self.unanswerable:,}")
        if self.without_context:
            told.append(f"context left out, neither text nor passages: {self.without_context:,}")
        return told


class _Drafted(NamedTuple):
    line: int
    draft: Draft


def questions(
    rows: Iterable[Row | Rejected],
    group: str,
    options: Options = NOTHING_SAID,
    understood: Understood | None = None,
) -> Iterator[Accepted | Duplicate | Rejected]:
    """What each row is, in order.

    understood: filled while the rows are read, and complete after the last one. A row whose id an earlier one
    has with other content is rejected. From the first key on that is a mere number, rows wait in a file until
    all were read. Raises InvalidInput where the first row lacks a column that is needed, and where nothing
    tells what the numbers of correct choices count from.
    """
    told = understood or Understood()
    contents: dict[int, int] = {}
    for row in _settled(_drafts(rows, group, options, told), options.key_base, told):
        if isinstance(row, Rejected):
            yield row
            continue
        name, content = _digest(row.item.id), _content(row.item)
        if name not in contents:
            contents[name] = content
            told.graders[grader_of(row.item)] += 1
            told.unanswerable += not row.item.answerable
            yield row
        elif contents[name] == content:
            yield Duplicate(row.line)
        else:
            why = f"an earlier row with the id {row.item.id[:40]!r} has another question or other answers"
            yield Rejected(row.line, why)


def read(
    path: Path,
    group: str,
    options: Options = NOTHING_SAID,
    encoding: str | None = None,
    understood: Understood | None = None,
) -> Iterator[Accepted | Duplicate | Rejected]:
    """The questions of a file; see `questions` and `table_files.rows`."""
    given = (options.columns or {}).values()
    known = [name for held in given for name in ([held] if isinstance(held, str) else held)]
    return questions(rows_of(path, encoding, known), group, options, understood)


def _drafts(
    rows: Iterable[Row | Rejected], group: str, options: Options, told: Understood
) -> Iterator[_Drafted | Rejected]:
    found: dict[tuple[str, ...], Columns] = {}
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        part = ""
        try:
            for part, values in nested.parts(row.values):
                names = tuple(values)
                try:
                    if names not in found:
                        _add(names, options.columns, found, told)
                    made = draft(values, found[names], group, options.split, options.grader)
                except InvalidInput as wrong:
                    if not found:
                        raise MissingColumn(str(wrong), wrong.fields) from wrong
                    yield _rejected(row.line, part, wrong)
                    continue
                held = found[names].value("context", values)
                told.without_context += (
                    made.item.context is None and isinstance(held, list | dict) and held != []
                )
                yield _Drafted(row.line, made)
        except MissingColumn:
            raise
        except InvalidInput as wrong:
            yield _rejected(row.line, part, wrong)


def _add(
    names: tuple[str, ...],
    given: Given | None,
    found: dict[tuple[str, ...], Columns],
    told: Understood,
) -> None:
    """Find the columns of a kind of rows. Raises InvalidInput where one is missing."""
    told.names += [name for name in names if name not in told.names][: MOST_NAMES - len(told.names)]
    kind = columns(names, given)
    if len(found) == KINDS:
        found.clear()
    found[names] = kind
    _note(kind, told)


def _settled(
    drafts: Iterable[_Drafted | Rejected], said: KeyBase | None, told: Understood
) -> Iterator[Accepted | Rejected]:
    """The drafts with their answers; those after the first number wait until all were seen."""
    evidence = Evidence()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
        for each in drafts:
            numbers = () if isinstance(each, Rejected) else each.draft.numbers
            if isinstance(each, _Drafted) and each.draft.choices:
                for key in each.draft.keys:
                    evidence.add(key, each.draft.choices, each.line)
            if evidence.numbers:
                _put(each, numbers, waiting)
            else:
                yield each if isinstance(each, Rejected) else Accepted(each.line, _answered(each.draft, None))
        told.key_base = evidence.base(said)
        told.named_keys = evidence.named
        told.key_base_said = said is not None
        waiting.seek(0)
        for line in waiting:
            yield _taken(line, told.key_base)


def _put(each: _Drafted | Rejected, numbers: tuple[Numbered, ...], waiting: IO[str]) -> None:
    if isinstance(each, Rejected):
        row: list[object] = [each.line, each.reason]
    else:
        row = [each.line, each.draft.item.as_row(), each.draft.item.group, each.draft.keys]
    waiting.write(json.dumps(row) + "\n")


def _taken(line: str, base: KeyBase | None) -> Accepted | Rejected:
    number, held, *rest = json.loads(line)
    if not rest:
        return Rejected(number, held)
    group, keys = rest
    item = Item.of_row(held, group)
    places = tuple(Numbered(*key) if isinstance(key, list) else int(key) for key in keys)
    try:
        return Accepted(number, _answered(Draft(item, None, places), base))
    except InvalidInput as wrong:
        return Rejected(number, str(wrong))


def _answered(made: Draft, base: KeyBase | None) -> Item:
    """The item with the texts of its correct choices."""
    if not made.keys:
        return made.item
    choices = made.item.choices
    places = [settled(key, base, len(choices)) if isinstance(key, Numbered) else key for key in made.keys]
    return dataclasses.replace(made.item, answers=tuple(dict.fromkeys(choices[at] for at in places)))


def _note(kind: Columns, told: Understood) -> None:
    for name, held in kind.of.items():
        noted = told.columns.setdefault(name, [])
        noted += [column for column in held if column not in noted]


def _rejected(line: int, part: str, wrong: InvalidInput) -> Rejected:
    why = str(wrong).removesuffix(".")
    return Rejected(line, f"{part}: {why}" if part else why)


def _content(asked: Item) -> int:
    return _digest(
        repr((asked.question, asked.context, asked.choices, asked.answers, asked.answerable, asked.history))
    )


def _digest(text: str) -> int:
    # A number takes less memory than the text: a set may hold a million.
    return int(sha256(text)[:16], 16)
