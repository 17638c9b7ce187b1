"""The catalogue of a backup, made the one of the home that it is restored into."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from codex.errors import RetrievalError
from codex.retrieval.content import document_id

SKIPPED_IDS = 10**9
"""More chunks than were ever added after a backup."""


def adopt(catalogue: Path, before: Path, now: Path) -> None:
    """Let uploaded documents lie in another folder, and no id of a chunk be used again.

    A Chroma server may still hold vectors of chunks that were added after the backup; their ids are skipped.
    before, now: the folder of uploaded documents. Raises RetrievalError.
    """
    try:
        with closing(sqlite3.connect(catalogue, isolation_level=None)) as db:
            db.execute("BEGIN")
            if not db.execute("UPDATE sqlite_sequence SET seq = seq + ?", [SKIPPED_IDS]).rowcount:
                db.execute("INSERT INTO sqlite_sequence VALUES ('chunks', ?)", [SKIPPED_IDS])
            if before != now:
                _move(db, before, now)
            db.execute("UPDATE meta SET value = '' WHERE key = 'coverage'")
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise RetrievalError(f"The catalogue of the backup cannot be used: {error}.") from error


def _move(db: sqlite3.Connection, before: Path, now: Path) -> None:
    """Give uploaded documents the paths, and so the ids, of another folder."""
    for old_id, raw in db.execute("SELECT id, path FROM documents").fetchall():
        path = Path(os.fsdecode(raw))
        if not path.is_relative_to(before):
            continue
        moved = now / path.relative_to(before)
        new_id = document_id(moved)
        db.execute("UPDATE documents SET id = ?, path = ? WHERE id = ?", [new_id, os.fsencode(moved), old_id])
        for table in ("texts", "chunks"):
            db.execute(f"UPDATE {table} SET document = ? WHERE document = ?", [new_id, old_id])
