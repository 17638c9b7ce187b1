"""Calibrators under their versions, and which of them is active."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from codex.errors import Conflict, NotFound
from codex.store.codec.columns import in_utc
from codex.store.database.file import Database, Row, rows
from codex.store.names import checked_name, titled
from codex.store.versions.activations import Activation, Activations


@dataclass(frozen=True, slots=True)
class SavedCalibrator:
    """A calibrator as it was saved."""

    version: str
    name: str
    """What people call it; at first that of its version."""
    created_at: datetime
    """In UTC."""
    active: bool
    body: str
    """The calibrator as JSON."""
    run_id: str | None
    """The run it was fit on, the first of several; None: it came from a file."""

    @property
    def title(self) -> str:
        """Its version, after its name where it was renamed."""
        return titled(self.name, self.version)


class Calibrators:
    """The calibrators of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.activations = Activations(database, "calibrator")

    def save(self, version: str, name: str, body: str, run_id: str | None = None) -> None:
        """Keep a calibrator's JSON under its version; a version that is there stays as it is."""
        with self._database.write() as db:
            db.execute(
                "INSERT OR IGNORE INTO calibrators VALUES (?, ?, ?, ?, now() AT TIME ZONE 'UTC')",
                [version, name, body, run_id],
            )

    def load(self, version: str) -> SavedCalibrator:
        """A calibrator by its version. Raises NotFound."""
        for calibrator in self.list():
            if calibrator.version == version:
                return calibrator
        raise NotFound(f"No calibrator {version!r} is stored; `codex calibrators` lists them.")

    def rename(self, version: str, name: str) -> None:
        """Call a calibrator something else; its version stays. Raises NotFound, InvalidInput."""
        self.load(version)
        with self._database.write() as db:
            db.execute(
                "UPDATE calibrators SET name = ? WHERE version = ?",
                [checked_name(name, "calibrator"), version],
            )

    def activate(self, version: str | None) -> None:
        """Activate a calibrator; None: none, so that confidences are estimated. Raises NotFound."""
        if version is not None:
            self.load(version)
        with self._database.write() as db:
            self.activations.add(db, version)

    def active(self) -> SavedCalibrator | None:
        """The active calibrator."""
        return next((calibrator for calibrator in self.list() if calibrator.active), None)

    def rollback(self) -> SavedCalibrator | None:
        """Undo the last activation; returns the calibrator that is active now. Raises Conflict."""
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
                f"{saved.title} is active: activate another calibrator, or none, and then delete it."
            )
        with self._database.write() as db:
            db.execute("DELETE FROM calibrators WHERE version = ?", [version])
            self.activations.forget(db, version)

    def list(self) -> list[SavedCalibrator]:
        """Every calibrator, the newest first."""
        active = self.activations.active()
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM calibrators ORDER BY created_at DESC, version")
        return [_saved(row, active) for row in found]


def _saved(row: Row, active: str | None) -> SavedCalibrator:
    return SavedCalibrator(
        row["version"],
        row["name"],
        in_utc(row["created_at"]),
        row["version"] == active,
        row["body"],
        row["run_id"],
    )
