"""Sessions: the list of them, and the traces of one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from codex.errors import NotFound
from codex.store.codec.columns import in_utc
from codex.store.database.file import Database, Row, rows
from codex.types import Action, Confidence, Gate

TITLE_CHARACTERS = 127
"""How much of an answer stands in for a question that was not kept."""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One line of the list of sessions."""

    id: str
    title: str
    """The start of its first question, or of its first answer where the question was not kept."""
    created_at: datetime
    last_used_at: datetime
    questions: int
    """Branches are not counted."""
    last_action: Action


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line of a session: the trace as its last step left it."""

    id: str
    created_at: datetime
    question: str | None
    """The question or its first 127 characters; None where only the SHA-256 was kept."""
    question_sha256: str
    answer: str
    """What was said to the user."""
    model_answer: str
    """What the model wrote."""
    gate: Gate
    action: Action
    confidence: Confidence
    parent_id: str | None
    correct: bool | None
    """What a person said of the answer; None: nobody has."""
    follows: str | None = None
    """The trace whose answer it follows up."""


class Sessions:
    """The sessions of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def traces(self, session_id: str) -> list[TraceSummary]:
        """The traces of a session, oldest first. Raises NotFound."""
        with self._database.read() as db:
            found = rows(
                db,
                """
                SELECT e.*, l.correct
                FROM model_inference_events e
                LEFT JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id
                WHERE e.session_id = ? AND e.ends_trace
                ORDER BY e.event_id
                """,
                [session_id],
            )
        if not found:
            raise NotFound(f"No session {session_id!r} is stored.")
        return [_summary(row) for row in found]

    def list(self, limit: int = 50, offset: int = 0) -> list[SessionSummary]:
        """The sessions, most recently used first."""
        with self._database.read() as db:
            found = rows(
                db,
                """
                SELECT s.id, s.created_at,
                       arg_min(coalesce(e.question_preview, left(e.answer, ?)), e.event_id) AS title,
                       max(e.created_at) AS last_used_at,
                       count(DISTINCT e.trace_id) FILTER (e.parent_trace_id IS NULL) AS questions,
                       arg_max(e.action, e.event_id) AS last_action
                FROM sessions s JOIN model_inference_events e ON e.session_id = s.id
                GROUP BY s.id, s.created_at
                ORDER BY max(e.event_id) DESC LIMIT ? OFFSET ?
                """,
                [TITLE_CHARACTERS, limit, offset],
            )
        return [
            SessionSummary(
                id=row["id"],
                title=row["title"],
                created_at=in_utc(row["created_at"]),
                last_used_at=in_utc(row["last_used_at"]),
                questions=row["questions"],
                last_action=Action(row["last_action"]),
            )
            for row in found
        ]


def _summary(row: Row) -> TraceSummary:
    question: Any = row["question"] if row["question"] is not None else row["question_preview"]
    return TraceSummary(
        id=row["trace_id"],
        created_at=in_utc(row["created_at"]),
        question=question,
        question_sha256=row["question_sha256"],
        answer=row["reply"],
        model_answer=row["answer"],
        gate=Gate(row["gate"]),
        action=Action(row["action"]),
        confidence=Confidence(row["confidence"], row["calibrated"], row["familiarity"]),
        parent_id=row["parent_trace_id"],
        correct=row["correct"],
        follows=(json.loads(row["params"]).get("conversation") or {}).get("follows"),
    )
