"""API keys: what holds, what does not, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from codex.access import SCOPES, Access
from codex.access.passwords import matches
from codex.errors import InvalidInput

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(tmp_path, lambda: START)


def test_a_key_has_its_scopes_and_no_others_and_admin_has_all(access: Access) -> None:
    key, text = access.keys.create("script", ["ask", "label"])
    found = access.keys.verified(text)
    assert found == key
    assert [scope for scope in SCOPES if key.principal.may(scope)] == ["ask", "label"]
    root, _ = access.keys.create("root", ["admin"])
    assert all(root.principal.may(scope) for scope in SCOPES)


def test_what_is_not_exactly_the_key_does_not_hold(access: Access) -> None:
    _, text = access.keys.create("script", ["ask"])
    prefix, id_, secret = text.split("_", 2)
    other = access.keys.create("other", ["ask"])[1].split("_", 2)[2]
    assert access.keys.verified(text)
    for sent in (
        *("", "codex", "codex_", f"codex_{id_}", f"codex_{id_}_", f"{prefix}_{id_}_{secret}x", text[:-1]),
        *(f"codex_{id_}_{other}", f"other_{id_}_{secret}", f"codex_ffffffffffff_{secret}", text + "x" * 300),
        f"codex_{id_}_\ud800",
    ):
        assert access.keys.verified(sent) is None, sent


def test_a_key_ends_when_it_expires_or_is_revoked(tmp_path: Path) -> None:
    now = START
    access = Access(tmp_path, lambda: now)
    brief, sent = access.keys.create("brief", ["ask"], START + timedelta(hours=1))
    revoked, gone = access.keys.create("revoked", ["ask"])
    assert access.keys.verified(sent) == brief
    assert access.keys.verified(gone) == revoked
    access.keys.revoke(revoked.id)
    assert access.keys.verified(gone) is None
    assert access.lets_in
    now = START + timedelta(hours=1)
    assert access.keys.verified(sent) is None
    assert not access.lets_in
    assert {key.name for key in access.keys.list()} == {"brief", "revoked"}


def test_a_correct_key_is_hashed_once(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    def counting(secret: str, hash_: str | None) -> bool:
        hashed.append(secret)
        return matches(secret, hash_)

    monkeypatch.setattr("codex.access.keys.matches", counting)
    _, text = access.keys.create("script", ["ask"])
    assert all(access.keys.verified(text) for _ in range(5))
    assert len(hashed) == 1
    assert access.keys.verified(text + "x") is None
    assert access.keys.verified(text)
    assert len(hashed) == 2


@pytest.mark.parametrize(
    ("name", "scopes", "expires", "field"),
    [
        ("", ["ask"], None, "name"),
        ("a\nb", ["ask"], None, "name"),
        ("x", [], None, "scopes"),
        ("x", ["asks"], None, "scopes"),
        ("x", ["ask"], START, "expires_at"),
    ],
)
def test_what_makes_no_key_is_refused(
    access: Access, name: str, scopes: list[str], expires: datetime | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        access.keys.create(name, scopes, expires)
    assert refused.value.fields == (field,)
    assert not access.keys.list()
