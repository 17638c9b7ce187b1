"""The one source of truth: documents, their texts, chunks, words and vectors, in one SQLite file.

A document appears and disappears in one transaction, whatever happens to the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.errors import NotFound, RetrievalError
from codex.private import make_folder, opener
from codex.retrieval.content import (
    SCHEMA,
    UPGRADES,
    VERSION,
    Content,
    Entry,
    FileStamp,
    StoredChunk,
    Vectors,
    content_of,
    entry_of,
    register,
    set_meta,
    take_out,
)
from codex.retrieval.documents import Document, DocumentState, DocumentText

BUSY_SECONDS = 60.0
"""How long a writer waits for another; a transaction of a large document takes seconds."""
HEADING_WEIGHT = 1.0
"""A word of the heading beside a word of the text. With titles as headings BM25 finds 79 % of the Natural
Questions passages first, with half the weight 76 %, without them 67 %."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a Chroma collection holds: every chunk up to `last_chunk`, perhaps with deleted ones among them."""

    location: str
    """Of the collection: its server and name."""
    last_chunk: int
    version: int = 0
    """Another one whenever Chroma has been written to; 0 until it is recorded."""


class Catalogue:
    """The SQLite file. Thread-safe and process-safe; raises RetrievalError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened or made yet."""
        self.path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see the same moment."""
        with self._connection() as db:
            db.execute("BEGIN")
            yield db
            db.execute("COMMIT")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block, or nothing."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            try:
                db = self._idle.get_nowait()
            except queue.Empty:
                db = self._open()
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.rollback()
                raise
            finally:
                self._idle.put(db)
        except (sqlite3.Error, OSError) as error:
            raise RetrievalError(
                f"The catalogue {self.path} cannot be used: {error}. Free some space or mend its "
                f"permissions; if it is damaged, remove the folder {self.path.parent} and index again."
            ) from error

    def _open(self) -> sqlite3.Connection:
        make_folder(self.path.parent)
        # The files that SQLite makes beside it take its mode.
        os.close(opener(str(self.path), os.O_RDWR | os.O_CREAT))
        db = sqlite3.connect(self.path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                _execute_all(db, SCHEMA)
                db.execute("INSERT INTO meta VALUES ('id', ?)", [uuid.uuid4().hex])
            else:
                for older in range(version, VERSION):
                    _execute_all(db, UPGRADES[older])
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        return db

    # meta

    def get(self, key: str, default: str = "") -> str:
        """A remark about the index as a whole."""
        with self._connection() as db:
            row = db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
            return str(row[0]) if row else default

    def put(self, key: str, value: str) -> None:
        with self.write() as db:
            set_meta(db, key, value)

    # documents

    def documents(self) -> list[Document]:
        """All, by name."""
        return [entry.document for entry in self.entries()]

    def entries(self, state: DocumentState | None = None) -> list[Entry]:
        """All, or those in a state, by name."""
        with self._connection() as db:
            rows = db.execute(
                "SELECT * FROM documents WHERE ?1 IS NULL OR state = ?1 ORDER BY name COLLATE NOCASE, path",
                [state],
            )
            return [entry_of(row) for row in rows]

    def entry(self, document_id: str) -> Entry:
        """Raises NotFound."""
        with self._connection() as db:
            row = db.execute("SELECT * FROM documents WHERE id = ?", [document_id]).fetchone()
        if row is None:
            raise NotFound(f"There is no document {document_id!r} in the index.")
        return entry_of(row)

    def twin(self, sha256: str, suffix: str, encoding: str = "") -> Content | None:
        """The content of a document made of the same bytes and read the same way, if one is in the index."""
        with self.read() as db:
            rows = db.execute(
                "SELECT * FROM documents WHERE sha256 = ? AND sha256 != '' AND encoding = ?",
                [sha256, encoding],
            ).fetchall()
            same = [row for row in rows if Path(row["name"]).suffix.lower() == suffix.lower()]
            return content_of(db, same[0]) if same else None

    def text(self, document_id: str) -> DocumentText:
        """Raises NotFound."""
        entry = self.entry(document_id)
        with self._connection() as db:
            row = db.execute("SELECT * FROM texts WHERE document = ?", [document_id]).fetchone()
        if row is None:
            why = (
                f"it was skipped: {entry.document.reason}"
                if entry.document.reason
                else "it waits to be indexed"
            )
            raise NotFound(f"There is no text of {entry.document.name}: {why}")
        return DocumentText(entry.document, row["text"], tuple(json.loads(row["page_starts"])))

    def register(
        self, files: Iterable[tuple[Path, FileStamp, str]], encoding: str | None = None
    ) -> list[Document]:
        """Note files, all at once: "skipped" with a reason, "waiting" when new or changed.

        encoding: a codec, "" to find it out; None: as it was.
        """
        with self.write() as db:
            ids = [register(db, path, stamp, reason, encoding) for path, stamp, reason in files]
            known = {row["id"]: entry_of(row).document for row in db.execute("SELECT * FROM documents")}
        return [known[id_] for id_ in dict.fromkeys(ids)]

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget them, all or none. Raises NotFound."""
        with self.write() as db:
            for id_ in document_ids:
                take_out(db, id_)
                if not db.execute("DELETE FROM documents WHERE id = ?", [id_]).rowcount:
                    raise NotFound(f"There is no document {id_!r} in the index; nothing was removed.")

    def clear_content(self) -> None:
        """Everything waits again, and nothing is found until it has been indexed."""
        with self.write() as db:
            for table in ("chunks", "vectors", "words", "texts"):
                db.execute(f"DELETE FROM {table}")
            db.execute(
                "UPDATE documents SET state = 'waiting', reason = '', sha256 = '', pages = NULL,"
                " characters = 0, chunks = 0, indexed_at = NULL"
            )
            set_meta(db, "embedding", "")

    # chunks

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found."""
        if not self.exists:
            return True
        with self._connection() as db:
            return not db.execute("SELECT EXISTS (SELECT 1 FROM chunks)").fetchone()[0]

    def chunk_ids(self) -> NDArray[np.int64]:
        """All, in ascending order."""
        with self._connection() as db:
            return np.fromiter((row[0] for row in db.execute("SELECT id FROM chunks ORDER BY id")), np.int64)

    def last_chunk(self) -> int:
        """The highest id; 0 when there is none."""
        with self._connection() as db:
            return int(db.execute("SELECT coalesce(max(id), 0) FROM chunks").fetchone()[0])

    def present(self, ids: Sequence[int]) -> set[int]:
        """Those of the chunks that are still there."""
        with self._connection() as db:
            among = "SELECT id FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
            return {row[0] for row in db.execute(among, [json.dumps(list(ids))])}

    def chunks(self, ids: Sequence[int]) -> dict[int, StoredChunk]:
        """Those that are there, by id."""
        with self._connection() as db:
            rows = db.execute(
                "SELECT c.*, d.name FROM chunks c JOIN documents d ON d.id = c.document"
                " WHERE c.id IN (SELECT value FROM json_each(?))",
                [json.dumps(list(ids))],
            )
            return {
                row["id"]: StoredChunk(
                    row["start"],
                    row["end"],
                    row["page"],
                    row["heading"],
                    row["text"],
                    row["id"],
                    row["document"],
                    row["name"],
                )
                for row in rows
            }

    def vectors(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """Those that are there, by chunk."""
        with self._connection() as db:
            rows = db.execute(
                "SELECT * FROM vectors WHERE chunk IN (SELECT value FROM json_each(?))",
                [json.dumps(list(ids))],
            )
            return {row["chunk"]: np.frombuffer(row["vector"], np.float32) for row in rows}

    def lexical(self, expression: str, limit: int) -> list[tuple[int, float]]:
        """The chunks that match an FTS5 expression with their BM25, best first; higher is better."""
        with self._connection() as db:
            rows = db.execute(
                "SELECT rowid, -bm25(words, 1.0, ?) AS score FROM words WHERE words MATCH ?"
                " ORDER BY score DESC, rowid LIMIT ?",
                [HEADING_WEIGHT, expression, limit],
            )
            return [(row[0], row[1]) for row in rows]

    def vector_blocks(self, after: int = 0) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        """Ids [n] and vectors [n, d] of the chunks beyond an id, block by block."""
        with self.read() as db:
            rows = db.execute("SELECT chunk, vector FROM vectors WHERE chunk > ? ORDER BY chunk", [after])
            while block := rows.fetchmany(4096):
                joined = np.frombuffer(b"".join(row["vector"] for row in block), np.float32)
                yield np.array([row["chunk"] for row in block]), joined.reshape(len(block), -1)

    # what Chroma holds

    def coverage(self, location: str) -> Coverage | None:
        """What Chroma holds there; None where its files cannot be trusted, or were never written."""
        with self._connection() as db:
            row = db.execute("SELECT * FROM coverage WHERE location = ?", [location]).fetchone()
            return Coverage(row["location"], row["last_chunk"], row["version"]) if row else None

    def set_coverage(self, coverage: Coverage | None) -> Coverage | None:
        """Record it with a version of its own; None: before Chroma's files are touched."""
        with self.write() as db:
            db.execute("DELETE FROM coverage")
            if coverage is None:
                return None
            values = [coverage.location, coverage.last_chunk]
            added = db.execute("INSERT INTO coverage (location, last_chunk) VALUES (?, ?)", values)
            return replace(coverage, version=added.lastrowid or 0)


def _execute_all(db: sqlite3.Connection, script: str) -> None:
    """Within the transaction, which `executescript` would commit first."""
    for statement in script.split(";\n"):
        db.execute(statement)
