"""What a row says of its question beside what Codex asks and grades by: short values of other columns."""

from __future__ import annotations

from collections.abc import Mapping

from codex.datasets.columns import Columns
from codex.datasets.formats import cells
from codex.errors import InvalidInput

MOST = 20
"""Columns that are kept, the first ones."""
LONGEST = 60
"""Characters of a name, and of a value; of longer ones nothing is kept."""


def meta(values: Mapping[str, object], found: Columns) -> tuple[tuple[str, str], ...]:
    """Names and values of the columns that hold nothing else, those of an object in `meta` among them."""
    own = values.get("meta")
    every = {name: value for name, value in values.items() if name != "meta"}
    every |= {str(name): value for name, value in own.items()} if isinstance(own, Mapping) else {}
    kept: list[tuple[str, str]] = []
    for name, value in every.items():
        if len(kept) >= MOST or name in found.used or not _short(name):
            continue
        if said := _short(value):
            kept.append((name, said))
    return tuple(kept)


def _short(value: object) -> str:
    """A value as text; "" where it is no text or number, or too long."""
    try:
        said = cells.text(value, "value").strip()
    except InvalidInput:
        return ""
    return said if len(said) <= LONGEST else ""
