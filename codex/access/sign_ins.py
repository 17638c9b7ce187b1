"""Sign-ins: a browser's cookie holds a random token, of which the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

from codex.access.database import Database
from codex.access.users import User, Users

IDLE_SECONDS = 12 * 3600.0
"""A sign-in that is not used for so long ends,"""
LONGEST_SECONDS = 7 * 24 * 3600.0
"""and each after so long."""
_SEEN_EACH = 60.0
"""Seconds between two writes of when it was last used."""
_DEVICE = "device"


class SignIns:
    """The sign-ins of a home. Raises StoreError."""

    def __init__(self, database: Database, users: Users, now: Callable[[], datetime]) -> None:
        self._database, self._users, self._now = database, users, now

    def start(self, user: User) -> str:
        """Sign a user in; what the cookie is to hold."""
        token, at = secrets.token_urlsafe(32), self._now().timestamp()
        with self._database.transaction() as db:
            db.execute("DELETE FROM sign_ins WHERE created_at < ?", (at - LONGEST_SECONDS,))
            db.execute("INSERT INTO sign_ins VALUES (?, ?, ?, ?)", (_digest(token), user.name, at, at))
        return token

    def user(self, token: str) -> User | None:
        """Who signed in; None: nobody, or it has ended."""
        rows = self._database.rows("SELECT * FROM sign_ins WHERE token = ?", (_digest(token),))
        if not rows:
            return None
        at, row = self._now().timestamp(), rows[0]
        if at - row["seen_at"] > IDLE_SECONDS or at - row["created_at"] > LONGEST_SECONDS:
            self.end(token)
            return None
        if at - row["seen_at"] > _SEEN_EACH:
            with self._database.transaction() as db:
                db.execute("UPDATE sign_ins SET seen_at = ? WHERE token = ?", (at, row["token"]))
        return self._users.find(row["user"])

    def end(self, token: str) -> None:
        """Sign out."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM sign_ins WHERE token = ?", (_digest(token),))

    def device(self, user: User) -> str:
        """What a browser keeps after it signed a user in: by it a guesser elsewhere is told from the user."""
        return self._signature(user.name)

    def knows(self, device: str, name: str) -> bool:
        """Whether a browser has signed in as this user before."""
        return bool(device) and hmac.compare_digest(
            device.encode("utf-8", "replace"), self._signature(name).encode()
        )

    def _signature(self, name: str) -> str:
        known = name.casefold().encode("utf-8", "surrogatepass")
        return hmac.new(self._key(), known, hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        rows = self._database.rows("SELECT value FROM secrets WHERE name = ?", (_DEVICE,))
        if not rows:
            with self._database.transaction() as db:
                db.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (_DEVICE, secrets.token_bytes(32)))
            return self._key()
        return bytes(rows[0]["value"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
