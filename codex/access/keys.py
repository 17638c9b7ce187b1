"""API keys: shown once, stored as a hash, each with its scopes and an end."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from codex.access.database import Database
from codex.access.passwords import hashed, matches
from codex.access.roles import SCOPES, Principal, Scope
from codex.errors import InvalidInput, NotFound

PREFIX = "codex"
MOST_REMEMBERED = 10_000
"""Keys that were found correct and need not be hashed again."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; the key itself is not."""

    id: str
    """The part of the key that is no secret."""
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    """None: never."""
    revoked_at: datetime | None

    @property
    def principal(self) -> Principal:
        """Who its requests are from."""
        return Principal(f"key {self.id}", self.name, self.scopes)

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys:
    """The keys of a home. Raises StoreError. Thread-safe.

    A key is `codex_ID_SECRET`. Of one that was found correct a keyed digest is remembered, since argon2
    takes a tenth of a second and 64 MiB on purpose; whether it still holds is read each time.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now
        self._pepper = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._known: dict[str, bytes] = {}
        """The digest of a correct key, by its id."""

    def create(
        self, name: str, scopes: Collection[str], expires_at: datetime | None = None
    ) -> tuple[Key, str]:
        """A new key, and what to send as it: it cannot be read again. Raises InvalidInput."""
        name = name.strip()
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise InvalidInput("Name the key after who uses it, in 1 to 100 characters.", ["name"])
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            what = f"{unknown[0]!r} is no scope" if unknown else "A key needs a scope"
            raise InvalidInput(f"{what}: choose among {', '.join(SCOPES)}.", ["scopes"])
        if expires_at is not None and expires_at <= self._now():
            raise InvalidInput("The key would have expired already: choose a later end.", ["expires_at"])
        id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        hash_ = hashed(secret)
        written = (
            *(id_, name, hash_, " ".join(sorted(scopes)), self._now().isoformat()),
            expires_at.astimezone(UTC).isoformat() if expires_at else None,
        )
        with self._database.transaction() as db:
            db.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL)", written)
        return self.get(id_), f"{PREFIX}_{id_}_{secret}"

    def list(self) -> Sequence[Key]:
        """All of them, the newest first, also those that hold no more."""
        return [_key(row) for row in self._database.rows("SELECT * FROM keys ORDER BY created_at DESC, id")]

    def get(self, id_: str) -> Key:
        """Raises NotFound."""
        rows = self._database.rows("SELECT * FROM keys WHERE id = ?", (id_,))
        if not rows:
            raise NotFound(f"There is no key {id_!r}; `codex keys` lists them.")
        return _key(rows[0])

    def revoke(self, id_: str) -> None:
        """Refuse a key from now on; once revoked it stays so. Raises NotFound."""
        self.get(id_)
        with self._database.transaction() as db:
            db.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
                (self._now().isoformat(), id_),
            )
        with self._lock:
            self._known.pop(id_, None)

    def verified(self, sent: str) -> Key | None:
        """The key that was sent, if it holds."""
        prefix, _, rest = sent.partition("_")
        id_, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret or len(sent) > 200:
            return None
        rows = self._database.rows("SELECT * FROM keys WHERE id = ?", (id_,))
        key = _key(rows[0]) if rows else None
        if key is None or not key.holds(self._now()):
            return None
        digest = hmac.digest(self._pepper, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
        with self._lock:
            known = self._known.get(id_)
        if known is not None and hmac.compare_digest(known, digest):
            return key
        if not matches(secret, rows[0]["secret"]):
            return None
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[id_] = digest
        return key


def _key(row: sqlite3.Row) -> Key:
    return Key(
        row["id"],
        row["name"],
        frozenset(row["scopes"].split()),
        datetime.fromisoformat(row["created_at"]),
        _moment(row["expires_at"]),
        _moment(row["revoked_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
