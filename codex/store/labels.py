"""What labellers say of answers, and what counts where they differ.

An answer is known by its run and its question; one of the Ask page by "" and its trace. Of several labels
an adjudicated one counts, else the majority: partly correct is not correct, and a draw says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import duckdb

from codex.errors import Conflict, InvalidInput, NotFound
from codex.store.database import Database, Row, rows
from codex.store.rows import in_utc, naive_utc
from codex.types import Record

LabelVerdict = Literal["correct", "incorrect", "partly", "unclear"]
VERDICTS: tuple[LabelVerdict, ...] = get_args(LabelVerdict)
OWN = ""
"""The labeller who gave no name."""
LONGEST = 10_000
"""Characters of a note or a correction."""
LONGEST_NAME = 64
"""Characters of a labeller's name or a tag."""
MOST = 100
"""Tags, or spans, of a label."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one labeller says of one answer."""

    run_id: str
    """"": an answer of the Ask page."""
    question_id: str
    """Of the run; or the trace."""
    verdict: LabelVerdict
    labeller: str = OWN
    correction: str = ""
    """The correct answer, in the labeller's words."""
    note: str = ""
    tags: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    """First and last token of each part of the answer that is incorrect."""
    adjudicated: bool = False
    """Whether it decides where labellers differ."""
    made_at: datetime | None = None
    """In UTC; None before it is kept."""


class Labels:
    """The labels of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, label: Label) -> Label:
        """Keep a label in the place of the labeller's earlier one; returns it as it is kept.

        Raises InvalidInput; NotFound where the answer is gone; Conflict where the question failed.
        """
        kept = replace(_checked(label), made_at=datetime.now(UTC))
        with self._database.write() as db:
            check(db, label.run_id, label.question_id)
            insert(db, [kept])
        return kept

    def take_back(self, run_id: str, question_id: str, labeller: str = OWN) -> None:
        """Delete a labeller's label, where there is one.

        Raises NotFound where the answer is gone; Conflict where the question failed.
        """
        with self._database.write() as db:
            check(db, run_id, question_id)
            delete(db, run_id, question_id, labeller)

    def of(self, run_id: str, question_id: str) -> list[Label]:
        """What everybody says of one answer, the first first."""
        return self._found("run_id = ? AND question_id = ?", [run_id, question_id])

    def of_run(self, run_id: str) -> list[Label]:
        """What everybody says of the answers of a run; of the Ask page's for ""."""
        return self._found("run_id = ?", [run_id])

    def _found(self, where: str, values: list[str]) -> list[Label]:
        with self._database.read() as db:
            found = rows(
                db, f"SELECT * FROM labels WHERE {where} ORDER BY made_at, question_id, labeller", values
            )
        return [_label(row) for row in found]


def check(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str) -> None:
    """Raises NotFound where the answer is gone; Conflict where the question failed."""
    if not run_id:
        if not rows(db, "SELECT 1 FROM model_inference_events WHERE trace_id = ?", [question_id]):
            raise NotFound(f"No trace {question_id!r} is stored.")
        return
    found = rows(
        db, "SELECT error FROM run_records WHERE run_id = ? AND question_id = ?", [run_id, question_id]
    )
    if not found:
        raise NotFound(f"The run {run_id!r} has no question {question_id!r}.")
    if found[0]["error"]:
        raise Conflict(f"The question {question_id!r} failed: there is no answer to grade.")


def insert(db: duckdb.DuckDBPyConnection, labels: Iterable[Label]) -> None:
    """Keep labels in the place of their labellers' earlier ones; those without a time are of now."""
    now = datetime.now(UTC)
    values = [
        [
            *(each.run_id, each.question_id, each.labeller, each.verdict, each.correction, each.note),
            *(list(each.tags), [{"first": first, "last": last} for first, last in each.spans]),
            *(each.adjudicated, naive_utc(each.made_at or now)),
        ]
        for each in labels
    ]
    if values:
        db.executemany(f"INSERT OR REPLACE INTO labels VALUES ({', '.join('?' * len(values[0]))})", values)


def of_records(run_id: str, records: Iterable[Record]) -> list[Label]:
    """What people had said of records that come from a file."""
    return [Label(run_id, record.id, verdict_of(record.correct)) for record in records if record.by_person]


def delete(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str, labeller: str) -> None:
    """Delete a labeller's label."""
    db.execute(
        "DELETE FROM labels WHERE run_id = ? AND question_id = ? AND labeller = ?",
        [run_id, question_id, labeller],
    )


def verdict_of(correct: bool | None) -> LabelVerdict:
    """A verdict by whether the answer is correct; None: nobody can tell."""
    return "unclear" if correct is None else "correct" if correct else "incorrect"


def _checked(label: Label) -> Label:
    if label.verdict not in VERDICTS:
        raise InvalidInput(f"A verdict is one of {', '.join(VERDICTS)}, not {label.verdict!r}.", ["verdict"])
    for name in ("correction", "note"):
        if len(getattr(label, name)) > LONGEST:
            raise InvalidInput(f"The {name} is longer than {LONGEST:,} characters: shorten it.", [name])
    tags = tuple(dict.fromkeys(tag.strip() for tag in label.tags if tag.strip()))
    labeller = label.labeller.strip()
    for name, texts in (("labeller", (labeller,)), ("tags", tags)):
        if any(len(text) > LONGEST_NAME for text in texts):
            raise InvalidInput(f"At most {LONGEST_NAME} characters: shorten it.", [name])
    for name, parts in (("tags", tags), ("spans", label.spans)):
        if len(parts) > MOST:
            raise InvalidInput(f"At most {MOST} {name}, not {len(parts)}.", [name])
    if any(not 0 <= first <= last < 2**31 for first, last in label.spans):
        raise InvalidInput("A span is its first and its last token, from 0 on, in order.", ["spans"])
    return replace(label, labeller=labeller, tags=tags)


def _label(row: Row) -> Label:
    told: Any = dict(row)
    return Label(
        **told
        | {
            "tags": tuple(row["tags"]),
            "spans": tuple((span["first"], span["last"]) for span in row["spans"]),
            "made_at": in_utc(row["made_at"]),
        }
    )
