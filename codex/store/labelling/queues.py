"""Queues of answers that wait for labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from codex.errors import Conflict, NotFound
from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, rows

Source = Literal["deferred", "asked", "incorrect", "run", "differing"]
SOURCES: tuple[Source, ...] = get_args(Source)
Array = NDArray[np.float64]

ASKED = """
(SELECT '' AS run_id, e.trace_id AS question_id, e.confidence, epoch(e.created_at) AS made_at, e.action,
        l.correct, coalesce(e.question, e.question_preview) IS NOT NULL AS readable
 FROM model_inference_events e LEFT JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id
 WHERE e.ends_trace)
"""
"""The answers of the Ask page; readable: whether their question was kept."""
DIFFERING = """
(SELECT run_id, question_id FROM labels GROUP BY run_id, question_id
 HAVING count(DISTINCT verdict) > 1 AND NOT bool_or(adjudicated))
"""
WHICH: dict[Source, str] = {"deferred": "action = 'defer'", "asked": "true", "incorrect": "NOT correct"}
"""Of the answers of the Ask page, those that a queue takes."""


@dataclass(frozen=True, slots=True)
class LabelQueue:
    """A queue as it was made."""

    id: str
    name: str
    source: Source
    run_id: str
    """The run whose answers it holds; "" for those of the Ask page, and where labellers differ."""
    ordering: str
    overlap: int
    """Labellers for each answer."""
    created_at: datetime
    """In UTC."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Answers that a queue could hold, as columns; n of them."""

    keys: tuple[tuple[str, str], ...]
    """[n] run and question."""
    confidence: Array
    """[n]; NaN: unknown."""
    made_at: Array
    """[n], in seconds."""
    unreadable: int = 0
    """Answers that are left out, since their question was not kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a queue is, and its labelled answers as columns in its order; m of them."""

    answers: int
    is_random: bool
    """Whether the order is a random one."""
    next_rank: float
    """The first that is not labelled; infinite where none is left."""
    keys: tuple[tuple[str, str], ...]
    """[m] run and question."""
    weight: Array
    """[m]; NaN: the order is not random."""
    rank: Array
    confidence: Array
    correct: Array
    """[m] what counts: 1, 0; NaN: nobody can tell."""

    @property
    def labelled(self) -> int:
        """Answers of which anybody has said anything."""
        return len(self.rank)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that a search found."""

    key: tuple[str, str]
    question: str
    """As much as was kept."""
    answer: str
    verdict: str | None
    """What the labeller who searches said of it."""


class LabelQueues:
    """The queues of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, queue: LabelQueue) -> None:
        """Keep a new queue, without answers. Raises Conflict when the name is taken."""
        with self._database.write() as db:
            if rows(db, "SELECT 1 FROM label_queues WHERE lower(name) = lower(?)", [queue.name]):
                raise Conflict(f"There is a queue {queue.name!r} already: choose another name.")
            db.execute(
                "INSERT INTO label_queues VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    *(queue.id, queue.name, queue.source, queue.run_id, queue.ordering, queue.overlap),
                    naive_utc(queue.created_at),
                ],
            )

    def list(self) -> list[LabelQueue]:
        """Every queue, the newest first."""
        with self._database.read() as db:
            return [_queue(row) for row in rows(db, "SELECT * FROM label_queues ORDER BY created_at DESC")]

    def get(self, queue_id: str) -> LabelQueue:
        """A queue by its id. Raises NotFound."""
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM label_queues WHERE id = ?", [queue_id])
        if not found:
            raise _not_found(queue_id)
        return _queue(found[0])

    def delete(self, queue_id: str) -> None:
        """Delete a queue; what was said of its answers stays. Raises NotFound."""
        with self._database.write() as db:
            if not rows(db, "DELETE FROM label_queues WHERE id = ? RETURNING id", [queue_id]):
                raise _not_found(queue_id)
            db.execute("DELETE FROM label_queue_items WHERE queue_id = ?", [queue_id])

    def asked(self, source: Source, queue_id: str = "") -> Pool:
        """The answers of the Ask page that a source names and that the queue does not hold yet."""
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT * FROM {ASKED} WHERE {WHICH[source]} AND {_NEW}",
                [queue_id],
            )
        kept = [row for row in found if row["readable"]]
        return _pool(kept, len(found) - len(kept))

    def differing(self, queue_id: str = "") -> Pool:
        """The answers that labellers differ on and nobody has adjudicated, likewise."""
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT *, NULL AS confidence, 0 AS made_at FROM {DIFFERING} WHERE {_NEW}",
                [queue_id],
            )
        return _pool(found, 0)

    def held(self, queue_id: str) -> set[tuple[str, str]]:
        """Run and question of every answer of a queue."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT run_id, question_id FROM label_queue_items WHERE queue_id = ?", [queue_id]
            ).fetchall()
        return {(run, question) for run, question in found}

    def add(self, queue_id: str, pool: Pool, rank: Array, weight: Array | None) -> int:
        """Put answers into a queue, but those that came in meanwhile; returns how many.

        Raises NotFound when it is gone.
        """
        n = len(pool.keys)
        columns = {
            "run_id": np.array([run for run, _ in pool.keys], dtype=object),
            "question_id": np.array([question for _, question in pool.keys], dtype=object),
            "rank": rank,
            "weight": np.full(n, np.nan) if weight is None else weight,
            "confidence": pool.confidence,
        }
        with self._database.write() as db:
            if not rows(db, "SELECT 1 FROM label_queues WHERE id = ?", [queue_id]):
                raise _not_found(queue_id)
            if not n:
                return 0
            db.register("coming", columns)
            ((added,),) = db.execute(
                f"""
                INSERT INTO label_queue_items
                SELECT ?, run_id, question_id, "rank", CASE WHEN isnan(weight) THEN NULL ELSE weight END,
                       CASE WHEN isnan(confidence) THEN NULL ELSE confidence END FROM coming WHERE {_NEW}
                """,
                [queue_id, queue_id],
            ).fetchall()
            db.unregister("coming")
        return int(added)

    def next(
        self, queue: LabelQueue, labeller: str, leased: Collection[tuple[str, str]] = ()
    ) -> tuple[str, str] | None:
        """Run and question of the first answer that waits for this labeller; None: there is none.

        leased: answers that others are labelling.
        """
        told: dict[str, object] = {"queue": queue.id, "most": len(leased) + 1}
        if queue.source == "differing":
            wanted = f"NOT EXISTS (SELECT 1 {_LABELS} AND adjudicated)"
        elif queue.overlap == 1:
            wanted = f"NOT EXISTS (SELECT 1 {_LABELS})"
        else:
            wanted = f"NOT EXISTS (SELECT 1 {_LABELS} AND labeller = $labeller)"
            wanted += f" AND (SELECT count(*) {_LABELS}) < $overlap"
            told |= {"labeller": labeller, "overlap": queue.overlap}
        with self._database.read() as db:
            found = db.execute(
                f"""
                SELECT i.run_id, i.question_id FROM label_queue_items i
                WHERE i.queue_id = $queue AND {wanted} ORDER BY i."rank" LIMIT $most
                """,
                told,
            ).fetchall()
        return next(((run, question) for run, question in found if (run, question) not in leased), None)

    def search(self, queue_id: str, text: str, labeller: str, most: int) -> Sequence[Found]:
        """Answers of a queue whose question or answer holds a text, in the queue's order."""
        with self._database.read() as db:
            found = db.execute(
                f"""
                SELECT i.run_id, i.question_id, coalesce(r.question, e.question, ''),
                       coalesce(r.answer, e.answer, ''), l.verdict
                FROM label_queue_items i
                LEFT JOIN run_records r ON r.run_id = i.run_id AND r.question_id = i.question_id
                LEFT JOIN {_TOLD} e ON i.run_id = '' AND e.trace_id = i.question_id
                LEFT JOIN labels l ON l.run_id = i.run_id AND l.question_id = i.question_id
                     AND l.labeller = $labeller
                WHERE i.queue_id = $queue AND (
                    contains(lower(coalesce(r.question, e.question, '')), lower($text))
                    OR contains(lower(coalesce(r.answer, e.answer, '')), lower($text)))
                ORDER BY i."rank" LIMIT $most
                """,
                {"queue": queue_id, "text": text, "labeller": labeller, "most": most},
            ).fetchall()
        return [Found((run, question), *told) for run, question, *told in found]

    def drop(self, queue_id: str, run_id: str, question_id: str) -> None:
        """Take an answer out of a queue, since it is gone."""
        with self._database.write() as db:
            db.execute(
                "DELETE FROM label_queue_items WHERE queue_id = ? AND run_id = ? AND question_id = ?",
                [queue_id, run_id, question_id],
            )

    def counts(self) -> dict[str, tuple[int, int]]:
        """Answers, and how many of them are labelled, by queue."""
        with self._database.read() as db:
            found = db.execute(
                """
                SELECT i.queue_id, count(*), count(l.run_id) FROM label_queue_items i
                LEFT JOIN (SELECT DISTINCT run_id, question_id FROM labels) l
                  ON l.run_id = i.run_id AND l.question_id = i.question_id
                GROUP BY i.queue_id
                """
            ).fetchall()
        return {queue: (answers, labelled) for queue, answers, labelled in found}

    def standing(self, queue_id: str) -> Standing:
        """What has been said of the answers of a queue, in its order."""
        with self._database.read() as db:
            db.begin()
            ((answers, is_random, next_rank),) = db.execute(
                """
                SELECT count(*), count(i.weight) = count(*),
                       min(i."rank") FILTER (l.run_id IS NULL)
                FROM label_queue_items i
                LEFT JOIN (SELECT DISTINCT run_id, question_id FROM labels) l
                  ON l.run_id = i.run_id AND l.question_id = i.question_id
                WHERE i.queue_id = ?
                """,
                [queue_id],
            ).fetchall()
            found = db.execute(
                """
                SELECT i.run_id, i.question_id, i.weight::DOUBLE AS weight, i."rank", i.confidence,
                       d.correct::TINYINT::DOUBLE AS correct
                FROM label_queue_items i
                JOIN counted_labels d ON d.run_id = i.run_id AND d.question_id = i.question_id
                WHERE i.queue_id = ? ORDER BY i."rank"
                """,
                [queue_id],
            ).fetchnumpy()
            db.rollback()
        return Standing(
            answers,
            bool(answers) and is_random,
            np.inf if next_rank is None else next_rank,
            tuple(zip(found["run_id"].tolist(), found["question_id"].tolist(), strict=True)),
            *(_column(found[name]) for name in ("weight", "rank", "confidence", "correct")),
        )

    def labels_made(self, queue_id: str) -> Sequence[tuple[datetime, int]]:
        """How many labels of a queue's answers were made in each quarter of an hour, the first first."""
        with self._database.read() as db:
            found = db.execute(
                """
                SELECT time_bucket(INTERVAL 15 MINUTES, l.made_at) AS made, count(*)
                FROM labels l SEMI JOIN (SELECT * FROM label_queue_items WHERE queue_id = ?) i
                  ON l.run_id = i.run_id AND l.question_id = i.question_id
                GROUP BY made ORDER BY made
                """,
                [queue_id],
            ).fetchall()
        return [(in_utc(at), count) for at, count in found]


_LABELS = "FROM labels l WHERE l.run_id = i.run_id AND l.question_id = i.question_id"
"""Of an answer i of a queue."""
_TOLD = """
(SELECT trace_id, coalesce(question, question_preview) AS question, answer FROM model_inference_events
 WHERE ends_trace)
"""
_NEW = "(run_id, question_id) NOT IN (SELECT (run_id, question_id) FROM label_queue_items WHERE queue_id = ?)"


def _column(found: NDArray[Any]) -> Array:
    """Numbers of a query; NaN for NULL."""
    return np.asarray(np.ma.filled(np.ma.asarray(found, dtype=np.float64), np.nan), dtype=np.float64)


def _pool(found: Sequence[Row], unreadable: int) -> Pool:
    return Pool(
        tuple((row["run_id"], row["question_id"]) for row in found),
        np.array([row["confidence"] for row in found], dtype=np.float64),
        np.array([row["made_at"] for row in found], dtype=np.float64),
        unreadable,
    )


def _queue(row: Row) -> LabelQueue:
    told: Any = dict(row)
    return LabelQueue(**told | {"created_at": in_utc(row["created_at"])})


def _not_found(queue_id: str) -> NotFound:
    return NotFound(f"There is no queue {queue_id!r}: it was deleted, or never there.")
