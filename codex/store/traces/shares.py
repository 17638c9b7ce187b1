"""Links under which a single trace can be read by whoever has them.

A link carries a token, of which only the SHA-256 is kept: nobody who reads the database can open a link.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from codex.errors import InvalidInput, NotFound
from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, rows
from codex.text import sha256

TOKEN_BYTES = 24
"""192 random bits: nobody guesses one."""
LONGEST_LABEL = 200
"""Characters of what a link is called."""


@dataclass(frozen=True, slots=True)
class Share:
    """A link to a trace."""

    id: str
    """Names the link where it is listed or revoked; it opens nothing."""
    trace_id: str
    label: str
    """What whoever made it calls it, e.g. for whom it is; "": nothing."""
    created_at: datetime
    """In UTC."""
    revoked_at: datetime | None = None
    """In UTC; None: it can be opened."""


class Shares:
    """The links of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, trace_id: str, label: str = "") -> tuple[Share, str]:
        """A link to a trace, and its token, which is not kept.

        Raises NotFound; InvalidInput where the label is too long.
        """
        label = label.strip()
        if len(label) > LONGEST_LABEL:
            raise InvalidInput(
                f"The label has {len(label)} characters; shorten it to {LONGEST_LABEL}.", ["label"]
            )
        token = secrets.token_urlsafe(TOKEN_BYTES)
        share = Share(uuid.uuid4().hex, trace_id, label, datetime.now(UTC))
        with self._database.write() as db:
            if not rows(db, "SELECT 1 FROM model_inference_events WHERE trace_id = ?", [trace_id]):
                raise NotFound(f"No trace {trace_id!r} is stored.")
            db.execute(
                "INSERT INTO shares VALUES (?, ?, ?, ?, ?, NULL)",
                [share.id, sha256(token), trace_id, label, naive_utc(share.created_at)],
            )
        return share, token

    def list(self, trace_id: str | None = None) -> list[Share]:
        """The links, the newest first, revoked ones too; trace_id: those to one trace."""
        where = "" if trace_id is None else "WHERE trace_id = ?"
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT * FROM shares {where} ORDER BY created_at DESC, id",
                [] if trace_id is None else [trace_id],
            )
        return [_share(row) for row in found]

    def revoke(self, share_id: str) -> None:
        """Close a link for good; one that is closed stays so. Raises NotFound."""
        with self._database.write() as db:
            if not rows(
                db,
                "UPDATE shares SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING id",
                [naive_utc(datetime.now(UTC)), share_id],
            ):
                raise NotFound(f"There is no link {share_id!r}.")

    def trace_of(self, token: str) -> str:
        """The trace that a token opens. Raises NotFound, in the same words whatever the reason."""
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT trace_id FROM shares WHERE token_sha256 = ? AND revoked_at IS NULL",
                [sha256(token)],
            )
        if not found:
            raise NotFound("This link does not exist, or it was revoked.")
        trace_id: str = found[0]["trace_id"]
        return trace_id


def _share(row: Row) -> Share:
    revoked = row["revoked_at"]
    return Share(
        id=row["id"],
        trace_id=row["trace_id"],
        label=row["label"],
        created_at=in_utc(row["created_at"]),
        revoked_at=None if revoked is None else in_utc(revoked),
    )
