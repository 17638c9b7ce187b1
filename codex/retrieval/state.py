"""What a catalogue says of itself, read without changing anything: not even a newer version of its tables."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from codex.retrieval.content import VERSION


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """The catalogue of an index."""

    version: int
    """Of its tables."""
    documents: dict[str, int]
    """How many, by their state."""
    embedding: str
    """The name of the one that built it; "": none has yet."""

    @property
    def is_newer(self) -> bool:
        """Whether a newer Codex wrote it."""
        return self.version > VERSION


def read_state(path: Path) -> CatalogueState:
    """Raises sqlite3.Error or ValueError where it cannot be read."""
    # Without a log there is nothing that only a lock would show, and no file is made beside it.
    waits = path.with_name(f"{path.name}-wal").exists()
    address = f"file:{quote(str(path))}?{'mode=ro' if waits else 'immutable=1'}"
    with closing(sqlite3.connect(address, uri=True, timeout=1.0)) as db:
        ((version,),) = db.execute("PRAGMA user_version").fetchall()
        counted = dict(db.execute("SELECT state, count(*) FROM documents GROUP BY state").fetchall())
        built = db.execute("SELECT value FROM meta WHERE key = 'embedding'").fetchall()
    return CatalogueState(version, counted, json.loads(built[0][0])["name"] if built else "")
