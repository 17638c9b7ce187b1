"""Questions that are added to a dataset one by one, e.g. from a live answer."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from codex.datasets.formats import cells
from codex.datasets.importing import locked
from codex.datasets.library import NAME, ROWS, Dataset, broken, datasets, find, items
from codex.errors import Conflict, InvalidInput, StoreError
from codex.items import Item, content_id
from codex.private import make_folder, opener

MOST_ANSWERS = 100
"""Accepted wordings of one question."""


def own(home: Path) -> list[str]:
    """The names of the sets that questions can be added to."""
    return [each.name for each in datasets(home) if each.kind == "imported"]


def add(name: str, home: Path, question: str, answers: Sequence[str]) -> tuple[Dataset, Item]:
    """Add a question to a set of one's own, which is made where there is none of that name.

    It comes last, so that runs of the first questions can still be extended. Raises InvalidInput; Conflict
    where the set ships with Codex, or asks the question already; StoreError.
    """
    item = _item(name, question, answers)
    folder = home / "datasets"
    path = folder / f"{name}.jsonl"
    try:
        make_folder(folder)
        with locked(folder):
            there = _there(name, home, item)
            line = (json.dumps(item.as_row(name), ensure_ascii=False) + "\n").encode()
            with open(path, "ab", opener=opener) as file:
                file.write(b"\n" * _cut(path) + line)
            _count(path.with_suffix(".md"), name, there + 1)
    except OSError as wrong:
        raise StoreError(f"{path} cannot be written: {wrong.strerror or wrong}.") from wrong
    return find(name, home), item


def _item(name: str, question: str, answers: Sequence[str]) -> Item:
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} is not a valid name for a dataset: use up to 64 of a-z, 0-9, dots, - and _.",
            ["name"],
        )
    asked = _text(question, "question").strip()
    accepted = tuple(dict.fromkeys(filter(None, (_text(each, "answers").strip() for each in answers))))
    if not asked:
        raise InvalidInput("The question is empty.", ["question"])
    if not 0 < len(accepted) <= MOST_ANSWERS:
        raise InvalidInput(
            f"Give at least one accepted answer, and at most {MOST_ANSWERS}, not {len(accepted)}.",
            ["answers"],
        )
    return Item(id=content_id(asked), question=asked, answers=accepted, group=name)


def _text(value: str, field: str) -> str:
    try:
        return cells.text(value, field)
    except InvalidInput as wrong:
        raise InvalidInput(f"The question cannot be added: {wrong}.", [field]) from wrong


def _there(name: str, home: Path, item: Item) -> int:
    """How many questions the set has. Raises Conflict, InvalidInput."""
    known = {each.name: each for each in datasets(home)}
    if name not in known:
        if any(each.name == name for each in broken(home)):
            find(name, home)
        return 0
    if known[name].kind == "shipped":
        raise Conflict(f"The dataset {name} ships with Codex and cannot be changed: give another name.")
    count = 0
    for each in items(name, home):
        count += 1
        if item.id in (each.id, content_id(each.question, each.context, each.choices, each.history)):
            accepted = ", ".join(each.answers) or "a refusal"
            raise Conflict(f"The dataset {name} asks this question already; it accepts {accepted[:200]}.")
    return count


def _cut(path: Path) -> bool:
    """Whether the last line has no end, as an editor may leave it."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _count(card: Path, name: str, rows: int) -> None:
    """Say in the card of a set how many questions it has."""
    if card.exists():
        text = ROWS.sub(f"- rows: {rows}", card.read_text(encoding="utf-8"), count=1)
    else:
        text = (
            f"# {name}\n\nQuestions added one by one since {datetime.now(UTC):%Y-%m-%d}.\n\n- rows: {rows}\n"
        )
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=card.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, card)
