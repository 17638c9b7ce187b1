"""Every trace of the store: filtered, sorted, in pages that neither skip nor repeat, and as a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from codex.errors import InvalidInput, NotFound
from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, quoted, rows
from codex.text import sha256
from codex.types import Action, Confidence, Gate

Sort = Literal["time", "confidence", "seconds", "tokens"]
Labelled = Literal["correct", "incorrect", "unclear", "none"]
ExportTable = Literal["events", "tokens"]
ExportFormat = Literal["jsonl", "parquet"]
MOST = 200
"""Traces on a page."""
CHUNKS: dict[ExportTable, int] = {"events": 1000, "tokens": 20}
"""Events of an export that are read at a time; an event may have thousands of tokens."""
ROW_GROUP = 8192
"""Rows of a Parquet file that are held in memory: with more, a million events would not fit."""

LABELLED = "SELECT question_id FROM counted_labels WHERE run_id = ''"
LABELS: dict[Labelled, str] = {
    "correct": f"trace_id IN ({LABELLED} AND correct)",
    "incorrect": f"trace_id IN ({LABELLED} AND NOT correct)",
    "unclear": f"trace_id IN ({LABELLED} AND correct IS NULL)",
    "none": f"trace_id NOT IN ({LABELLED})",
}
ENDS = "ends_trace"
TEXT = """(contains(lower(answer), lower(?))
    OR contains(lower(coalesce(question, question_preview)), lower(?))
    OR question_sha256 IN (?, ?) OR event_id IN (SELECT last_event FROM traces WHERE id = ?))"""
KEYS: dict[Sort, str] = {
    "time": "event_id",
    "confidence": "confidence",
    "seconds": "trace_seconds",
    "tokens": "trace_generated_tokens",
}
"""What each order goes by; traces that lack it come last."""
COLUMNS = """event_id, trace_id, session_id, parent_trace_id, created_at, model, step, action, gate, policy,
    confidence, calibrated, familiarity, question, question_preview, question_sha256, answer, trace_seconds,
    trace_prompt_tokens, trace_generated_tokens"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which traces are meant; None and "" leave all in."""

    since: datetime | None = None
    until: datetime | None = None
    """Excluded itself."""
    model: str | None = None
    """The engine's fingerprint."""
    policy: str | None = None
    """Its version."""
    session: str | None = None
    action: Action | None = None
    gate: Gate | None = None
    low: float | None = None
    """The least confidence."""
    high: float | None = None
    """The greatest."""
    label: Labelled | None = None
    """What counts of what people said of the answer."""
    text: str = ""
    """In what the model wrote or in what was kept of the question, whatever the case; or the whole question,
    also where only its SHA-256 was kept; or that SHA-256, or the trace's id."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One trace of the list, as its last step left it."""

    id: str
    session_id: str
    parent_id: str | None
    created_at: datetime
    question: str | None
    """The question or its first 127 characters; None where only the SHA-256 was kept."""
    question_sha256: str
    answer: str
    """What the model wrote."""
    model: str
    policy: str
    steps: int
    action: Action
    gate: Gate
    confidence: Confidence
    correct: bool | None
    """What counts of what people said; None: nobody has, or they differ."""
    prompt_tokens: int
    """Of all steps."""
    generated_tokens: int
    """Of all steps, with their samples."""
    seconds: float


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of the list."""

    traces: list[TraceLine]
    total: int
    """That match, on all pages."""
    next: str | None
    """What leads to the next page; None: this is the last."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What the traces can be limited to."""

    models: list[str]
    policies: list[str]


class History:
    """The traces of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        wanted: Filter = Filter(),
        *,
        sort: str = "time",
        down: bool = True,
        after: str | None = None,
        size: int = 50,
    ) -> HistoryPage:
        """A page of the traces that match; after: the `next` of the page before.

        What is saved or deleted meanwhile moves no other trace from one page to another. Raises InvalidInput.
        """
        if sort not in KEYS:
            raise InvalidInput(f"sort is one of {', '.join(KEYS)}, not {sort!r}.", ["sort"])
        if not 1 <= size <= MOST:
            raise InvalidInput(f"A page has 1 to {MOST} traces, not {size}.", ["size"])
        where, values = _where(wanted)
        key, beyond = _order(KEYS[sort], down)
        place: list[float | int] = []
        if after is None:
            beyond = "true"
        else:
            place = _place(after)[1:] if sort == "time" else _place(after)
        way = "DESC" if down else "ASC"
        best = f"WHERE {beyond} ORDER BY key {way}, event_id {way} LIMIT {size + 1}"
        chosen = f"{key} AS key, event_id, rowid AS place FROM model_inference_events WHERE {where}"
        with self._database.read() as db:
            db.begin()  # The places of rows hold within a transaction.
            if where == ENDS:
                keys = db.execute(f"SELECT * FROM (SELECT {chosen}) {best}", place).fetchall()
                ((total,),) = db.execute("SELECT count(*) FROM traces").fetchall()
            else:
                # One scan finds how many there are and which come next.
                ((total, listed),) = db.execute(
                    f"""
                    WITH found AS MATERIALIZED (SELECT {chosen})
                    SELECT (SELECT count(*) FROM found),
                           (SELECT list((key, event_id, place)) FROM (SELECT * FROM found {best}))
                    """,
                    [*values, *place],
                ).fetchall()
                keys = listed or []
            traces = self._lines(db, [at for _, _, at in keys[:size]])
        following = _cursor(keys[size - 1]) if len(keys) > size else None
        by_event = {row["event_id"]: _line(row) for row in traces}
        return HistoryPage([by_event[event] for _, event, _ in keys[:size]], total, following)

    def line(self, trace_id: str) -> TraceLine:
        """One trace as a line of the list. Raises NotFound."""
        with self._database.read() as db:
            db.begin()
            places = db.execute(
                "SELECT e.rowid FROM traces t JOIN model_inference_events e ON e.event_id = t.last_event"
                " WHERE t.id = ?",
                [trace_id],
            ).fetchall()
            found = self._lines(db, [at for (at,) in places])
        if not found:
            raise NotFound(f"No trace {trace_id!r} is stored.")
        return _line(found[0])

    def facets(self) -> Facets:
        """The models and policies that there are traces of."""
        with self._database.read() as db:
            models, policies = (
                [
                    each
                    for (each,) in db.execute(
                        f"SELECT DISTINCT {column} FROM model_inference_events ORDER BY 1"
                    ).fetchall()
                ]
                for column in ("model", "policy")
            )
        return Facets(models, policies)

    def lines_of_json(self, wanted: Filter = Filter(), table: ExportTable = "events") -> Iterator[str]:
        """What is stored of the traces that match, as lines of JSON, oldest first.

        events: a line for each step; tokens: a line for each token of an answer or a sample, their bytes in
        hexadecimal. What is saved after the call is not in it; what is deleted meanwhile drops out.
        Raises InvalidInput, StoreError.
        """
        where, values = _where(wanted)
        with self._database.read() as db:
            events = db.execute(
                f"SELECT event_id FROM model_inference_events WHERE {_steps_of(where)} ORDER BY 1", values
            ).fetchnumpy()["event_id"]
        return self._lines_of_json(events, table)

    def _lines_of_json(self, events: Any, table: ExportTable) -> Iterator[str]:
        size = CHUNKS[table]
        for start in range(0, len(events), size):
            chunk = events[start : start + size].tolist()
            these = "e.event_id BETWEEN ? AND ? AND e.event_id IN (SELECT unnest(?))"
            with self._database.read() as db:
                found = db.execute(
                    f"SELECT to_json(line) FROM ({_exported(table, these)}) line",
                    [chunk[0], chunk[-1], chunk],
                ).fetchall()
            yield from (line for (line,) in found)

    def write_parquet(self, path: Path, wanted: Filter = Filter(), table: ExportTable = "events") -> None:
        """The same as `lines_of_json`, as a Parquet file. Raises InvalidInput, StoreError."""
        where, values = _where(wanted)
        source = _exported(table, _steps_of(where, "e."), ordered=False)
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
        with self._database.read() as db:
            db.execute(f"COPY ({source}) TO {quoted(str(path))} ({options})", values)

    def _lines(self, db: Any, places: list[int]) -> list[Row]:
        """The rows at these places, in any order."""
        # A join with the places reads their blocks alone; a list of them, or of ids, all of the table.
        return rows(
            db,
            f"""
            SELECT e.*, l.correct
            FROM (
                SELECT {COLUMNS} FROM model_inference_events
                SEMI JOIN (SELECT unnest(?::BIGINT[]) AS place) chosen
                ON chosen.place = model_inference_events.rowid
            ) e
            LEFT JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id
            """,
            [places],
        )


def _where(wanted: Filter) -> tuple[str, list[Any]]:
    """The condition on the last step of a trace, and its values. Raises InvalidInput."""
    named = {
        "model = ?": wanted.model,
        "policy = ?": wanted.policy,
        "session_id = ?": wanted.session,
        "action = ?": wanted.action,
        "gate = ?": wanted.gate,
        "created_at >= ?": _moment("since", wanted.since),
        "created_at < ?": _moment("until", wanted.until),
        "confidence >= ?": _share("low", wanted.low),
        "confidence <= ?": _share("high", wanted.high),
    }
    given = {condition: value for condition, value in named.items() if value is not None}
    if wanted.low is not None and wanted.high is not None and wanted.low > wanted.high:
        raise InvalidInput(
            f"No confidence is at least {wanted.low} and at most {wanted.high}.", ["low", "high"]
        )
    parts, values = [ENDS, *given], [*given.values()]
    if wanted.label is not None:
        if wanted.label not in LABELS:
            raise InvalidInput(f"label is one of {', '.join(LABELS)}, not {wanted.label!r}.", ["label"])
        parts.append(LABELS[wanted.label])
    if text := wanted.text.strip():
        parts.append(TEXT)
        values += [text, text, sha256(text), text.lower(), text]
    return " AND ".join(parts), values


def _moment(name: str, moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidInput(f"{name} says no time zone: add one, as in 2026-01-31T12:00:00Z.", [name])
    return None if moment is None else naive_utc(moment)


def _share(name: str, bound: float | None) -> float | None:
    if bound is not None and not 0 <= bound <= 1:
        raise InvalidInput(f"A confidence lies between 0 and 1, unlike {bound}.", [name])
    return bound


def _order(key: str, down: bool) -> tuple[str, str]:
    """The key that is never NULL, and the condition of what comes after a place."""
    if key == "event_id":
        return key, f"event_id {'<' if down else '>'} ?"
    beyond = f"(key, event_id) {'<' if down else '>'} (?, ?)"
    return f"coalesce({key}::DOUBLE, {'-' if down else ''}'inf'::DOUBLE)", beyond


def _cursor(place: tuple[float, int, int]) -> str:
    key, event, _ = place
    return f"{float(key)!r}:{event}"


def _place(cursor: str) -> list[float | int]:
    """The place that a page ended at. Raises InvalidInput."""
    key, _, event = cursor.partition(":")
    try:
        place = float(key), int(event)
        if math.isnan(place[0]) or not 0 <= place[1] < 2**63:
            raise ValueError
    except ValueError as error:
        raise InvalidInput(f"after is the `next` of another page, not {cursor!r}.", ["after"]) from error
    return [*place]


def _steps_of(where: str, event: str = "") -> str:
    """The condition of every step of the traces whose last step meets one."""
    if where == ENDS:
        return "true"
    return f"{event}trace_id IN (SELECT trace_id FROM model_inference_events WHERE {where})"


def _exported(table: ExportTable, where: str, *, ordered: bool = True) -> str:
    """What is exported of the events `e` under a condition. Raises InvalidInput."""
    if table == "events":
        order = "ORDER BY e.event_id" if ordered else ""
        return f"""
            SELECT e.*, l.correct FROM model_inference_events e
            LEFT JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id
            WHERE {where} {order}"""
    if table == "tokens":
        order = 'ORDER BY t.event_id, t."row", t.position' if ordered else ""
        other = (
            "struct_pack(id := a.id, bytes := lower(hex(a.bytes)), logprob := a.logprob, is_end := a.is_end)"
        )
        return f"""
            SELECT e.trace_id, e.step, t.* REPLACE (
                lower(hex(t.bytes)) AS bytes,
                CASE WHEN t.alternatives IS NOT NULL
                THEN [{other} FOR a IN t.alternatives] END AS alternatives
            )
            FROM model_inference_token_stats t JOIN model_inference_events e ON e.event_id = t.event_id
            WHERE {where} {order}"""
    raise InvalidInput(f"table is one of {', '.join(CHUNKS)}, not {table!r}.", ["table"])


def _line(row: Row) -> TraceLine:
    return TraceLine(
        id=row["trace_id"],
        session_id=row["session_id"],
        parent_id=row["parent_trace_id"],
        created_at=in_utc(row["created_at"]),
        question=row["question"] if row["question"] is not None else row["question_preview"],
        question_sha256=row["question_sha256"],
        answer=row["answer"],
        model=row["model"],
        policy=row["policy"],
        steps=row["step"] + 1,
        action=Action(row["action"]),
        gate=Gate(row["gate"]),
        confidence=Confidence(row["confidence"], row["calibrated"], row["familiarity"]),
        correct=row["correct"],
        prompt_tokens=row["trace_prompt_tokens"],
        generated_tokens=row["trace_generated_tokens"],
        seconds=row["trace_seconds"],
    )
