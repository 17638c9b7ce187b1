"""Users, their passwords and their sign-ins."""

from __future__ import annotations

import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from codex.access import Access
from codex.access.sign_ins import IDLE_SECONDS, LONGEST_SECONDS
from codex.errors import Conflict, InvalidInput, NotFound, StoreError

PASSWORD = "several plain words"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock) -> Access:
    return Access(tmp_path, clock)


def test_a_user_is_known_by_name_and_password_alone(access: Access) -> None:
    access.users.create("Ada", "labeller", PASSWORD)
    found = access.users.verified("ada", PASSWORD)
    assert found is not None
    assert (found.name, found.role) == ("Ada", "labeller")
    assert access.users.verified("Ada", PASSWORD + " ") is None
    assert access.users.verified("Bob", PASSWORD) is None
    assert access.users.verified("Ada", "\ud800") is None


def test_a_user_without_a_password_cannot_sign_in_with_one(access: Access) -> None:
    access.users.create("Ada", "viewer", None)
    assert access.users.verified("Ada", "") is None
    assert access.users.verified("Ada", "nobody") is None


def test_a_password_is_the_same_however_its_characters_are_composed(access: Access) -> None:
    access.users.create("Ada", "viewer", "caf\N{LATIN SMALL LETTER E WITH ACUTE} in the morning")
    assert access.users.verified("Ada", "cafe\N{COMBINING ACUTE ACCENT} in the morning") is not None


def test_neither_passwords_nor_tokens_stand_in_the_file_which_is_its_owners_alone(
    access: Access, tmp_path: Path
) -> None:
    user = access.users.create("Ada", "viewer", PASSWORD)
    token = access.sign_ins.start(user)
    key = access.keys.create("script", ["ask"])[1]
    access.close()
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kept = path.read_bytes()
        assert not any(secret.encode() in kept for secret in (PASSWORD, token, key, key.split("_")[2]))
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        assert db.execute("SELECT password FROM users").fetchone()[0].startswith("$argon2id$")
        assert db.execute("SELECT secret FROM keys").fetchone()[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "viewer", PASSWORD),
        (" ada", "viewer", PASSWORD),
        ("a/b", "viewer", PASSWORD),
        ("a" * 65, "viewer", PASSWORD),
        ("ada", "owner", PASSWORD),
        ("ada", "viewer", "short"),
        ("ada", "viewer", "x" * 20),
        ("ada", "viewer", "adaada adaada 12"),
        ("ada", "viewer", "ab cd ef" * 40),
    ],
)
def test_what_makes_no_user_is_refused(access: Access, name: str, role: str, password: str) -> None:
    with pytest.raises(InvalidInput):
        access.users.create(name, role, password)  # type: ignore[arg-type]
    assert not access.users.list()
    assert not access.lets_in


def test_a_name_is_taken_once(access: Access) -> None:
    access.users.create("Ada", "viewer", PASSWORD)
    with pytest.raises(Conflict):
        access.users.create("ADA", "admin", PASSWORD)
    assert [user.role for user in access.users.list()] == ["viewer"]


def test_what_is_said_of_nobody_is_an_error(access: Access) -> None:
    for change in (
        lambda: access.users.get("Ada"),
        lambda: access.users.set_role("Ada", "admin"),
        lambda: access.users.set_password("Ada", PASSWORD),
        lambda: access.users.delete("Ada"),
        lambda: access.keys.revoke("abc"),
    ):
        with pytest.raises(NotFound):
            change()


def test_a_sign_in_ends_when_idle_and_after_a_week_and_at_sign_out(access: Access, clock: Clock) -> None:
    user = access.users.create("Ada", "viewer", PASSWORD)
    idle, used, out = (access.sign_ins.start(user) for _ in range(3))
    access.sign_ins.end(out)
    assert access.sign_ins.user(out) is None
    assert access.sign_ins.user("unknown") is None
    for _ in range(int(LONGEST_SECONDS / IDLE_SECONDS)):
        assert access.sign_ins.user(used) == user
        clock.now += timedelta(seconds=IDLE_SECONDS)
    assert access.sign_ins.user(idle) is None
    clock.now += timedelta(seconds=1)
    assert access.sign_ins.user(used) is None


def test_another_password_or_no_user_ends_every_sign_in_and_another_role_holds_at_once(
    access: Access,
) -> None:
    user = access.users.create("Ada", "viewer", PASSWORD)
    token = access.sign_ins.start(user)
    access.users.set_role("ada", "researcher")
    found = access.sign_ins.user(token)
    assert found is not None
    assert found.principal.may("train")
    access.users.set_password("Ada", "other plain words")
    assert access.sign_ins.user(token) is None
    token = access.sign_ins.start(user)
    access.users.delete("Ada")
    assert access.sign_ins.user(token) is None


def test_another_process_sees_a_change_at_once(access: Access, tmp_path: Path) -> None:
    beside = Access(tmp_path)
    assert not access.lets_in
    user = beside.users.create("Ada", "viewer", PASSWORD)
    key, text = beside.keys.create("script", ["ask"])
    assert access.lets_in
    assert access.users.list() == [user]
    assert access.keys.verified(text) == key
    beside.keys.revoke(key.id)
    assert access.keys.verified(text) is None


def test_a_file_that_is_none_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "access.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"restore it from a backup"):
        Access(tmp_path).users.list()


def test_a_file_of_a_newer_codex_is_left_alone(access: Access, tmp_path: Path) -> None:
    access.users.create("Ada", "viewer", PASSWORD)
    access.close()
    with sqlite3.connect(tmp_path / "access.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer Codex"):
        Access(tmp_path).users.list()
