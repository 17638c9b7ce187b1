"""codex users, codex keys, codex audit: what they make holds, also beside a workbench that runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codex.access import Access
from codex.cli.main import app
from codex.errors import CodexError, InvalidInput

PASSWORD = "several plain words\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    return tmp_path


def run(*words: str, given: str = "") -> str:
    done = CliRunner().invoke(app, list(words), input=given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_user_is_made_listed_changed_and_deleted(home: Path) -> None:
    assert "codex users create" in run("users")
    run("users", "create", "Ada", "--role", "labeller", "--password-stdin", given=PASSWORD)
    assert json.loads(run("users", "--json"))[0]["role"] == "labeller"
    run("users", "role", "Ada", "admin")
    run("users", "password", "Ada", "--password-stdin", given="other plain words\n")
    access = Access(home)
    assert access.users.verified("Ada", PASSWORD.strip()) is None
    found = access.users.verified("Ada", "other plain words")
    assert found is not None
    assert found.role == "admin"
    assert "Ada" in run("users")
    run("users", "delete", "Ada")
    assert not access.users.list()


def test_a_key_is_printed_once_alone_on_standard_output(home: Path) -> None:
    key = run("keys", "create", "reports", "--scope", "read", "--scope", "ask", "--expires", "90d")
    found = Access(home).keys.verified(key.strip())
    assert found is not None
    assert found.scopes == {"read", "ask"}
    assert found.expires_at is not None
    assert round((found.expires_at - found.created_at).total_seconds() / 86_400) == 90
    listed = run("keys")
    assert found.id in listed
    assert key.strip() not in listed
    run("keys", "revoke", found.id)
    assert "revoked on" in run("keys")
    assert Access(home).keys.verified(key.strip()) is None


@pytest.mark.parametrize("length", ["", "90", "0d", "d", "90x", "-1d", "1.5d"])
def test_a_length_of_time_that_is_none_is_refused(home: Path, length: str) -> None:
    with pytest.raises(InvalidInput, match="12h, 30d or 8w"):
        run("keys", "create", "x", "--scope", "ask", "--expires", length)
    assert not (home / "access.sqlite").exists()


def test_without_a_terminal_a_password_is_read_only_where_that_is_said(home: Path) -> None:
    with pytest.raises(InvalidInput, match="--password-stdin"):
        run("users", "create", "Ada", given=PASSWORD)


def test_what_commands_do_is_in_the_log_which_is_exported_and_verified(home: Path, tmp_path: Path) -> None:
    assert "No entries" in run("audit")
    run("users", "create", "Ada", "--password-stdin", given=PASSWORD)
    run("keys", "create", "reports", "--scope", "read")
    assert "create user" in run("audit")
    file = tmp_path / "audit.jsonl"
    run("audit", "export", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["who"], line["action"]) for line in lines] == [
        ("local", "create user"),
        ("local", "create key"),
    ]
    assert PASSWORD.strip() not in file.read_text()
    assert "whole" in run("audit", "verify")


def test_a_changed_log_is_told(home: Path) -> None:
    run("users", "create", "Ada", "--password-stdin", given=PASSWORD)
    change = "DROP TRIGGER audit_is_never_changed; UPDATE audit SET who = 'user bob'"
    with closing(sqlite3.connect(home / "access.sqlite")) as db:
        db.executescript(change)
    with pytest.raises(CodexError, match="entry 1"):
        run("audit", "verify")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_serve_refuses_to_open_to_a_network_that_nobody_may_use(home: Path, host: str) -> None:
    with pytest.raises(CodexError, match="codex keys create"):
        run("serve", f"server.host={host}")
    assert not list(home.iterdir())
