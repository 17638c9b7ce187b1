"""What labellers say of answers, and what counts where they differ.

An answer is known by its run and its question; one of the Ask page by "" and its trace. Of several labels
an adjudicated one counts, else the majority: partly correct is not correct, and a draw says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import duckdb
import numpy as np

from codex.errors import Conflict, InvalidInput, NotFound
from codex.store.codec.columns import as_json, in_utc, naive_utc
from codex.store.database.file import Database, Row, rows
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


@dataclass(frozen=True, slots=True)
class Came:
    """What became of labels that were made elsewhere."""

    new: int
    replaced: int
    """In the place of earlier labels of the same labellers."""
    older: int
    """Left out, since the labeller has said something later."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A label with what is kept of its answer."""

    label: Label
    question: str
    answer: str
    model: str
    confidence: float | None
    """Of an answer of the Ask page."""


class LabelsUnfit(NotFound):
    """Labels that no answer here can take."""

    def __init__(self, why: dict[int, str]) -> None:
        """why: by the label's place."""
        super().__init__(next(iter(why.values())))
        self.why = why


class Labels:
    """The labels of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, label: Label) -> Label:
        """Keep a label in the place of the labeller's earlier one; returns it as it is kept.

        Raises InvalidInput; NotFound where the answer is gone; Conflict where the question failed.
        """
        found = checked(label)
        with self._database.write() as db:
            check(db, label.run_id, label.question_id)
            kept = replace(found, made_at=_now(db, label.run_id, label.question_id))
            insert(db, [kept])
        return kept

    def put_all(self, labels: Sequence[Label]) -> Came:
        """Keep labels that were made elsewhere, all of them or none; a labeller's later one counts.

        labels: as `checked` returns them, of one labeller one for each answer; one without a time is of now.
        Raises LabelsUnfit.
        """
        if not labels:
            return Came(0, 0, 0)
        now = naive_utc(datetime.now(UTC))
        columns = {
            "place": np.arange(len(labels)),
            **{
                name: np.array([getattr(each, name) for each in labels], dtype=object)
                for name in ("run_id", "question_id", "labeller", "verdict", "correction", "note")
            },
            "tags": np.array([as_json(list(each.tags)) for each in labels], dtype=object),
            "spans": np.array([as_json([*map(list, each.spans)]) for each in labels], dtype=object),
            "adjudicated": np.array([each.adjudicated for each in labels]),
            "made_at": np.array(
                [naive_utc(each.made_at) if each.made_at else now for each in labels], dtype="datetime64[us]"
            ),
        }
        with self._database.write() as db:
            db.register("coming", columns)
            try:
                unfit = db.execute(_UNFIT).fetchall()
                if unfit:
                    raise LabelsUnfit(
                        {place: _why(run, question, failed) for place, run, question, failed in unfit}
                    )
                ((older, replaced),) = db.execute(_STANDING).fetchall()
                db.execute(_TAKE_IN)
            finally:
                db.unregister("coming")
        return Came(len(labels) - older - replaced, replaced, older)

    def exported(self, run_id: str | None = None, queue_id: str | None = None) -> list[Exported]:
        """Labels with their answers, in the order in which they were made.

        run_id: of that run alone; "": of the Ask page. queue_id: of the answers of that queue alone.
        """
        with self._database.read() as db:
            found = rows(
                db,
                f"SELECT * FROM {_EXPORTED} WHERE coalesce(run_id = $run, true) AND ($queue IS NULL OR "
                "(run_id, question_id) IN (SELECT (run_id, question_id) FROM label_queue_items "
                "WHERE queue_id = $queue)) ORDER BY made_at, run_id, question_id, labeller",
                {"run": run_id, "queue": queue_id},
            )
        return [
            Exported(_label({name: row[name] for name in Label.__slots__}), *(row[name] for name in _ABOUT))
            for row in found
        ]

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


_UNFIT = """
SELECT c.place, c.run_id, c.question_id, coalesce(r.error <> '', false) AS failed
FROM coming c LEFT JOIN run_records r ON r.run_id = c.run_id AND r.question_id = c.question_id
WHERE CASE c.run_id WHEN ''
    THEN c.question_id NOT IN (SELECT trace_id FROM model_inference_events)
    ELSE r.run_id IS NULL OR r.error <> '' END
ORDER BY c.place
"""
_MATCHING = (
    "labels l JOIN coming c ON (l.run_id, l.question_id, l.labeller) = (c.run_id, c.question_id, c.labeller)"
)
_STANDING = f"""
SELECT count(*) FILTER (l.made_at > c.made_at), count(*) FILTER (l.made_at <= c.made_at) FROM {_MATCHING}
"""
_TAKE_IN = f"""
INSERT OR REPLACE INTO labels
SELECT run_id, question_id, labeller, verdict, correction, note, from_json(tags, '["VARCHAR"]'),
       list_transform(from_json(spans, '[["BIGINT"]]'), lambda span: {{'first': span[1], 'last': span[2]}}),
       adjudicated, made_at
FROM coming WHERE place NOT IN (SELECT c.place FROM {_MATCHING} WHERE l.made_at > c.made_at)
"""
_ABOUT = ("question", "answer", "model", "confidence")
_EXPORTED = """
(SELECT l.*, coalesce(r.question, e.question, e.question_preview, '') AS question,
        coalesce(r.answer, e.answer, '') AS answer,
        coalesce(runs.model, json_extract_string(e.larger, '$.model'), e.model, '') AS model, e.confidence
 FROM labels l
 LEFT JOIN run_records r ON r.run_id = l.run_id AND r.question_id = l.question_id
 LEFT JOIN runs ON runs.id = l.run_id
 LEFT JOIN model_inference_events e ON l.run_id = '' AND e.trace_id = l.question_id AND e.ends_trace)
"""


def _why(run_id: str, question_id: str, failed: bool) -> str:
    if failed:
        return f"the question {question_id!r} of the run {run_id!r} failed: it has no answer to label."
    what = (
        f"the run {run_id!r} has no question {question_id!r}"
        if run_id
        else f"there is no trace {question_id!r}"
    )
    return (
        f"{what} here: labels go to answers that are stored. Import the answers first "
        "(`codex runs import`), or remove the row."
    )


def _now(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str) -> datetime:
    """The time; later than every label of the answer, so that the last one counts where a clock went back."""
    now = datetime.now(UTC)
    ((latest,),) = db.execute(
        "SELECT max(made_at) FROM labels WHERE run_id = ? AND question_id = ?", [run_id, question_id]
    ).fetchall()
    return max(now, in_utc(latest) + timedelta(microseconds=1)) if latest else now


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


def checked(label: Label) -> Label:
    """The label as it can be kept: without spaces around names, each tag once. Raises InvalidInput."""
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
