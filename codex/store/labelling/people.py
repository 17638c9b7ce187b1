"""Answers that people gave to questions.

What is kept of a question follows whose its text is. A text that the author typed is the author's, and is
kept. The text of somebody's question is kept only where it was stored in full; else the answer is known by
the SHA-256 of the question alone, and no vector is kept, since a vector tells much of its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from codex.errors import InvalidInput, NotFound
from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, rows
from codex.store.labelling.labels import LONGEST, LONGEST_NAME

Vector = NDArray[np.float32]
LONGEST_SOURCE = 1_000
"""Characters of what an answer rests on."""


@dataclass(frozen=True, slots=True)
class PersonsAnswer:
    """What one person answers to a question."""

    id: str
    question: str | None
    """None: only its SHA-256 was kept, so that the answer is given to the same question alone."""
    question_sha256: str
    """Of the normalised question where its text was known, else of the question as it was asked."""
    answer: str
    author: str
    source: str
    """What it rests on, in the author's words; may be empty."""
    trace_id: str | None
    """The answer that was left to a person; None: the question was written by the author."""
    typed: bool
    """Whether the author typed the question."""
    made_at: datetime
    """In UTC, as the others."""
    edited_at: datetime | None = None
    expires_at: datetime | None = None
    """From then on it is given no more; None: it does not expire."""
    withdrawn_at: datetime | None = None

    def is_given(self, now: datetime) -> bool:
        """Whether it is given to who asks: neither withdrawn nor expired."""
        return self.withdrawn_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that Codex did not answer, and nobody else has."""

    trace_id: str
    question: str
    answer: str
    """What the model wrote."""
    action: str
    asked_at: datetime


class People:
    """The answers of people in a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, given: PersonsAnswer, vector: Vector | None) -> PersonsAnswer:
        """Keep a new answer. vector: of its question.

        Raises InvalidInput; NotFound where the trace has been deleted, whose question would stay with it.
        """
        kept = checked(given)
        with self._database.write() as db:
            if not kept.typed and not rows(db, "SELECT 1 FROM traces WHERE id = ?", [kept.trace_id]):
                raise NotFound(f"No trace {kept.trace_id!r} is stored.")
            _insert(db, [(kept, vector)])
        return kept

    def add_all(self, given: Iterable[tuple[PersonsAnswer, Vector | None]]) -> None:
        """Keep many answers at once. Raises InvalidInput."""
        with self._database.write() as db:
            _insert(db, [(checked(each), vector) for each, vector in given])

    def get(self, answer_id: str) -> PersonsAnswer:
        """An answer by its id. Raises NotFound."""
        with self._database.read() as db:
            found = rows(db, f"SELECT {_COLUMNS} FROM people_answers WHERE id = ?", [answer_id])
        if not found:
            raise NotFound(f"There is no person's answer {answer_id!r}: it was deleted, or never there.")
        return _answer(found[0])

    def list(self, limit: int = 200, offset: int = 0) -> list[PersonsAnswer]:
        """Every answer, the newest first, also those that are withdrawn or have expired."""
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT {_COLUMNS} FROM people_answers ORDER BY made_at DESC, id LIMIT ? OFFSET ?",
                [limit, offset],
            )
        return [_answer(row) for row in found]

    def change(self, changed: PersonsAnswer) -> PersonsAnswer:
        """Keep an answer, its author, source, expiry and withdrawal as they are now.

        Raises NotFound, InvalidInput.
        """
        kept = checked(changed)
        with self._database.write() as db:
            found = rows(
                db,
                "UPDATE people_answers SET answer = ?, author = ?, source = ?, edited_at = ?, expires_at = ?,"
                " withdrawn_at = ? WHERE id = ? RETURNING id",
                [
                    *(kept.answer, kept.author, kept.source, *map(_naive, _moments(kept)[1:])),
                    kept.id,
                ],
            )
        if not found:
            raise NotFound(f"There is no person's answer {kept.id!r}: it was deleted, or never there.")
        return kept

    def delete(self, answer_id: str) -> None:
        """Delete an answer for good. Raises NotFound."""
        with self._database.write() as db:
            if not rows(db, "DELETE FROM people_answers WHERE id = ? RETURNING id", [answer_id]):
                raise NotFound(f"There is no person's answer {answer_id!r}: it was deleted, or never there.")

    def standing(self) -> Iterable[tuple[PersonsAnswer, Vector | None]]:
        """Every answer that is not withdrawn, with the vector of its question."""
        with self._database.read() as db:
            found = rows(db, f"SELECT {_COLUMNS}, vector FROM people_answers WHERE withdrawn_at IS NULL")
        for row in found:
            kept = row["vector"]
            yield _answer(row), None if kept is None else np.frombuffer(kept, "<f4")

    def without_question(self) -> Sequence[PersonsAnswer]:
        """The answers of which only the SHA-256 of the question is kept."""
        with self._database.read() as db:
            found = rows(db, f"SELECT {_COLUMNS} FROM people_answers WHERE question IS NULL")
        return [_answer(row) for row in found]

    def keep_vectors(self, vectors: Iterable[tuple[str, Vector]]) -> None:
        """Keep the vectors of questions that are kept, by the ids of their answers."""
        values = [[vector.astype("<f4").tobytes(), answer_id] for answer_id, vector in vectors]
        if values:
            with self._database.write() as db:
                db.executemany(
                    "UPDATE people_answers SET vector = ? WHERE id = ? AND question IS NOT NULL", values
                )

    def open_questions(self, limit: int = 50) -> Sequence[OpenQuestion]:
        """What was left to a person or withheld and nobody has answered, the newest first.

        Only questions of which all of the text was kept.
        """
        with self._database.read() as db:
            found = rows(
                db,
                """
                SELECT e.trace_id, e.whole AS question, e.answer, e.action, e.created_at FROM (
                    SELECT *, coalesce(question, CASE WHEN length(question_preview) < 127
                                                      THEN question_preview END) AS whole
                    FROM model_inference_events WHERE ends_trace
                ) e
                WHERE e.action IN ('defer', 'abstain') AND e.whole IS NOT NULL
                  AND json_extract_string(e.params, '$.person') IS NULL AND e.parent_trace_id IS NULL
                  AND e.whole NOT IN (SELECT question FROM people_answers
                                         WHERE question IS NOT NULL AND withdrawn_at IS NULL
                                         AND (expires_at IS NULL OR expires_at > ?))
                QUALIFY row_number() OVER (PARTITION BY e.question_sha256 ORDER BY e.event_id DESC) = 1
                ORDER BY e.event_id DESC LIMIT ?
                """,
                [naive_utc(datetime.now(UTC)), limit],
            )
        return [
            OpenQuestion(
                row["trace_id"], row["question"], row["answer"], row["action"], in_utc(row["created_at"])
            )
            for row in found
        ]


def checked(given: PersonsAnswer) -> PersonsAnswer:
    """An answer as it is kept, without spaces around its texts. Raises InvalidInput."""
    for name, most in (("answer", LONGEST), ("author", LONGEST_NAME), ("source", LONGEST_SOURCE)):
        text = getattr(given, name)
        if len(text) > most:
            raise InvalidInput(f"The {name} is longer than {most:,} characters: shorten it.", [name])
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise InvalidInput(f"The {name} holds half a character (a lone surrogate).", [name])
    for name, what in (("answer", "an answer"), ("author", "the name of who answers")):
        if not getattr(given, name).strip():
            raise InvalidInput(f"It needs {what}.", [name])
    return replace(
        given,
        answer=given.answer.strip(),
        author=" ".join(given.author.split()),
        source=given.source.strip(),
    )


_COLUMNS = (
    "id, question, question_sha256, answer, author, source, trace_id, typed, made_at, edited_at, expires_at,"
    " withdrawn_at"
)


def _insert(db: duckdb.DuckDBPyConnection, given: list[tuple[PersonsAnswer, Vector | None]]) -> None:
    columns = [*_COLUMNS.split(", "), "vector"]
    with db.appender("people_answers", columns=columns) as appender:
        appender.append_rows(
            [
                (
                    *(each.id, each.question, each.question_sha256, each.answer, each.author, each.source),
                    *(each.trace_id, each.typed, *map(_naive, _moments(each))),
                    None if vector is None else vector.astype("<f4").tobytes(),
                )
                for each, vector in given
            ]
        )


def _moments(given: PersonsAnswer) -> tuple[datetime, datetime | None, datetime | None, datetime | None]:
    return given.made_at, given.edited_at, given.expires_at, given.withdrawn_at


def _naive(at: datetime | None) -> datetime | None:
    return None if at is None else naive_utc(at.astimezone(UTC))


def _answer(row: Row) -> PersonsAnswer:
    told: Any = {name: row[name] for name in _COLUMNS.split(", ")}
    moments = ("made_at", "edited_at", "expires_at", "withdrawn_at")
    return PersonsAnswer(
        **told | {name: None if row[name] is None else in_utc(row[name]) for name in moments}
    )
