"""SQL of analysts: what it answers, and that it can do nothing but read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codex.errors import Busy, Cancelled, InvalidInput
from codex.store import Store
from codex.store.sandbox import queries
from codex.store.sandbox.process import LONGEST_ERROR
from codex.store.sandbox.queries import Sandbox
from tests.support.traces import make_trace

SECRET = "sandbox-secret-7f3a"

FILES = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}', header = false)",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_json_objects('{file}')",
    "SELECT * FROM read_ndjson_objects('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM query_table('{file}')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/dev/fd/0')",
    "SELECT * FROM read_csv('https://example.org/a.csv')",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "WITH a AS (SELECT * FROM read_text('{file}')) SELECT * FROM a",
    "SELECT 1 UNION ALL SELECT content FROM read_text('{file}')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{file}')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('CODEX_SECRET')",
]
WRITES = [
    "DELETE FROM model_inference_events",
    "UPDATE labels SET verdict = 'correct'",
    "INSERT INTO sessions VALUES ('x', now())",
    "DROP TABLE labels",
    "ALTER TABLE labels DROP COLUMN note",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CREATE MACRO mine() AS 1",
    "TRUNCATE labels",
    "MERGE INTO labels USING labels AS b ON false WHEN MATCHED THEN DELETE",
    "SELECT nextval('event_ids')",
    "COPY labels TO '{file}'",
    "COPY (SELECT 1) TO '{file}'",
    "COPY labels FROM '{file}'",
    "EXPORT DATABASE '{folder}'",
    "IMPORT DATABASE '{folder}'",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "BEGIN TRANSACTION",
    "WITH gone AS (DELETE FROM labels RETURNING *) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM labels",
    "EXPLAIN ANALYZE COPY labels TO '{file}'",
]
SETTINGS = [
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "RESET memory_limit",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "USE memory",
    "SET VARIABLE a = 1",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL spatial FROM community",
    "LOAD '{file}'",
    "ATTACH '{file}' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH codex",
    "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CALL pragma_version()",
    "PREPARE a AS SELECT 1",
    "EXECUTE a",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE labels",
    "",
    "-- nothing",
    "SELEC 1",
]
PYTHON = ["SELECT * FROM connection", "SELECT * FROM asked", "SELECT * FROM sys", "SELECT * FROM columns"]
GREEDY = [
    "SELECT repeat('x', 1000000000) FROM range(10)",
    "SELECT list(i) FROM range(1000000000) r(i)",
    "SELECT string_agg(repeat('x', 1000)) FROM range(10000000)",
    "SELECT count(DISTINCT hash(i) || hash(-i)) FROM range(1000000000) r(i)",
    "SELECT range(1000000000)",
]
ENDLESS = [
    "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3",
    "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r",
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store") / "codex.duckdb", "full") as opened:
        for number in range(5):
            opened.save(make_trace(number, question=f"question {number}"))
        opened.label(make_trace(0).id, True)
        yield opened


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEX_SECRET", SECRET)
    file = tmp_path / "secret.csv"
    file.write_text(SECRET)
    return file


def refusal(store: Store, query: str, file: Path) -> str:
    with pytest.raises(InvalidInput) as error:
        store.sandbox.run(query.replace("{file}", str(file)).replace("{folder}", str(file.parent / "out")))
    assert error.value.fields == ("query",)
    assert file.read_text() == SECRET
    assert os.listdir(file.parent) == [file.name]
    return str(error.value)


def test_a_query_reads_the_store(store: Store) -> None:
    found = store.sandbox.run(
        "SELECT e.question, e.event_id, l.verdict, e.created_at, e.signals FROM model_inference_events e"
        " LEFT JOIN labels l ON l.question_id = e.trace_id ORDER BY e.event_id"
    )
    assert [column.name for column in found.columns] == [
        "question", "event_id", "verdict", "created_at", "signals",
    ]  # fmt: skip
    assert [row[0] for row in found.rows] == [f"question {number}" for number in range(5)]
    assert [row[2] for row in found.rows] == ["correct", None, None, None, None]
    assert isinstance(found.rows[0][1], int)
    assert str(found.rows[0][3]) == make_trace(0).created_at.replace(tzinfo=None).isoformat()
    assert str(found.rows[0][4]).startswith("{")
    assert found.truncated is None


def test_values_of_every_kind_come_through(store: Store) -> None:
    found = store.sandbox.run(
        "SELECT true, 1, 9007199254740993, 0.5::DOUBLE, 'nan'::DOUBLE, 1.25, 'ä\"\n', NULL, '\\x00ab'::BLOB,"
        " [1, NULL], {'a': date '2026-01-31'}, MAP {'k': 0.5::DOUBLE},"
        " uuid '00000000-0000-0000-0000-000000000001'"
    )
    assert found.rows[0] == (
        True, 1, "9007199254740993", 0.5, "nan", 1.25, 'ä"\n', None, "006162", "[1, null]",
        '{"a": "2026-01-31"}', '{"k": 0.5}', "00000000-0000-0000-0000-000000000001",
    )  # fmt: skip


@pytest.mark.parametrize("query", ["EXPLAIN SELECT 1", "SHOW TABLES", "DESCRIBE labels", "FROM labels"])
def test_other_queries_that_only_read_are_answered(store: Store, query: str) -> None:
    assert store.sandbox.run(query).rows


@pytest.mark.parametrize("query", FILES)
def test_no_file_is_read(store: Store, secret: Path, query: str) -> None:
    assert SECRET not in refusal(store, query, secret)


@pytest.mark.parametrize("query", [*WRITES, *SETTINGS, *PYTHON])
def test_nothing_is_written_or_set(store: Store, secret: Path, query: str) -> None:
    assert refusal(store, query, secret)
    assert len(store.sandbox.run("FROM model_inference_events").rows) == 5


@pytest.mark.parametrize("query", GREEDY)
def test_memory_is_limited(store: Store, secret: Path, query: str) -> None:
    assert "emory" in refusal(store, query, secret)


@pytest.mark.parametrize("query", ENDLESS)
def test_a_query_that_never_ends_is_stopped(
    store: Store, secret: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(store.sandbox, "_seconds", 1.0)
    said = refusal(store, query, secret)
    assert "took longer than 1 seconds" in said or "emory" in said


def test_a_query_that_gives_rows_without_end_is_cut_off_or_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB may give the first of them before it runs out of time or memory, or may not."""
    monkeypatch.setattr(store.sandbox, "_seconds", 1.0)
    query, said = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i FROM r) SELECT * FROM r", ""
    try:
        found = store.sandbox.run(query)
        ended = (len(found.rows), found.truncated) == (queries.ROWS, "rows")
    except InvalidInput as error:
        said = str(error)
        ended = "took longer than 1 seconds" in said or "emory" in said
    assert ended, said


def test_rows_are_limited(store: Store) -> None:
    found = store.sandbox.run("SELECT * FROM range(1000000)")
    assert (len(found.rows), found.truncated) == (queries.ROWS, "rows")
    exact = store.sandbox.run(f"SELECT * FROM range({queries.ROWS})")
    assert (len(exact.rows), exact.truncated) == (queries.ROWS, None)


def test_the_size_of_a_result_is_limited(store: Store) -> None:
    found = store.sandbox.run("SELECT repeat('x', 1000000) FROM range(100)")
    assert (len(found.rows), found.truncated) == (16, "bytes")


def test_a_message_that_repeats_a_value_is_cut(store: Store) -> None:
    with pytest.raises(InvalidInput, match="Invalid Input Error: xxx") as caught:
        store.sandbox.run("SELECT error(repeat('x', 1000000))")
    assert len(str(caught.value)) <= LONGEST_ERROR


def test_the_environment_is_empty(store: Store, secret: Path) -> None:
    found = store.sandbox.run("SELECT name, value FROM duckdb_settings()")
    assert all(SECRET not in str(row) and str(store.path) not in str(row) for row in found.rows)


def test_what_is_saved_later_is_seen(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb", "full") as store:
        count = "SELECT count(*) FROM model_inference_events"
        assert store.sandbox.run(count).rows == ((0,),)
        store.save(make_trace(1, session="a"))
        assert store.sandbox.run(count).rows == ((1,),)
        store.delete_session("a")
        assert store.sandbox.run(count).rows == ((0,),)


def test_the_copy_is_made_once_for_a_store_that_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        first = store.sandbox.run("SELECT 1").as_of
        assert store.sandbox.run("SELECT 1").as_of == first
        assert sorted(os.listdir(tmp_path)) == ["codex.duckdb"]


def test_a_query_can_be_cancelled(store: Store) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        store.sandbox.run(ENDLESS[0], cancel)
    assert store.sandbox.run("SELECT 1").rows == ((1,),)


def test_only_so_many_queries_run_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    running, ended = threading.Barrier(queries.AT_ONCE + 1), threading.Event()
    ask = Sandbox._ask

    def wait(self: Sandbox, *given: Any) -> Any:
        running.wait()
        ended.wait()
        return ask(self, *given)

    with monkeypatch.context() as patched, ThreadPoolExecutor() as pool:
        patched.setattr(Sandbox, "_ask", wait)
        found = [pool.submit(store.sandbox.run, "SELECT 1") for _ in range(queries.AT_ONCE)]
        running.wait()
        with pytest.raises(Busy, match="try again"):
            store.sandbox.run("SELECT 1")
        ended.set()
        assert [each.result().rows for each in found] == [((1,),)] * queries.AT_ONCE
    assert store.sandbox.run("SELECT 1").rows == ((1,),)


def test_a_long_query_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="20,000 are allowed"):
        store.sandbox.run("SELECT 1 --" + "x" * queries.LONGEST)
