"""The hidden states that probes were trained on, in a file of their own beside the database."""

from __future__ import annotations

import io
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.errors import StoreError
from codex.private import FILE

SUFFIX = ".states"
"""Behind the name of the database file."""
_TABLE = """
CREATE TABLE IF NOT EXISTS states (
    run_id TEXT NOT NULL,
    question_id TEXT NOT NULL,
    wanted TEXT NOT NULL,   -- which layers were requested, of which answer
    layers TEXT NOT NULL,   -- their numbers
    vectors BLOB NOT NULL,  -- as numpy.save writes them
    PRIMARY KEY (run_id, question_id, wanted)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """The hidden states of one answer, as much of them as probes read."""

    layers: tuple[int, ...]
    """Counted from 1."""
    vectors: NDArray[np.float16]
    """[parts, layers, hidden size]"""


class KeptStates:
    """Hidden states by run and question. Thread-safe.

    Every method raises StoreError where the file cannot be read or written.
    """

    def __init__(self, database: Path, keeps: bool) -> None:
        """database: the file that they lie beside. keeps: False neither reads nor keeps anything."""
        self.path = database.with_name(database.name + SUFFIX)
        self._keeps = keeps
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of the file; 0: there is none."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read(self, run_id: str, question_id: str, wanted: str) -> Kept | None:
        """Those of an answer; None: they were not kept. wanted: as they were kept."""
        if not self._keeps or not self.path.is_file():
            return None
        with self._opened() as db:
            row = db.execute(
                "SELECT layers, vectors FROM states WHERE run_id = ? AND question_id = ? AND wanted = ?",
                (run_id, question_id, wanted),
            ).fetchone()
        if row is None:
            return None
        layers = tuple(map(int, row[0].split()))
        return Kept(layers, np.load(io.BytesIO(row[1]), allow_pickle=False))

    def keep(self, run_id: str, question_id: str, wanted: str, kept: Kept) -> None:
        """Keep those of an answer. wanted: says which layers, and of which answer."""
        if not self._keeps:
            return
        file = io.BytesIO()
        np.save(file, kept.vectors, allow_pickle=False)
        row = (run_id, question_id, wanted, " ".join(map(str, kept.layers)), file.getvalue())
        with self._opened() as db:
            db.execute("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, run_id: str) -> None:
        """Delete those of a run, their bytes too."""
        if not self.path.is_file():
            return
        with self._opened() as db:
            db.execute("DELETE FROM states WHERE run_id = ?", (run_id,))
        with self._opened() as db:
            db.execute("VACUUM")

    def copy_to(self, path: Path) -> None:
        """Write them as they are now into a new file, where there are any."""
        if not self.path.is_file():
            return
        with self._opened() as db, closing(sqlite3.connect(path)) as copy:
            db.backup(copy)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, closing(self._connected()) as db:
                yield db
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StoreError(
                f"{self.path} cannot be read or written: {error}. Make room, or delete it: what it holds can "
                "be read from the model again."
            ) from error

    def _connected(self) -> sqlite3.Connection:
        self.path.touch(FILE)
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("PRAGMA secure_delete = ON")
        db.execute(_TABLE)
        return db
