"""The SQLite file that holds users, keys, sign-ins and the audit log; a command may write beside a server."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from codex.errors import StoreError
from codex.private import make_folder, opener

FILE = "access.sqlite"
"""In the home."""
BUSY_SECONDS = 10.0
VERSION = 1
SCHEMA = """
CREATE TABLE users (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL,
    password TEXT,                    -- an argon2id hash; NULL: signs in by an identity provider alone
    subject TEXT UNIQUE,              -- issuer and subject of a user whom a provider vouched for
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret TEXT NOT NULL,             -- an argon2id hash
    scopes TEXT NOT NULL,             -- separated by spaces
    created_at TEXT NOT NULL,
    expires_at TEXT,                  -- NULL: never
    revoked_at TEXT
) STRICT;
CREATE TABLE sign_ins (
    token TEXT PRIMARY KEY,           -- SHA-256 of what the cookie holds
    user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE ON UPDATE CASCADE,
    created_at REAL NOT NULL,         -- Unix seconds
    seen_at REAL NOT NULL
) STRICT;
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome INTEGER NOT NULL,         -- the HTTP status
    hash TEXT NOT NULL                -- SHA-256 of the entry before it and this one
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""


class Database:
    """The file, made when it is first written to. Thread-safe and process-safe.

    Every method raises StoreError where it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def copy_to(self, path: Path) -> None:
        """Copy what is committed into a new file, but for sign-ins."""
        try:
            with open(path, "xb", opener=opener):
                pass
            with self._lock, contextlib.closing(sqlite3.connect(path)) as copy:
                self._opened().backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                copy.execute("DELETE FROM sign_ins")
                copy.commit()
                copy.execute("VACUUM")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The whole block, or nothing."""
        try:
            with self._lock:
                db = self._opened()
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                finally:
                    if db.in_transaction:
                        db.rollback()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """What a query finds; nothing where there is no file."""
        if not self.exists:
            return []
        try:
            with self._lock:
                return self._opened().execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            make_folder(self.path.parent)
            with open(self.path, "ab", opener=opener):
                pass
            db = sqlite3.connect(self.path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                db.row_factory = sqlite3.Row
                db.executescript(
                    "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                )
                self._make(db)
            except BaseException:
                db.close()
                raise
            self._connection = db
        return self._connection

    def _make(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            db.rollback()
            raise StoreError(f"{self.path} is of a newer Codex: update this one.")
        if version < VERSION:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        else:
            db.rollback()

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path} cannot be read or written: {error}. Free some disk space, fix its permissions, or "
            "restore it from a backup."
        )
