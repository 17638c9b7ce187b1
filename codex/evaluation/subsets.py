"""Some questions of a run as a dataset of their own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from codex.datasets.importing import import_file
from codex.datasets.library import Dataset
from codex.errors import InvalidInput
from codex.evaluation.generations import generated_of
from codex.items import Item
from codex.store import Store
from codex.types import Record


def keep_subset(store: Store, home: Path, run_id: str, ids: Collection[str], name: str) -> Dataset:
    """Import questions of a run as a dataset. ids: of the questions.

    Raises NotFound; InvalidInput for a name that no dataset can have, or without questions; Conflict where
    the name is taken; StoreError.
    """
    if store.runs.get(run_id).run.origin.follows:
        raise InvalidInput(
            "What was said before the questions of this run is in its dataset alone: take them from there.",
            ["ids"],
        )
    wanted = set(ids)
    items = [item_of(record) for record in store.runs.records(run_id) if record.id in wanted]
    if not items:
        raise InvalidInput("There is no question to keep: select some.", ["ids"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.jsonl"
        file.write_text("".join(json.dumps(_row(item)) + "\n" for item in items), encoding="utf-8")
        return import_file(file, home, name).dataset


def _row(item: Item) -> dict[str, object]:
    """A question as a line of a file that is imported: choices in one field with their labels."""
    row = item.as_row()
    if labels := row.pop("labels", None):
        row["choices"] = {"text": list(item.choices), "label": labels}
    return row


def item_of(record: Record) -> Item:
    """The question as it was asked, with its own passage where it came with one."""
    item = generated_of(record).item
    own = next((passage for passage in record.observation.passages if passage.id == record.id), None)
    return item if own is None else replace(item, context=own.text)
