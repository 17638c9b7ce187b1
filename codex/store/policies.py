"""Policies under their versions, and which of them decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from codex.errors import NotFound
from codex.store.activations import Activations
from codex.store.database import Database, Row, rows
from codex.store.rows import in_utc


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A policy that decided on something, or that somebody saved."""

    version: str
    name: str
    created_at: datetime
    """When it was first saved, in UTC."""
    active: bool
    body: str
    """The policy as JSON."""


class Policies:
    """The policies of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.activations = Activations(database, "policy")

    def save(self, version: str, name: str, body: str) -> None:
        """Keep a policy's JSON under its version; a version that is there stays as it is."""
        with self._database.read() as db:
            if rows(db, "SELECT 1 FROM policies WHERE version = ?", [version]):
                return
        with self._database.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO policies VALUES (?, ?, ?, now() AT TIME ZONE 'UTC')",
                [version, name, body],
            )

    def load(self, version: str) -> str:
        """A policy's JSON, as it was saved. Raises NotFound."""
        with self._database.read() as db:
            found = rows(db, "SELECT body FROM policies WHERE version = ?", [version])
        if not found:
            raise NotFound(f"No policy {version!r} is stored.")
        return str(found[0]["body"])

    def activate(self, version: str | None) -> None:
        """Let a saved policy decide; None: that of the settings. Raises NotFound."""
        if version is not None:
            self.load(version)
        with self._database.write() as db:
            self.activations.add(db, version)

    def active(self) -> SavedPolicy | None:
        """The policy that decides; None: that of the settings."""
        return next((policy for policy in self.list() if policy.active), None)

    def list(self) -> list[SavedPolicy]:
        """Every policy, the newest first."""
        active = self.activations.active()
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM policies ORDER BY created_at DESC, version")
        return [_saved(row, active) for row in found]


def _saved(row: Row, active: str | None) -> SavedPolicy:
    return SavedPolicy(
        row["version"], row["name"], in_utc(row["created_at"]), row["version"] == active, row["body"]
    )
