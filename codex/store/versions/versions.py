"""What was fitted to a model's answers, under its versions, and which of each kind is active."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from codex.errors import Conflict, NotFound
from codex.store.codec.columns import in_utc
from codex.store.database.file import Database, Row, rows
from codex.store.names import checked_name, titled
from codex.store.versions.activations import Activation, Activations, FittedKind


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """A calibrator, a set of probes or a verifier as it was saved."""

    version: str
    name: str
    """What people call it; at first that of its version."""
    created_at: datetime
    """In UTC."""
    active: bool
    body: str
    """What it is, as JSON."""
    run_id: str | None
    """The run it was fitted on, the first of several; None: it came from a file."""

    @property
    def title(self) -> str:
        """Its version, after its name where it was renamed."""
        return titled(self.name, self.version)


class Versions:
    """Those of one kind in a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database, kind: FittedKind) -> None:
        self._database = database
        self._kind = kind
        self._table = f"{kind}s"
        self.activations = Activations(database, kind)

    def save(self, version: str, name: str, body: str, run_id: str | None = None) -> None:
        """Keep its JSON under its version; a version that is there stays as it is."""
        with self._database.write() as db:
            db.execute(
                f"INSERT OR IGNORE INTO {self._table} VALUES (?, ?, ?, ?, now() AT TIME ZONE 'UTC')",
                [version, name, body, run_id],
            )

    def load(self, version: str) -> SavedVersion:
        """One by its version. Raises NotFound."""
        for saved in self.list():
            if saved.version == version:
                return saved
        raise NotFound(f"No {self._kind} {version!r} is stored; `codex {self._table}` lists them.")

    def rename(self, version: str, name: str) -> None:
        """Call one something else; its version stays. Raises NotFound, InvalidInput."""
        self.load(version)
        with self._database.write() as db:
            db.execute(
                f"UPDATE {self._table} SET name = ? WHERE version = ?",
                [checked_name(name, self._kind), version],
            )

    def activate(self, version: str | None) -> None:
        """Activate one; None: none of the kind. Raises NotFound."""
        if version is not None:
            self.load(version)
        with self._database.write() as db:
            self.activations.add(db, version)

    def active(self) -> SavedVersion | None:
        """The active one."""
        return next((saved for saved in self.list() if saved.active), None)

    def rollback(self) -> SavedVersion | None:
        """Undo the last activation; returns what is active now. Raises Conflict."""
        self.activations.undo()
        return self.active()

    def history(self) -> list[Activation]:
        """What was activated, the newest first."""
        return self.activations.history()

    def delete(self, version: str) -> None:
        """Delete one, and take back what activated it. Raises NotFound; Conflict when it is active."""
        saved = self.load(version)
        if saved.active:
            raise Conflict(
                f"{saved.title} is active: activate another {self._kind}, or none, and then delete it."
            )
        with self._database.write() as db:
            db.execute(f"DELETE FROM {self._table} WHERE version = ?", [version])
            self.activations.forget(db, version)

    def list(self) -> list[SavedVersion]:
        """Every one, the newest first."""
        active = self.activations.active()
        with self._database.read() as db:
            found = rows(db, f"SELECT * FROM {self._table} ORDER BY created_at DESC, version")
        return [_saved(row, active) for row in found]


def _saved(row: Row, active: str | None) -> SavedVersion:
    return SavedVersion(
        row["version"],
        row["name"],
        in_utc(row["created_at"]),
        row["version"] == active,
        row["body"],
        row["run_id"],
    )
