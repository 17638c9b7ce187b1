"""Traces on their way into the tables: durable once they are put in, spread over the tables a moment later.

Spreading a trace over its tables takes longer than a person should wait for its answer, so `put` writes it
as two texts into one row, and a thread spreads it. Whatever is read or written after `put` finds it in its
tables: the database waits for that (`Database.settle`). What a process leaves behind is spread by the next.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import duckdb
import orjson
from pydantic_core import PydanticSerializationError, to_json

from codex.errors import Conflict, InvalidInput, StoreError
from codex.store.codec.nouns import Part, parts
from codex.store.config import Privacy
from codex.store.database.file import Database, rows
from codex.store.postgres.outbox import Outbox
from codex.store.traces.rows import TOKEN, TOKEN_COLUMNS, event_row, trace_of
from codex.types import Alternative, Generation, Trace

WAITING = 8
"""Traces that may wait to be spread; they are spread together."""
PUT = """INSERT INTO trace_inbox SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM traces WHERE id = $1)"""

_TOKEN = [(column.part, attrgetter(column.part.name)) for column in TOKEN]
_ALTERNATIVE = [(part, attrgetter(part.name)) for part in parts(Alternative)]

log = logging.getLogger(__name__)


class Inbox:
    """The traces of a database that are not in their tables yet. Thread-safe."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        """outbox: is told of each trace that comes into the tables."""
        self._database = database
        self._outbox = outbox
        self._put = 1
        """One more than was put in: at the start there may be something that an earlier process left."""
        self._spread = 0
        self._counting = threading.Lock()
        # A thread that stands ready: starting one for each trace costs the caller 2 ms.
        self._spreader = ThreadPoolExecutor(1, thread_name_prefix="codex-inbox")
        database.settle = self.settle

    def put(self, trace: Trace, privacy: Privacy) -> None:
        """Keep a trace, whole or not at all. Raises Conflict, InvalidInput, StoreError."""
        try:
            events, tokens = _texts(trace, privacy)
        except (PydanticSerializationError, orjson.JSONEncodeError) as error:
            raise InvalidInput(f"The trace holds text that cannot be stored: {error}") from error
        if self._put - self._spread > WAITING:
            self.settle()
        with self._database.append() as db:
            try:
                db.execute(PUT, [trace.id, events, tokens])
                if db.fetchall() == [(0,)]:
                    raise _taken(trace.id)
            except duckdb.ConstraintException as error:
                raise _taken(trace.id) from error
            except duckdb.InvalidInputException as error:
                raise InvalidInput(f"The trace holds text that cannot be stored: {error}") from error
        with self._counting:
            self._put += 1
        with suppress(RuntimeError):  # The store was closed meanwhile: the next start spreads it.
            self._spreader.submit(self._settled)

    def settle(self) -> None:
        """Spread what was put in before; returns when it stands in its tables. Raises StoreError."""
        while self._spread < self._put:
            with self._database.transaction() as db:
                put = self._put
                found = rows(db, "SELECT * FROM trace_inbox ORDER BY rowid LIMIT ?", [WAITING])
                for row in found:
                    _insert(db, row["trace_id"], json.loads(row["events"]), row["tokens"])
                    db.execute("DELETE FROM trace_inbox WHERE trace_id = ?", [row["trace_id"]])
                self._outbox.add(db, [row["trace_id"] for row in found])
            if len(found) < WAITING:
                self._spread = put

    def load(self, trace_id: str) -> Trace | None:
        """A trace that could not be spread, as on a full disk; None: it does not wait here."""
        with self._database.read() as db:
            found = rows(db, "SELECT events, tokens FROM trace_inbox WHERE trace_id = ?", [trace_id])
            if not found:
                return None
            names = ", ".join(f'"{name}"' for name in TOKEN_COLUMNS)
            query = f'SELECT {names} FROM ({_rows_of_tokens()}) ORDER BY event_id, "row", position'
            tokens = db.execute(query, [0, found[0]["tokens"]]).fetchall()
        events = [
            event
            | {
                "event_id": number,
                "created_at": datetime.fromisoformat(event["created_at"]),
                "signals": dict(zip(event["signals"]["key"], event["signals"]["value"], strict=True)),
            }
            for number, event in enumerate(json.loads(found[0]["events"]))
        ]
        return trace_of(events, tokens)

    def close(self) -> None:
        """Wait for the thread; what it could not spread is when the file is opened again."""
        self._spreader.shutdown()

    def _settled(self) -> None:
        try:
            self.settle()
        except StoreError as error:
            # Whoever uses the store next tries again, and is told.
            log.warning("A saved trace is not in its tables yet: %s", error)


def _taken(trace_id: str) -> Conflict:
    return Conflict(f"A trace {trace_id!r} is stored already.")


def _texts(trace: Trace, privacy: Privacy) -> tuple[str, str]:
    """The rows of model_inference_events and what is kept of the tokens, as JSON."""
    events = [event_row(trace, number, privacy) for number in range(len(trace.steps))]
    tokens = []
    for number, step in enumerate(trace.steps):
        answer = _tokens(step.observation.generation)
        # The samples' alternatives are left out: at 20 a token and ten samples they would be nine tenths of
        # the database, and nothing that is computed from stored samples reads them.
        tokens.append(
            {
                "step": number,
                "row": 0,
                **answer,
                "focus": step.focus,
                "alternatives": _alternatives(step.observation.generation),
            }
        )
        tokens += [
            {"step": number, "row": row, **_tokens(sample)}
            for row, sample in enumerate(step.observation.samples, start=1)
        ]
    return to_json(events, inf_nan_mode="constants").decode(), orjson.dumps(tokens).decode()


def _tokens(generation: Generation) -> dict[str, list[Any]]:
    """The tokens by column: a fifth of the time that a text of a token each takes."""
    return {part.name: _values(part, get, generation.tokens) for part, get in _TOKEN}


def _alternatives(generation: Generation) -> dict[str, list[list[Any]]]:
    return {
        part.name: [_values(part, get, token.alternatives) for token in generation.tokens]
        for part, get in _ALTERNATIVE
    }


def _values(part: Part, get: Callable[[Any], Any], nouns: Sequence[object]) -> list[Any]:
    """A field of each, as JSON has it; a number that is not finite becomes null."""
    if part.annotation is bytes:
        return [get(noun).hex() for noun in nouns]
    return list(map(get, nouns))


def _insert(
    db: duckdb.DuckDBPyConnection, trace_id: str, events: Sequence[dict[str, Any]], tokens: str
) -> None:
    created = datetime.fromisoformat(events[0]["created_at"])
    db.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?)", [events[0]["session_id"], created])
    ids = [i for (i,) in db.execute("SELECT nextval('event_ids') FROM range(?)", [len(events)]).fetchall()]
    with db.appender("model_inference_events", columns=["event_id", *events[0]]) as appender:
        appender.append_rows(
            [(i, *(event | {"created_at": created}).values()) for i, event in zip(ids, events, strict=True)]
        )
    db.execute(f"INSERT INTO model_inference_token_stats BY NAME {_rows_of_tokens()}", [ids[0], tokens])
    db.execute("INSERT INTO traces VALUES (?, ?, ?)", [trace_id, ids[0], ids[-1]])


@cache
def _rows_of_tokens() -> str:
    """The rows of model_inference_token_stats. Parameters: the first event's id, the tokens as JSON."""
    others = parts(Alternative)
    fields: dict[str, Any] = {"step": "BIGINT", "row": "BIGINT", "focus": ["BOOLEAN"]}
    fields |= {column.part.name: [_kind(column.part)] for column in TOKEN}
    fields["alternatives"] = {part.name: [[_kind(part)]] for part in others}
    by_token = [
        *(f'unnest(g."{column.part.name}") AS "{column.name}"' for column in TOKEN),
        *(f'unnest(g.alternatives."{part.name}") AS "other_{part.name}"' for part in others),
    ]
    values = [_bytes(column.part, f'"{column.name}"') + f' AS "{column.name}"' for column in TOKEN]
    other = ", ".join(
        f'"{part.name}" := {_bytes(part, f"other[{at}]")}' for at, part in enumerate(others, start=1)
    )
    lists = ", ".join(f'"other_{part.name}"' for part in others)
    finite = next(at for at, part in enumerate(others, start=1) if part.name == "logprob")
    return f"""
        SELECT event_id, "row", position, {", ".join(values)}, in_focus,
               CASE "row" WHEN 0 THEN
                   [struct_pack({other}) FOR other IN list_zip({lists}) IF other[{finite}] IS NOT NULL]
               END AS alternatives
        FROM (
            SELECT $1 + g.step AS event_id, g."row", unnest(range(len(g.id))) AS position,
                   unnest(g.focus) AS in_focus, {", ".join(by_token)}
            FROM (SELECT unnest(from_json($2, '{json.dumps([fields])}')) AS g)
        )
    """


def _kind(part: Part) -> str:
    """What a value is in JSON."""
    kind = part.annotation
    if get_origin(kind) in (Union, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", bytes: "VARCHAR", str: "VARCHAR"}[kind]


def _bytes(part: Part, value: str) -> str:
    return f"unhex({value})" if part.annotation is bytes else value
