"""Policies under their versions, and which of them decides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from codex.errors import Conflict, InvalidInput, NotFound
from codex.store.codec.columns import in_utc
from codex.store.database.file import Database, Row, rows
from codex.store.names import checked_name, titled
from codex.store.versions.activations import Activation, Activations

UNSAVED = "moved"
"""The name of thresholds that nobody has named: they are kept for the answers that they decided on."""
DELETED = ""
"""The name of a policy that was deleted and that stored answers were decided by: only its body is kept."""


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A policy that decided on something, or that somebody saved."""

    version: str
    name: str
    """What people call it; at first that of its version."""
    created_at: datetime
    """When it was first saved, in UTC."""
    active: bool
    body: str
    """The policy as JSON."""

    @property
    def title(self) -> str:
        """Its version, after its name where it was renamed."""
        return titled(self.name, self.version)

    def rests_on(self, key: str) -> str | None:
        """The calibrator or the run, by `key`, that its guarantee was proven with; None: no guarantee."""
        body = json.loads(self.body)
        guarantee = body.get("guarantee") or body.get("promise")  # as it was called before
        return guarantee[key] if guarantee else None


class Policies:
    """The policies of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.activations = Activations(database, "policy")

    def save(self, version: str, name: str, body: str) -> None:
        """Keep a policy's JSON under its version; a version that is there stays as it is."""
        with self._database.read() as db:
            found = rows(db, "SELECT name FROM policies WHERE version = ?", [version])
        if found and found[0]["name"] != DELETED:
            return
        with self._database.write() as db:
            db.execute(
                "INSERT INTO policies VALUES (?, ?, ?, now() AT TIME ZONE 'UTC')"
                " ON CONFLICT DO UPDATE SET name = excluded.name WHERE policies.name = ?",
                [version, name, body, DELETED],
            )

    def load(self, version: str) -> str:
        """A policy's JSON, as it was saved, also of one that was deleted. Raises NotFound."""
        with self._database.read() as db:
            found = rows(db, "SELECT body FROM policies WHERE version = ?", [version])
        if not found:
            raise _not_found(version)
        return str(found[0]["body"])

    def get(self, version: str) -> SavedPolicy:
        """A policy that is listed. Raises NotFound."""
        for policy in self.list():
            if policy.version == version:
                return policy
        raise _not_found(version)

    def rename(self, version: str, name: str) -> None:
        """Call a policy something else; its version stays. Raises NotFound, InvalidInput."""
        self.get(version)
        name = policy_name(name)
        with self._database.write() as db:
            db.execute("UPDATE policies SET name = ? WHERE version = ?", [name, version])

    def activate(self, version: str | None) -> None:
        """Let a saved policy decide; None: that of the settings. Raises NotFound."""
        if version is not None:
            self.get(version)
        with self._database.write() as db:
            self.activations.add(db, version)

    def active(self) -> SavedPolicy | None:
        """The policy that decides; None: that of the settings."""
        return next((policy for policy in self.list() if policy.active), None)

    def rollback(self) -> SavedPolicy | None:
        """Undo the last activation; returns the policy that is active now. Raises Conflict."""
        self.activations.undo()
        return self.active()

    def history(self) -> list[Activation]:
        """What was activated, the newest first."""
        return self.activations.history()

    def delete(self, version: str) -> None:
        """Delete one, and take back what activated it. Raises NotFound; Conflict when it is active.

        Where stored answers were decided by it, its body is kept for them.
        """
        saved = self.get(version)
        if saved.active:
            raise Conflict(f"{saved.title} is active: activate another policy, and then delete it.")
        with self._database.write() as db:
            used = "SELECT 1 FROM model_inference_events WHERE policy = ? LIMIT 1"
            if rows(db, used, [version]):
                db.execute("UPDATE policies SET name = ? WHERE version = ?", [DELETED, version])
            else:
                db.execute("DELETE FROM policies WHERE version = ?", [version])
            self.activations.forget(db, version)

    def list(self) -> list[SavedPolicy]:
        """Every policy that has a name and was not deleted, the newest first."""
        active = self.activations.active()
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT * FROM policies WHERE name NOT IN (?, ?) ORDER BY created_at DESC, version",
                [DELETED, UNSAVED],
            )
        return [_saved(row, active) for row in found]


def policy_name(name: str) -> str:
    """A name that a person gives to a policy, as it is kept. Raises InvalidInput."""
    if (name := checked_name(name, "policy")) == UNSAVED:
        raise InvalidInput(f"{UNSAVED!r} is the name of unsaved thresholds; choose another one.", ["name"])
    return name


def _not_found(version: str) -> NotFound:
    return NotFound(f"No policy {version!r} is stored; `codex policies` lists them.")


def _saved(row: Row, active: str | None) -> SavedPolicy:
    return SavedPolicy(
        row["version"], row["name"], in_utc(row["created_at"]), row["version"] == active, row["body"]
    )
