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
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex import swap
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
    delete_content,
    entry_of,
    register,
)
from codex.retrieval.documents import Document, DocumentState, DocumentText

BUSY_SECONDS = 60.0
"""How long a writer waits for another; a transaction of a large document takes seconds."""
HEADING_WEIGHT = 1.0
"""Of a word in the heading against one in the text. With titles as headings BM25 ranks 79 % of the Natural
Questions passages first, with half the weight 76 %, without headings 67 %."""
BLOCK = 4096
"""Vectors read at once, so that comparing with all of them needs little memory."""
_AMONG = "IN (SELECT value FROM json_each(?))"


class Catalogue:
    """The SQLite file. Thread-safe and process-safe; raises RetrievalError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened or created yet."""
        self.path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def close(self) -> None:
        """Close the idle connections."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    @contextlib.contextmanager
    def read(self, begin: str = "BEGIN") -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see the same state."""
        try:
            try:
                db = self._idle.get_nowait()
            except queue.Empty:
                db = self._open()
            try:
                db.execute(begin)
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.rollback()
                self._idle.put(db)
        except (sqlite3.Error, OSError) as error:
            raise RetrievalError(
                f"The catalogue {self.path} cannot be used: {error}. Free some disk space or fix its "
                f"permissions; if it is damaged, delete the folder {self.path.parent} and index again."
            ) from error

    def write(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A transaction: the whole block, or nothing."""
        return self.read("BEGIN IMMEDIATE")

    def _open(self) -> sqlite3.Connection:
        if half_restored := swap.refusal(self.path.parent.parent):
            raise RetrievalError(half_restored)
        make_folder(self.path.parent)
        # The files that SQLite creates beside it take its mode.
        os.close(opener(str(self.path), os.O_RDWR | os.O_CREAT))
        db = sqlite3.connect(self.path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            for script in [UPGRADES[older] for older in range(version, VERSION)] if version else [SCHEMA]:
                for statement in script.split(";\n"):  # executescript would commit first
                    db.execute(statement)
            db.execute("INSERT OR IGNORE INTO meta VALUES ('id', ?)", [uuid.uuid4().hex])
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        return db

    def copy_to(self, path: Path) -> None:
        """Write the catalogue as it is now into a new file. Raises RetrievalError."""
        with self.read() as db, contextlib.closing(sqlite3.connect(path)) as copy:
            db.backup(copy)

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self.read() as db:
            return db.execute(sql, values).fetchall()

    # properties of the index as a whole

    def get(self, key: str) -> str:
        """ "" where it was never set."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else ""

    def put(self, key: str, value: str) -> None:
        with self.write() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    # documents

    def documents(self) -> list[Document]:
        """All, by name."""
        return [entry.document for entry in self.entries()]

    def entries(self, state: DocumentState | None = None) -> list[Entry]:
        """All, or those in a state, by name."""
        wanted = "SELECT * FROM documents WHERE ?1 IS NULL OR state = ?1 ORDER BY name COLLATE NOCASE, path"
        return [entry_of(row) for row in self._rows(wanted, state)]

    def duplicate(self, sha256: str, suffix: str, encoding: str = "") -> Content | None:
        """The content of a document with the same bytes, read the same way, if one is in the index."""
        with self.read() as db:
            rows = db.execute(
                "SELECT * FROM documents WHERE sha256 = ? AND sha256 != '' AND encoding = ?",
                [sha256, encoding],
            ).fetchall()
            same = [row for row in rows if Path(row["name"]).suffix.lower() == suffix.lower()]
            return content_of(db, same[0]) if same else None

    def text(self, document_id: str) -> DocumentText:
        """Raises NotFound."""
        rows = self._rows(
            "SELECT * FROM documents LEFT JOIN texts ON document = id WHERE id = ?", document_id
        )
        if not rows:
            raise NotFound(f"There is no document {document_id!r} in the index.")
        document = entry_of(rows[0]).document
        if rows[0]["text"] is None:
            reason = f"it was skipped: {document.reason}" if document.reason else "it is not indexed yet"
            raise NotFound(f"There is no text of {document.name}: {reason}")
        return DocumentText(document, rows[0]["text"], tuple(json.loads(rows[0]["page_starts"])))

    def register(
        self, files: Iterable[tuple[Path, FileStamp, str]], encoding: str | None = None
    ) -> list[Document]:
        """Add files, all at once: "skipped" with a reason, "waiting" when new or changed.

        encoding: a codec, "" to detect it; None: unchanged.
        """
        with self.write() as db:
            ids = [register(db, path, stamp, reason, encoding) for path, stamp, reason in files]
            known = {row["id"]: entry_of(row).document for row in db.execute("SELECT * FROM documents")}
        return [known[id_] for id_ in dict.fromkeys(ids)]

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove all of them, or none. Raises NotFound."""
        with self.write() as db:
            for id_ in document_ids:
                delete_content(db, id_)
                if not db.execute("DELETE FROM documents WHERE id = ?", [id_]).rowcount:
                    raise NotFound(f"There is no document {id_!r} in the index; nothing was removed.")

    def clear_content(self) -> None:
        """Every document waits again, and none is found until it has been indexed."""
        with self.write() as db:
            for table in ("chunks", "vectors", "words", "texts"):
                db.execute(f"DELETE FROM {table}")
            db.execute(
                "UPDATE documents SET state = 'waiting', reason = '', sha256 = '', pages = NULL,"
                " characters = 0, chunks = 0, indexed_at = NULL"
            )

    # chunks

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found."""
        return not self.exists or not self.last_chunk()

    def last_chunk(self) -> int:
        """The highest id; 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM chunks")[0][0])

    def chunk_ids(self) -> NDArray[np.int64]:
        """All, in ascending order."""
        with self.read() as db:
            return np.fromiter((row[0] for row in db.execute("SELECT id FROM chunks ORDER BY id")), np.int64)

    def existing(self, ids: Iterable[int]) -> set[int]:
        """Those of the chunks that have not been removed."""
        return {
            row[0] for row in self._rows(f"SELECT id FROM chunks WHERE id {_AMONG}", json.dumps(list(ids)))
        }

    def chunks(self, ids: Iterable[int]) -> dict[int, StoredChunk]:
        """Those that exist, by id."""
        rows = self._rows(
            'SELECT c."start", c."end", c.page, c.heading, c.text, c.id, c.document, d.name'
            f" FROM chunks c JOIN documents d ON d.id = c.document WHERE c.id {_AMONG}",
            json.dumps(list(ids)),
        )
        return {row["id"]: StoredChunk(*row) for row in rows}

    def vectors(self, ids: Iterable[int]) -> dict[int, Vectors]:
        """Those that exist, by chunk."""
        rows = self._rows(f"SELECT * FROM vectors WHERE chunk {_AMONG}", json.dumps(list(ids)))
        return {row["chunk"]: np.frombuffer(row["vector"], np.float32) for row in rows}

    def vector_blocks(
        self, after: int = 0, among: Collection[str] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        """Ids [n] and vectors [n, d] of the chunks beyond an id, in blocks; among: of these documents."""
        chosen, values = _of_documents("chunk", among)
        with self.read() as db:
            rows = db.execute(
                f"SELECT chunk, vector FROM vectors WHERE chunk > ?{chosen} ORDER BY chunk", [after, *values]
            )
            while block := rows.fetchmany(BLOCK):
                joined = np.frombuffer(b"".join(row["vector"] for row in block), np.float32)
                yield np.array([row["chunk"] for row in block]), joined.reshape(len(block), -1)

    def lexical(
        self, expression: str, limit: int, among: Collection[str] | None = None
    ) -> list[tuple[int, float]]:
        """The chunks that match an FTS5 expression with their BM25, best first; higher is better.

        among: of these documents alone.
        """
        chosen, values = _of_documents("rowid", among)
        rows = self._rows(
            f"SELECT rowid, -bm25(words, 1.0, ?) AS score FROM words WHERE words MATCH ?{chosen}"
            " ORDER BY score DESC, rowid LIMIT ?",
            HEADING_WEIGHT,
            expression,
            *values,
            limit,
        )
        return [(row[0], row[1]) for row in rows]


def _of_documents(column: str, among: Collection[str] | None) -> tuple[str, list[str]]:
    """A condition that a chunk is of these documents, with its values; none for all documents."""
    if among is None:
        return "", []
    return f" AND {column} IN (SELECT id FROM chunks WHERE document {_AMONG})", [json.dumps(list(among))]
