"""A second home for events: PostgreSQL, with TimescaleDB where that extension is there.

Events go into DuckDB first, always. A thread copies what changed, in the order of the changes: one
transaction there makes a batch of traces like those here and notes how far it is, so that each event arrives
once, however often the server goes away.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from codex.errors import CodexError, SettingsError
from codex.store.database.file import Database
from codex.store.database.migrations import MIGRATIONS
from codex.store.postgres.outbox import Outbox

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

EVENTS, TOKENS = "model_inference_events", "model_inference_token_stats"
BATCH = 100
"""Traces copied in one transaction."""
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 60
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the next try after the first failure, and at most."""
LAST_TRY = 3.0
"""Seconds for what waits when the store is closed."""
PREFIXES = ("postgresql://", "postgres://")
TYPES = {
    "BOOLEAN": "boolean",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric",
    "DOUBLE": "double precision",
    "TIMESTAMP": "timestamptz",
    "BLOB": "bytea",
    "VARCHAR": "text",
}
"""Types of DuckDB's columns there; everything else is jsonb."""
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class EventsRefused(CodexError):
    """PostgreSQL has what this Codex must not touch; a person has to decide."""


@dataclass(frozen=True, slots=True)
class CopyStatus:
    """How far the copy is."""

    state: Literal["copying", "up to date", "waiting", "refused"]
    """waiting: for the server; refused: until a person decides and Codex is started again."""
    waiting: int
    """Changed traces that are not copied."""
    note: str
    """What the server has, or what is wrong, in a sentence; never the address's password."""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    """As PostgreSQL has it."""
    read: str
    """The expression that reads it in DuckDB."""


class EventCopy:
    """Copies the events of one database, in a thread of its own, until it is closed."""

    def __init__(self, database: Database, outbox: Outbox, address: str, days: int | None = None) -> None:
        """address: postgresql://...; days: how long TimescaleDB keeps an event, None: without end.

        The server need not be there.
        """
        self._address = address
        self._database = database
        self._outbox = outbox
        self._days = days
        self._source = outbox.open()
        self._events = self._columns(EVENTS)
        self._tokens = self._columns(TOKENS)
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._idle = threading.Condition()
        self._state: Literal["copying", "up to date", "waiting", "refused"] = "copying"
        self._note = ""
        self._thread = threading.Thread(target=self._run, name="codex-events", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something changed: copy it."""
        self._changed.set()

    @property
    def status(self) -> CopyStatus:
        """How far the copy is. Raises StoreError."""
        waiting = self._outbox.waiting()
        with self._idle:
            return CopyStatus(self._state, waiting, self._note)

    def wait(self, seconds: float) -> bool:
        """Wait until the copy is up to date; whether it is."""
        self.wake()
        with self._idle:
            return self._idle.wait_for(
                lambda: (
                    self._state == "refused" or (self._state == "up to date" and not self._changed.is_set())
                ),
                seconds,
            )

    def close(self) -> None:
        """Copy what waits if that is quick, and end. What is left is copied at the next start."""
        if self._state in ("copying", "up to date"):
            self.wait(LAST_TRY)
        self._closing.set()
        self._changed.set()
        self._thread.join(STATEMENT_SECONDS)

    def _run(self) -> None:
        import psycopg

        wait = FIRST_WAIT
        while not self._closing.is_set():
            try:
                with closing(self._connect()) as there:
                    self._prepare(there)
                    wait = FIRST_WAIT
                    self._follow(there)
            except EventsRefused as error:
                log.error("Events are not copied: %s", error)
                self._tell("refused", str(error))
                return
            except (psycopg.Error, OSError, CodexError) as error:
                said = self._without_password(str(error).partition("\n")[0])
                if self._state != "waiting":
                    log.warning("Events wait in DuckDB until PostgreSQL can be reached: %s", said)
                self._tell("waiting", f"PostgreSQL cannot be used now: {said}. The events wait here.")
                self._closing.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        ours: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": CONNECT_SECONDS * 1000,
            "application_name": "codex",
        }
        told = ours | conninfo_to_dict(self._address)
        there = psycopg.connect(make_conninfo(**told), autocommit=True)
        there.execute(f"SET statement_timeout = {STATEMENT_SECONDS * 1000}")
        there.execute("SET timezone = 'UTC'")
        return there

    def _follow(self, there: psycopg.Connection[Any]) -> None:
        """Copy as things change; returns when the store is closed."""
        while not self._closing.is_set():
            with self._idle:
                self._changed.clear()
                self._state = "copying"
            while (batch := self._outbox.first(BATCH)) and not self._closing.is_set():
                self._copy(there, batch)
                self._outbox.remove(batch[-1][0])
            if not batch:
                self._tell("up to date", self._note)
            self._changed.wait()

    def _copy(self, there: psycopg.Connection[Any], batch: Sequence[tuple[int, str]]) -> None:
        """Make the copies of these traces like the store, in one transaction."""
        traces = list(dict.fromkeys(trace for _, trace in batch))
        events, tokens = self._read(traces)
        with there.transaction(), there.cursor() as cursor:
            gone = "WHERE source = %s AND trace_id = ANY(%s)"
            cursor.execute(
                f"DELETE FROM codex.{TOKENS} WHERE source = %s AND event_id IN"
                f" (SELECT event_id FROM codex.{EVENTS} {gone})",
                [self._source, self._source, traces],
            )
            cursor.execute(f"DELETE FROM codex.{EVENTS} {gone}", [self._source, traces])
            self._write(cursor, EVENTS, self._events, events)
            self._write(cursor, TOKENS, [*self._tokens, _created_at()], tokens)
            cursor.execute(
                "UPDATE codex.sources SET (last_number, last_trace) = (%s, %s) WHERE id = %s",
                [*batch[-1], self._source],
            )

    def _write(
        self, cursor: Any, table: str, columns: Sequence[_Column], lines: Sequence[tuple[Any, ...]]
    ) -> None:
        names = ", ".join(f'"{name}"' for name in ("source", *(column.name for column in columns)))
        with cursor.copy(f"COPY codex.{table} ({names}) FROM STDIN") as copy:
            for line in lines:
                values = (_storable(value, column.type) for value, column in zip(line, columns, strict=True))
                copy.write_row((self._source, *values))

    def _read(self, traces: Sequence[str]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The rows of these traces, and of their tokens with when each event was."""
        events = ", ".join(column.read for column in self._events)
        tokens = ", ".join(column.read for column in self._tokens)
        chosen = "e.trace_id IN (SELECT unnest(?))"
        with self._database.read() as db:
            db.begin()
            found = db.execute(
                f"SELECT {events} FROM {EVENTS} e WHERE {chosen} ORDER BY e.event_id", [list(traces)]
            ).fetchall()
            ids = db.execute(
                f"SELECT min(e.event_id), max(e.event_id) FROM {EVENTS} e WHERE {chosen}", [list(traces)]
            ).fetchall()[0]
            of = db.execute(
                f"SELECT {tokens}, {_created_at().read} FROM {TOKENS} t JOIN {EVENTS} e USING (event_id)"
                f" WHERE t.event_id BETWEEN ? AND ? AND {chosen}"
                ' ORDER BY t.event_id, t."row", t.position',
                [*ids, list(traces)],
            ).fetchall()
            db.rollback()
        return found, of

    def _prepare(self, there: psycopg.Connection[Any]) -> None:
        """Tables as this Codex has them, and the place where the copy stopped."""
        with there.transaction():
            there.execute("SELECT pg_advisory_xact_lock(hashtext('codex.schema'))")
            there.execute("CREATE SCHEMA IF NOT EXISTS codex")
            there.execute("CREATE TABLE IF NOT EXISTS codex.schema_version (version integer NOT NULL)")
            there.execute(
                "CREATE TABLE IF NOT EXISTS codex.sources"
                " (id text PRIMARY KEY, last_number bigint NOT NULL, last_trace text NOT NULL)"
            )
            self._check_version(there)
            for table, columns, key in (
                (EVENTS, self._events, "PRIMARY KEY (source, event_id, created_at)"),
                (
                    TOKENS,
                    [*self._tokens, _created_at()],
                    'PRIMARY KEY (source, event_id, "row", position, created_at)',
                ),
            ):
                told = ", ".join(f'"{column.name}" {column.type}' for column in columns)
                there.execute(
                    f"CREATE TABLE IF NOT EXISTS codex.{table} (source text NOT NULL, {told}, {key})"
                )
                for column in columns:
                    there.execute(
                        f'ALTER TABLE codex.{table} ADD COLUMN IF NOT EXISTS "{column.name}" {column.type}'
                    )
            there.execute(f"CREATE INDEX IF NOT EXISTS {EVENTS}_trace ON codex.{EVENTS} (source, trace_id)")
        self._note = self._partition(there)
        self._take_up(there)

    def _check_version(self, there: psycopg.Connection[Any]) -> None:
        """Raises EventsRefused where a newer Codex made the tables."""
        found = there.execute("SELECT max(version) FROM codex.schema_version").fetchone()
        version = found[0] if found else None
        if version is not None and version > len(MIGRATIONS):
            raise EventsRefused(
                f"The tables in PostgreSQL were made by a newer Codex: they are at version {version}, and "
                f"this one knows versions up to {len(MIGRATIONS)}. Update Codex, or set another database in "
                "store.events. The events wait here."
            )
        there.execute("DELETE FROM codex.schema_version")
        there.execute("INSERT INTO codex.schema_version VALUES (%s)", [len(MIGRATIONS)])

    def _partition(self, there: psycopg.Connection[Any]) -> str:
        """Hypertables where TimescaleDB is there; returns what there is now, in a sentence."""
        import psycopg

        try:
            with there.transaction():
                there.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
                for table in (EVENTS, TOKENS):
                    there.execute(
                        f"SELECT create_hypertable('codex.{table}', 'created_at', if_not_exists => true,"
                        " migrate_data => true)"
                    )
                    there.execute(f"SELECT remove_retention_policy('codex.{table}', if_exists => true)")
                    if self._days:
                        there.execute(
                            f"SELECT add_retention_policy('codex.{table}', %s::interval,"
                            " if_not_exists => true)",
                            [f"{self._days} days"],
                        )
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            said = str(error).partition("\n")[0]
            log.info("Events are kept in plain tables: TimescaleDB is not available (%s).", said)
            return f"In plain tables: TimescaleDB is not available ({said})."
        kept = f", kept for {self._days} days" if self._days else ""
        return f"In TimescaleDB's hypertables{kept}."

    def _take_up(self, there: psycopg.Connection[Any]) -> None:
        """Resume after the last change that arrived.

        A server that has nothing yet gets everything; so does one that missed changes, or has later ones
        because this database was restored from an older copy: what only that server has stays there.
        """
        found = there.execute(
            "SELECT last_number, last_trace FROM codex.sources WHERE id = %s", [self._source]
        ).fetchone()
        if found is not None and self._outbox.confirms(*found):
            self._outbox.remove(found[0])
            return
        number = self._outbox.restart()
        there.execute(
            "INSERT INTO codex.sources VALUES (%s, %s, '') ON CONFLICT (id) DO UPDATE"
            " SET (last_number, last_trace) = (EXCLUDED.last_number, '')",
            [self._source, number],
        )

    def _columns(self, table: str) -> list[_Column]:
        alias = "e" if table == EVENTS else "t"
        with self._database.read() as db:
            found = db.execute(f"DESCRIBE {table}").fetchall()
        columns = []
        for name, kind, *_ in found:
            place = f'{alias}."{name}"'
            if kind in TYPES:
                columns.append(_Column(name, TYPES[kind], place))
            else:
                text = place if kind == "JSON" else f"to_json({place})"
                columns.append(_Column(name, "jsonb", f"{text}::VARCHAR"))
        return columns

    def _tell(self, state: Literal["copying", "up to date", "waiting", "refused"], note: str) -> None:
        with self._idle:
            self._state, self._note = state, note
            self._idle.notify_all()

    def _without_password(self, text: str) -> str:
        from psycopg.conninfo import conninfo_to_dict

        password = conninfo_to_dict(self._address).get("password")
        return text.replace(str(password), "…") if password else text


def check_address(address: str) -> None:
    """Raises SettingsError, which does not repeat the address: it may hold a password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    with suppress(psycopg.ProgrammingError):
        if address.startswith(PREFIXES) and conninfo_to_dict(address):
            return
    raise SettingsError(
        "store.events cannot be read: it is an address such as postgresql://user@host/database.",
        ["store.events"],
    )


def _created_at() -> _Column:
    return _Column("created_at", "timestamptz", "e.created_at")


def _storable(value: Any, kind: str) -> Any:
    """A value without the character U+0000, which PostgreSQL's texts cannot hold."""
    if not isinstance(value, str):
        return value
    return NUL.sub(r"\1\\ufffd", value) if kind == "jsonb" else value.replace("\x00", "\ufffd")
