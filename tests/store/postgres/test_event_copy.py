"""Events in PostgreSQL too: all of them, in order, once, however often the server goes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from codex.errors import SettingsError, StoreError
from codex.store import Store
from codex.store.database.migrations import MIGRATIONS
from codex.store.postgres.event_copy import EVENTS, TOKENS, EventCopy
from codex.store.postgres.outbox import Outbox
from tests.support.postgres import Server, running
from tests.support.traces import make_trace

ENOUGH = 60.0
"""Seconds; the machine may be busy."""


@pytest.fixture(scope="module")
def installed() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(installed: Server) -> Server:
    with psycopg.connect(installed.address, autocommit=True) as there:
        there.execute("DROP SCHEMA IF EXISTS codex CASCADE")
    return installed


def opened(folder: Path, server: Server | None, **options: Any) -> Store:
    return Store(folder / "codex.duckdb", "full", server.address if server else None, **options)


def copied(store: Store) -> None:
    assert store._copy is not None
    assert store._copy.wait(ENOUGH), store.event_copy


def there(server: Server, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.address) as connection:
        return connection.execute(query).fetchall()


def traces(server: Server) -> list[str]:
    return [trace for (trace,) in there(server, f"SELECT trace_id FROM codex.{EVENTS} ORDER BY event_id")]


def test_every_column_of_an_event_and_of_its_tokens_arrives(server: Server, tmp_path: Path) -> None:
    trace = make_trace(1, question="Wie weit ist der Mond? 🌒")
    with opened(tmp_path, server) as store:
        store.save(trace)
        copied(store)
        with store._database.read() as db:
            here = db.execute(
                "SELECT trace_id, question, answer, created_at, confidence, len(samples), entropy,"
                " signals::JSON ->> '$.entropy', policy FROM model_inference_events"
            ).fetchall()
            tokens = db.execute(
                'SELECT "row", position, token_id, bytes, logprob, in_focus, len(alternatives)'
                ' FROM model_inference_token_stats ORDER BY "row", position'
            ).fetchall()
            columns = [name for name, *_ in db.execute("DESCRIBE model_inference_events").fetchall()]
    found = there(
        server,
        "SELECT trace_id, question, answer, created_at AT TIME ZONE 'UTC', confidence,"
        f" jsonb_array_length(samples), entropy, signals ->> 'entropy', policy FROM codex.{EVENTS}",
    )
    assert [(*row[:7], *row[8:]) for row in found] == [(*row[:7], *row[8:]) for row in here]
    assert float(found[0][7] or 0) == float(here[0][7] or 0)
    assert tokens == there(
        server,
        'SELECT "row", position, token_id, bytes, logprob, in_focus, jsonb_array_length(alternatives)'
        f' FROM codex.{TOKENS} ORDER BY "row", position',
    )
    assert {name for (name,) in there(
        server, f"SELECT column_name FROM information_schema.columns WHERE table_name = '{EVENTS}'"
    )} == {"source", *columns}  # fmt: skip


def test_events_wait_while_the_server_is_down_and_follow_in_order_once_each(
    server: Server, tmp_path: Path
) -> None:
    saved = [make_trace(number) for number in range(30)]
    with opened(tmp_path, server) as store:
        for trace in saved[:10]:
            store.save(trace)
        copied(store)
        server.stop()
        try:
            for trace in saved[10:20]:
                store.save(trace)
            assert store.event_copy is not None
            assert store.event_copy.waiting == 10
        finally:
            server.start()
        for trace in saved[20:]:
            store.save(trace)
        copied(store)
        assert store.event_copy is not None
        assert (store.event_copy.state, store.event_copy.waiting) == ("up to date", 0)
    assert traces(server) == [trace.id for trace in saved]


def test_events_wait_for_the_next_start(server: Server, tmp_path: Path) -> None:
    server.stop()
    try:
        with opened(tmp_path, server) as store:
            store.save(make_trace(1))
    finally:
        server.start()
    with opened(tmp_path, server) as store:
        copied(store)
    assert traces(server) == [make_trace(1).id]


def test_a_batch_that_arrived_is_not_copied_again_after_an_accident_here(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, copy = Outbox.remove, EventCopy._copy
    copies: list[int] = []
    accidents = [StoreError("The disk is full.")]

    def fails_once(self: Outbox, number: int) -> None:
        if copies and accidents:
            raise accidents.pop()
        remove(self, number)

    def counted(self: EventCopy, *given: Any) -> None:
        copies.append(1)
        copy(self, *given)

    monkeypatch.setattr(Outbox, "remove", fails_once)
    monkeypatch.setattr(EventCopy, "_copy", counted)
    with opened(tmp_path, server) as store:
        copied(store)
        store.save(make_trace(1))
        copied(store)
    assert (len(copies), accidents) == (1, [])
    assert traces(server) == [make_trace(1).id]
    assert there(server, f"SELECT count(*) FROM codex.{TOKENS}")[0][0] == 32


def test_what_was_there_before_the_setting_follows(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, None) as store:
        store.save(make_trace(1))
        assert store.event_copy is None
    with opened(tmp_path, server) as store:
        store.save(make_trace(2))
        copied(store)
    with opened(tmp_path, None) as store:
        store.save(make_trace(3))
    with opened(tmp_path, server) as store:
        copied(store)
    assert traces(server) == [make_trace(number).id for number in (1, 2, 3)]


def test_a_deleted_session_is_deleted_there_too(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        store.save(make_trace(1, session="gone"))
        store.save(make_trace(2, session="stays"))
        copied(store)
        store.delete_session("gone")
        copied(store)
    assert traces(server) == [make_trace(2).id]
    assert there(server, f"SELECT count(DISTINCT event_id) FROM codex.{TOKENS}") == [(1,)]


def test_events_follow_after_the_file_was_rewritten(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        store.save(make_trace(1, session="gone"))
        store.save(make_trace(2, session="stays"))
        copied(store)
        store.delete_session("gone")
        store.erasure.run()
        store.save(make_trace(3, session="stays"))
        copied(store)
    assert traces(server) == [make_trace(2).id, make_trace(3).id]


def test_what_privacy_leaves_out_is_left_out_there(server: Server, tmp_path: Path) -> None:
    trace = make_trace(1, question="a secret")
    with opened(tmp_path, server) as store:
        store.privacy = "hash"
        store.save(trace)
        copied(store)
        assert there(server, f"SELECT question FROM codex.{EVENTS}") == [(None,)]
        store.privacy = "full"
        store.keep_question(trace)
        copied(store)
        assert there(server, f"SELECT question FROM codex.{EVENTS}") == [("a secret",)]


def test_two_databases_share_a_server(server: Server, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name, server) as store:
            store.save(make_trace(1))
            copied(store)
    assert traces(server) == [make_trace(1).id] * 2


def test_a_character_that_postgresql_cannot_hold_is_replaced(server: Server, tmp_path: Path) -> None:
    trace = make_trace(1, question='nul \x00 and \\u0000 and "quoted"')
    with opened(tmp_path, server) as store:
        store.save(trace)
        copied(store)
    assert there(server, f"SELECT question FROM codex.{EVENTS}") == [('nul \ufffd and \\u0000 and "quoted"',)]


def test_the_tables_of_a_newer_codex_are_left_alone(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        copied(store)
    with psycopg.connect(server.address) as connection:
        connection.execute("UPDATE codex.schema_version SET version = %s", [len(MIGRATIONS) + 1])
    with opened(tmp_path, server) as store:
        store.save(make_trace(1))
        assert store._copy is not None
        assert store._copy.wait(ENOUGH)
        assert store.event_copy is not None
        assert (store.event_copy.state, store.event_copy.waiting) == ("refused", 1)
        assert "newer Codex" in store.event_copy.note
        assert store.load(make_trace(1).id).question == "How far is the moon?"
    assert traces(server) == []


def test_tables_of_an_older_codex_get_the_columns_that_they_lack(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        copied(store)
    with psycopg.connect(server.address) as connection:
        connection.execute(f"ALTER TABLE codex.{EVENTS} DROP COLUMN familiarity")
        connection.execute("UPDATE codex.schema_version SET version = 1")
    with opened(tmp_path, server) as store:
        store.save(make_trace(1))
        copied(store)
    assert there(server, f"SELECT count(familiarity) FROM codex.{EVENTS}") == [(1,)]


def test_a_database_restored_from_an_older_copy_loses_nothing(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        store.save(make_trace(1))
        copied(store)
    older = (tmp_path / "codex.duckdb").read_bytes()
    with opened(tmp_path, server) as store:
        store.save(make_trace(2))
        copied(store)
    (tmp_path / "codex.duckdb").write_bytes(older)
    with opened(tmp_path, None) as store:
        # They get the numbers that the lost ones had.
        store.save(make_trace(3))
        store.save(make_trace(4))
    with opened(tmp_path, server) as store:
        copied(store)
    assert set(traces(server)) == {make_trace(number).id for number in (1, 2, 3, 4)}


def test_a_server_that_missed_changes_gets_them(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        store.save(make_trace(1))
        copied(store)
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute("ALTER SCHEMA codex RENAME TO first")
        try:
            with opened(tmp_path, server) as store:  # Another server, for a while.
                store.save(make_trace(2))
                copied(store)
            connection.execute("DROP SCHEMA codex CASCADE")
        finally:
            connection.execute("ALTER SCHEMA first RENAME TO codex")
    with opened(tmp_path, server) as store:
        copied(store)
    assert traces(server) == [make_trace(1).id, make_trace(2).id]


def test_plain_tables_are_said_to_be_plain(server: Server, tmp_path: Path) -> None:
    with opened(tmp_path, server) as store:
        copied(store)
        assert store.event_copy is not None
        assert store.event_copy.note.startswith("In plain tables: TimescaleDB is not available (")


def test_hypertables_and_retention_are_set_up_where_timescaledb_is(server: Server, tmp_path: Path) -> None:
    with psycopg.connect(server.address, autocommit=True) as connection:
        # What Codex calls of the extension, in place of the extension: it notes how it is called.
        connection.execute("CREATE TABLE IF NOT EXISTS called (what text)")
        connection.execute(
            """
            CREATE OR REPLACE FUNCTION create_hypertable(
                t regclass, c name, if_not_exists bool, migrate_data bool)
            RETURNS void AS $$ INSERT INTO called VALUES ('hypertable ' || t || ' ' || c) $$ LANGUAGE sql;
            CREATE OR REPLACE FUNCTION remove_retention_policy(t regclass, if_exists bool)
            RETURNS void AS $$ INSERT INTO called VALUES ('none ' || t) $$ LANGUAGE sql;
            CREATE OR REPLACE FUNCTION add_retention_policy(t regclass, i interval, if_not_exists bool)
            RETURNS void AS $$ INSERT INTO called VALUES ('days ' || t || ' ' || i) $$ LANGUAGE sql;
            INSERT INTO pg_extension SELECT 99999, 'timescaledb', oid, relnamespace, true, '1', NULL, NULL
            FROM (SELECT 10::oid AS oid, 2200::oid AS relnamespace) a
            """
        )
        try:
            with opened(tmp_path, server, event_days=30) as store:
                store.save(make_trace(1))
                copied(store)
                assert store.event_copy is not None
                assert store.event_copy.note == "In TimescaleDB's hypertables, kept for 30 days."
            called = [what for (what,) in connection.execute("SELECT what FROM called").fetchall()]
        finally:
            connection.execute("DELETE FROM pg_extension WHERE extname = 'timescaledb'")
            connection.execute("DROP TABLE called")
    assert called == [
        f"{what} codex.{table}{rest}"
        for table in (EVENTS, TOKENS)
        for what, rest in (("hypertable", " created_at"), ("none", ""), ("days", " 30 days"))
    ]


@pytest.mark.parametrize("address", ["mysql://a/b", "postgresql://[", "file.db", "postgresql:// a b"])
def test_an_address_that_is_none_is_refused_without_repeating_it(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError, match=r"store\.events") as error:
        Store(tmp_path / "codex.duckdb", "full", address)
    assert address not in str(error.value)
    Store(tmp_path / "codex.duckdb").close()


def test_no_message_tells_the_password(tmp_path: Path) -> None:
    with Store(tmp_path / "a.duckdb", "full", "postgresql://u:secret-word@127.0.0.1:1/d") as store:
        store.save(make_trace(1))
        assert store._copy is not None
        with store._copy._idle:
            assert store._copy._idle.wait_for(lambda: store._copy._state == "waiting", ENOUGH)  # type: ignore[union-attr]
        assert store.event_copy is not None
        assert "secret-word" not in store.event_copy.note
        assert store.event_copy.waiting == 1
