"""The tables of the catalogue, and what is read from and written to them within a transaction."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.retrieval.documents import Document
from codex.retrieval.lexical import folded
from codex.retrieval.readers.reading import name_of

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,      -- the system's bytes, which need not be UTF-8
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL DEFAULT 0,
    mtime_ns INTEGER NOT NULL DEFAULT 0,
    sha256 TEXT NOT NULL DEFAULT '',  -- of the file whose text is in the index
    encoding TEXT NOT NULL DEFAULT '',  -- as named by the user; '': detected
    pages INTEGER,
    characters INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    added_at TEXT NOT NULL,
    indexed_at TEXT
);
CREATE INDEX documents_by_sha256 ON documents (sha256) WHERE sha256 != '';
CREATE TABLE texts (document TEXT PRIMARY KEY, text TEXT NOT NULL, page_starts TEXT NOT NULL);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused, so that no vector can be taken for another's
    document TEXT NOT NULL,
    "start" INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    page INTEGER,
    heading TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX chunks_by_document ON chunks (document);
CREATE TABLE vectors (chunk INTEGER PRIMARY KEY, vector BLOB NOT NULL /* float32, unit length */);
CREATE VIRTUAL TABLE words USING fts5 (
    text, heading, tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
"""
UPGRADES = {
    1: "ALTER TABLE documents ADD COLUMN encoding TEXT NOT NULL DEFAULT ''",
    # Version 2 listed the chunks that were still to be written to Chroma, or deleted there, in `outbox`.
    2: """
INSERT INTO meta SELECT 'coverage', json_array(
    '#codex',
    coalesce((SELECT min(chunk) - 1 FROM outbox WHERE NOT "delete"), (SELECT max(id) FROM chunks), 0),
    ''
) FROM meta WHERE key = 'chroma' AND value = 'written';
DROP TABLE outbox;
DELETE FROM meta WHERE key IN ('chroma', 'generation')
""",
}
"""From each older version of the tables to the next."""
VERSION = 3

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells a changed file from an unchanged one without reading it."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Raises OSError."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as the catalogue stores it."""

    document: Document
    stamp: FileStamp
    sha256: str
    encoding: str = ""
    """A codec named by the user; "": detected."""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A passage of a document's text."""

    start: int
    end: int
    page: int | None
    heading: str
    text: str
    id: int = 0
    document: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What was read from a document, ready to be written."""

    text: str
    page_starts: tuple[int, ...]
    note: str
    chunks: Sequence[StoredChunk]
    vectors: Vectors
    """[chunks, d]"""


def document_id(path: Path) -> str:
    """Derived from the path, so that links to a document still work when it is removed and added again."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def delete_content(db: sqlite3.Connection, document_id: str) -> None:
    """Delete what was read from a document, within a transaction."""
    mine = "SELECT id FROM chunks WHERE document = ?"
    db.execute(f"DELETE FROM words WHERE rowid IN ({mine})", [document_id])
    db.execute(f"DELETE FROM vectors WHERE chunk IN ({mine})", [document_id])
    db.execute("DELETE FROM chunks WHERE document = ?", [document_id])
    db.execute("DELETE FROM texts WHERE document = ?", [document_id])
    db.execute(
        "UPDATE documents SET sha256 = '', pages = NULL, characters = 0, chunks = 0, indexed_at = NULL"
        " WHERE id = ?",
        [document_id],
    )


def register(
    db: sqlite3.Connection, path: Path, stamp: FileStamp, reason: str, encoding: str | None = None
) -> str:
    """Add a file within a transaction; returns its id. An indexed, unchanged one stays as it is.

    encoding: a codec, "" to detect it; None: unchanged.
    """
    id_ = document_id(path)
    db.execute(
        "INSERT INTO documents (id, path, name, state, added_at) VALUES (?, ?, ?, 'waiting', ?)"
        " ON CONFLICT DO NOTHING",
        [id_, os.fsencode(path), name_of(path), now()],
    )
    if reason:
        mark_skipped(db, id_, reason, stamp)
        return id_
    if encoding is not None:
        db.execute(
            "UPDATE documents SET state = 'waiting', reason = '', sha256 = '', encoding = ?1"
            " WHERE id = ?2 AND encoding != ?1",
            [encoding, id_],
        )
    db.execute(
        "UPDATE documents SET state = 'waiting', reason = '', size = ?1, mtime_ns = ?2"
        " WHERE id = ?3 AND NOT (state = 'indexed' AND size = ?1 AND mtime_ns = ?2)",
        [stamp.size, stamp.mtime_ns, id_],
    )
    return id_


def mark_skipped(db: sqlite3.Connection, document_id: str, reason: str, stamp: FileStamp) -> None:
    """Record within a transaction that the file cannot be read; what was read from it before is deleted."""
    delete_content(db, document_id)
    db.execute(
        "UPDATE documents SET state = 'skipped', reason = ?, size = ?, mtime_ns = ? WHERE id = ?",
        [reason, stamp.size, stamp.mtime_ns, document_id],
    )


def mark_unchanged(db: sqlite3.Connection, document_id: str, stamp: FileStamp) -> None:
    """Record within a transaction that the file was touched, but its content is what is in the index."""
    db.execute(
        "UPDATE documents SET state = 'indexed', size = ?, mtime_ns = ? WHERE id = ?",
        [stamp.size, stamp.mtime_ns, document_id],
    )


def is_current(db: sqlite3.Connection, document_id: str, stamp: FileStamp) -> bool:
    """Whether the document exists and still has this stamp."""
    row = db.execute("SELECT size, mtime_ns FROM documents WHERE id = ?", [document_id]).fetchone()
    return row is not None and FileStamp(row["size"], row["mtime_ns"]) == stamp


def write_content(
    db: sqlite3.Connection, document_id: str, content: Content, stamp: FileStamp, sha256: str
) -> None:
    """Replace the content of a document, within a transaction."""
    delete_content(db, document_id)
    db.execute(
        "INSERT INTO texts VALUES (?, ?, ?)", [document_id, content.text, json.dumps(content.page_starts)]
    )
    for chunk, vector in zip(content.chunks, content.vectors, strict=True):
        id_ = db.execute(
            'INSERT INTO chunks (document, "start", "end", page, heading, text) VALUES (?, ?, ?, ?, ?, ?)',
            [document_id, chunk.start, chunk.end, chunk.page, chunk.heading, chunk.text],
        ).lastrowid
        db.execute("INSERT INTO vectors VALUES (?, ?)", [id_, np.asarray(vector, np.float32).tobytes()])
        db.execute(
            "INSERT INTO words (rowid, text, heading) VALUES (?, ?, ?)",
            [id_, folded(chunk.text), folded(chunk.heading)],
        )
    db.execute(
        "UPDATE documents SET state = 'indexed', reason = ?, size = ?, mtime_ns = ?, sha256 = ?, pages = ?,"
        " characters = ?, chunks = ?, indexed_at = ? WHERE id = ?",
        [
            content.note,
            stamp.size,
            stamp.mtime_ns,
            sha256,
            len(content.page_starts) or None,
            len(content.text),
            len(content.chunks),
            now(),
            document_id,
        ],
    )


def content_of(db: sqlite3.Connection, document: sqlite3.Row) -> Content:
    text = db.execute("SELECT * FROM texts WHERE document = ?", [document["id"]]).fetchone()
    rows = db.execute(
        "SELECT c.*, v.vector FROM chunks c JOIN vectors v ON v.chunk = c.id"
        " WHERE c.document = ? ORDER BY c.id",
        [document["id"]],
    ).fetchall()
    return Content(
        text["text"],
        tuple(json.loads(text["page_starts"])),
        document["reason"],
        [StoredChunk(row["start"], row["end"], row["page"], row["heading"], row["text"]) for row in rows],
        np.stack([np.frombuffer(row["vector"], np.float32) for row in rows]),
    )


def entry_of(row: sqlite3.Row) -> Entry:
    indexed_at = row["indexed_at"]
    document = Document(
        id=row["id"],
        name=row["name"],
        path=Path(os.fsdecode(row["path"])),
        state=row["state"],
        reason=row["reason"],
        size=row["size"],
        pages=row["pages"],
        characters=row["characters"],
        chunks=row["chunks"],
        added_at=datetime.fromisoformat(row["added_at"]),
        indexed_at=datetime.fromisoformat(indexed_at) if indexed_at else None,
    )
    return Entry(document, FileStamp(row["size"], row["mtime_ns"]), row["sha256"], row["encoding"])


def now() -> str:
    return datetime.now(UTC).isoformat()
