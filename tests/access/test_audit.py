"""The audit log: added to, never changed, and a change shows."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest

from codex.access import Access


@pytest.fixture
def access(tmp_path: Path) -> Access:
    made = Access(tmp_path)
    for number in range(5):
        made.audit.add("user ada", "1.2.3.4", "POST /infer", f"/infer {number}", 200)
    return made


def test_entries_come_back_as_they_were_added(access: Access) -> None:
    assert [entry.target for entry in access.audit.entries()] == [f"/infer {n}" for n in range(5)]
    assert [entry.id for entry in access.audit.page(before=4, limit=2)] == [3, 2]
    lines = [json.loads(line) for line in access.audit.lines()]
    assert lines[0]["who"] == "user ada"
    assert lines[0]["outcome"] == 200
    assert access.audit.broken() is None


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'user bob'", "DELETE FROM audit WHERE id = 2"])
def test_the_file_refuses_a_change(access: Access, tmp_path: Path, change: str) -> None:
    with sqlite3.connect(tmp_path / "access.sqlite") as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(change)
    assert access.audit.broken() is None


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("UPDATE audit SET who = 'user bob' WHERE id = 3", 3),
        ("UPDATE audit SET outcome = 403 WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("UPDATE audit SET hash = '0' WHERE id = 4", 4),
    ],
)
def test_a_change_behind_its_back_shows(access: Access, tmp_path: Path, change: str, shown: int) -> None:
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        db.executescript(
            f"DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted; {change};"
        )
    assert access.audit.broken() == shown


def test_two_processes_add_to_one_chain(access: Access, tmp_path: Path) -> None:
    beside = Access(tmp_path)

    def add(of: Access) -> None:
        for number in range(20):
            of.audit.add("user bob", "", "test", f"{number}", 200)

    threads = [threading.Thread(target=add, args=(of,)) for of in (access, beside) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(access.audit.entries())) == 85
    assert access.audit.broken() is None
