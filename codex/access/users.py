"""Users: a name, a role, a password."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from codex.access.database import Database
from codex.access.passwords import check_password, hashed, matches
from codex.access.roles import ROLES, Principal, Role
from codex.errors import Conflict, InvalidInput, NotFound

_NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in on the pages."""

    name: str
    role: Role
    created_at: datetime

    @property
    def principal(self) -> Principal:
        """Who their requests are from."""
        return Principal(f"user {self.name.casefold()}", self.name, ROLES[self.role])


class Users:
    """The users of a home, by name; upper and lower case are the same name. Raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role, password: str | None) -> User:
        """A new user. password: None signs in by an identity provider alone.

        Raises InvalidInput, Conflict.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name[:70]!r} is no name for a user: begin with a letter or digit, then up to 63 letters, "
                "digits, and . _ @ + -.",
                ["name"],
            )
        _check_role(role)
        if password is not None:
            check_password(password, name)
        hash_ = None if password is None else hashed(password)
        with self._database.transaction() as db:
            if db.execute("SELECT 1 FROM users WHERE name = ?", (name,)).fetchone():
                raise Conflict(f"There is a user {name!r} already.")
            _insert(db, name, role, hash_)
        return self.get(name)

    def list(self) -> Sequence[User]:
        """All of them, by name."""
        return [_user(row) for row in self._database.rows("SELECT * FROM users ORDER BY name")]

    def get(self, name: str) -> User:
        """Raises NotFound."""
        return _user(self._row(name))

    def find(self, name: str) -> User | None:
        """The user of that name, if there is one."""
        rows = self._database.rows("SELECT * FROM users WHERE name = ?", (name,))
        return _user(rows[0]) if rows else None

    def verified(self, name: str, password: str) -> User | None:
        """The user whose password it is; an unknown name takes as long as an incorrect password."""
        rows = self._database.rows("SELECT * FROM users WHERE name = ?", (name,))
        if matches(password, rows[0]["password"] if rows else None):
            return _user(rows[0])
        return None

    def vouched(self, subject: str, name: str, role: Role | None) -> User | None:
        """The user whom an identity provider vouches for; None: nobody let them in.

        subject: who it is, for good. The first time they are the user of that name who has no password, and
        whom nobody else was vouched for; where there is no user of that name, one of this role is made. role:
        None makes none.
        """
        rows = self._database.rows("SELECT * FROM users WHERE subject = ?", (subject,))
        if rows:
            return _user(rows[0])
        with self._database.transaction() as db:
            row = db.execute("SELECT * FROM users WHERE name = ?", (name,)).fetchone()
            if row is None and role is not None and _NAME.fullmatch(name):
                _insert(db, name, role, None)
            elif row is None or row["password"] is not None or row["subject"] is not None:
                return None
            db.execute("UPDATE users SET subject = ? WHERE name = ?", (subject, name))
        return self.find(name)

    def set_role(self, name: str, role: Role) -> User:
        """Raises InvalidInput, NotFound."""
        self._row(name)
        _check_role(role)
        with self._database.transaction() as db:
            db.execute("UPDATE users SET role = ? WHERE name = ?", (role, name))
        return self.get(name)

    def set_password(self, name: str, password: str) -> None:
        """Set another password, and end every sign-in with the old one. Raises InvalidInput, NotFound."""
        self._row(name)
        check_password(password, name)
        hash_ = hashed(password)
        with self._database.transaction() as db:
            db.execute("UPDATE users SET password = ? WHERE name = ?", (hash_, name))
            db.execute("DELETE FROM sign_ins WHERE user = ?", (name,))

    def delete(self, name: str) -> None:
        """Delete a user with their sign-ins. Raises NotFound."""
        self._row(name)
        with self._database.transaction() as db:
            db.execute("DELETE FROM users WHERE name = ?", (name,))

    def _row(self, name: str) -> sqlite3.Row:
        rows = self._database.rows("SELECT * FROM users WHERE name = ?", (name,))
        if not rows:
            raise NotFound(f"There is no user {name!r}; `codex users` lists them.")
        return rows[0]


def _insert(db: sqlite3.Connection, name: str, role: Role, hash_: str | None) -> None:
    now = datetime.now(UTC).isoformat()
    db.execute("INSERT INTO users VALUES (?, ?, ?, NULL, ?)", (name, role, hash_, now))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidInput(f"{role!r} is no role: choose {', '.join(ROLES)}.", ["role"])


def _user(row: sqlite3.Row) -> User:
    return User(row["name"], row["role"], datetime.fromisoformat(row["created_at"]))
