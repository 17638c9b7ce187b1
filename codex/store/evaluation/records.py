"""The records of a run: as rows with the verdict that counts, and whole as lines of JSON.

What people said of an answer stands beside the grader's verdict, and wins over it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from codex.errors import Conflict, StoreError
from codex.store.codec.columns import as_json, columns_of, read, written
from codex.store.codec.nouns import encode, finite, parts
from codex.store.codec.observations import observation_of, observation_row
from codex.store.database.file import Row, rows
from codex.types import Probed, Record, Verdict

GRADED_BY = "CASE WHEN by_person THEN 'person' ELSE coalesce(grader, '') END"
RECORD = columns_of(
    Record,
    ("observation", "signals", "by_person", "grader_correct"),
    id="question_id",
    correct="right",
)
RECORD_COLUMNS = (
    "run_id",
    "number",
    *(column.name for column in RECORD),
    "question",
    "answer",
    "signals",
    "observation",
)
OBSERVATION = "observation"
PROBED = "probed"
P_TRUE = "p_true"
"""The signal that a verdict gives."""
GRADED = """
(SELECT r.* EXCLUDE ("right"), r."right" AS grader_right, l.run_id IS NOT NULL AS by_person,
        CASE WHEN l.run_id IS NULL THEN r."right" ELSE l.correct END AS "right"
 FROM run_records r LEFT JOIN counted_labels l ON l.run_id = r.run_id AND l.question_id = r.question_id)
"""
"""run_records with the verdict that counts as "right"; the grader's own is grader_right."""


def labels_of(
    db: duckdb.DuckDBPyConnection, run_id: str, question_id: str | None = None
) -> dict[str, bool | None]:
    """Question -> what a person said of its answer; None: not gradable. question_id: of that one alone."""
    where, values = "run_id = ?", [run_id]
    if question_id is not None:
        where, values = f"{where} AND question_id = ?", [run_id, question_id]
    return dict(
        db.execute(f"SELECT question_id, correct FROM counted_labels WHERE {where}", values).fetchall()
    )


def check_new(db: duckdb.DuckDBPyConnection, run_id: str, ids: Sequence[str]) -> None:
    """Raises Conflict when one of the questions has a record, or stands twice among them."""
    twice = [question_id for question_id, times in Counter(ids).items() if times > 1]
    found = rows(
        db,
        "SELECT question_id FROM run_records WHERE run_id = ? AND question_id IN (SELECT unnest(?)) LIMIT 1",
        [run_id, list(ids)],
    )
    if twice or found:
        shown = twice[0] if twice else found[0]["question_id"]
        raise Conflict(f"The question {shown!r} has a record in the run {run_id!r} already.")


def record_row(run_id: str, number: int, record: Record, names: Sequence[str]) -> tuple[object, ...]:
    """The record as a row with RECORD_COLUMNS, its verdict the grader's. names: of the run's signals."""
    return (
        run_id,
        number,
        *written(RECORD, _as_graded(record)).values(),
        record.observation.question,
        record.observation.generation.text,
        [finite(record.signals.get(name)) for name in names],
        as_json(observation_row(record.observation)),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What probes read for one record."""

    probed: Probed
    signals: dict[str, float]
    """Those that it gives."""


def with_reading(
    row: Row, names: Sequence[str], told: Sequence[str], reading: Reading | None
) -> tuple[list[float | None], str]:
    """The signals and the observation of a row with another reading; None: with none.

    names: of the run's signals. told: those of them that are of readings.
    """
    signals = dict(zip(names, row["signals"], strict=False)) | dict.fromkeys(told)
    observation = json.loads(row["observation"])
    observation.pop(PROBED, None)
    if reading is not None:
        signals |= {name: finite(value) for name, value in reading.signals.items()}
        observation[PROBED] = encode(reading.probed)
    return [signals.get(name) for name in names], as_json(observation)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verifier said of the answer of a record."""

    verdict: Verdict
    p_true: float | None
    """The signal that it gives."""


def with_verdict(row: Row, names: Sequence[str], verified: Verified) -> tuple[list[float | None], str]:
    """The signals and the observation of a row with another verdict. Raises StoreError.

    names: of the run's signals.
    """
    signals = dict(zip(names, row["signals"], strict=False)) | {P_TRUE: finite(verified.p_true)}
    observation = replace(record_of(row, tuple(names), {}).observation, verdict=verified.verdict)
    return [signals.get(name) for name in names], as_json(observation_row(observation))


def _as_graded(record: Record) -> Record:
    """The record as its grader left it."""
    return replace(record, correct=record.grader_correct) if record.by_person else record


def record_of(row: Row, names: Sequence[str], labels: Mapping[str, bool | None]) -> Record:
    """The record that a row holds, with the verdict that counts. Raises StoreError."""
    values = [*row["signals"], *[None] * (len(names) - len(row["signals"]))]
    try:
        observation = observation_of(json.loads(row["observation"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"there is no key {error}" if isinstance(error, KeyError) else error
        raise StoreError(
            f"The record of the question {row['question_id']!r} in the run {row['run_id']!r} cannot be read: "
            f"{why}. Delete the run and repeat it."
        ) from error
    record = Record(
        **read(RECORD, row), observation=observation, signals=dict(zip(names, values, strict=True))
    )
    if record.id not in labels:
        return record
    return replace(record, correct=labels[record.id], by_person=True, grader_correct=record.correct)


def record_line(record: Record) -> str:
    """The record as JSON, in ASCII, with the end of its line."""
    row = encode(record, (OBSERVATION,)) | {OBSERVATION: observation_row(record.observation)}
    return json.dumps(row, allow_nan=False) + "\n"


def record_of_line(line: str) -> Record:
    """What `record_line` wrote. Raises KeyError, TypeError, ValueError for any other text."""
    row = json.loads(line)
    told: dict[str, Any] = {
        part.name: part.form.read(row[part.name])
        for part in parts(Record)
        if part.name != OBSERVATION and part.name in row
    }
    return Record(**told, observation=observation_of(row[OBSERVATION]))
