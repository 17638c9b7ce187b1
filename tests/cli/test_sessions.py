"""codex sessions, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from codex.errors import StoreError
from codex.settings import load_settings
from codex.store import Store
from codex.store.traces.history import History
from tests.support.command import Codex, command
from tests.support.traces import make_trace

SECRET = "wxqzjvkpfthglmnwxqzjvkpfthglmn"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = load_settings([f"home={tmp_path / 'home'}"]).database
    with Store(path, "full") as store:
        store.save(make_trace(1, session="stays"))
        store.save(make_trace(2, session="gone", question=SECRET))
    return path


@pytest.fixture
def codex(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def test_answers_are_listed_and_filtered(codex: Codex) -> None:
    assert [line["id"] for line in codex("sessions", "--json").json] == ["trace-2", "trace-1"]
    assert [line["id"] for line in codex("sessions", "--text", "MOON", "--json").json] == ["trace-1"]
    assert "How far is the moon?" in codex("sessions").out
    assert "No answers" in codex("sessions", "--action", "abstain").out


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_answers_are_exported(codex: Codex, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"out.{kind}"
    assert codex("sessions", "export", str(file), "--text", "moon").status == 0
    with duckdb.connect() as db:
        reader = "read_parquet" if kind == "parquet" else "read_json"
        found = db.execute(f"SELECT trace_id FROM {reader}(?)", [str(file)]).fetchall()
    assert found == [("trace-1",)]
    refused = codex("sessions", "export", "out.csv")
    assert (refused.status, ".parquet" in refused.err) == (1, True)


def test_an_export_that_fails_leaves_the_file_as_it_was(
    codex: Codex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("of last week")

    def broken(*_: object) -> Iterator[str]:
        yield "{}"
        raise StoreError("The disk cannot be read.")

    monkeypatch.setattr(History, "lines_of_json", broken)
    refused = codex("sessions", "export", str(file))
    assert (refused.status, "The disk cannot be read" in refused.err) == (1, True)
    assert file.read_text() == "of last week"
    assert [path.name for path in tmp_path.glob("out*")] == ["out.jsonl"]


def test_a_session_is_deleted_from_the_bytes_of_the_file(codex: Codex, database: Path) -> None:
    assert SECRET.encode() in database.read_bytes()
    assert "erased from the file" in codex("sessions", "delete", "gone", "-y").out
    assert SECRET.encode() not in database.read_bytes()
    assert [line["session_id"] for line in json.loads(codex("sessions", "--json").out)] == ["stays"]
    said = codex("sessions", "delete", "gone", "-y")
    assert (said.status, "No session 'gone'" in said.err) == (1, True)
