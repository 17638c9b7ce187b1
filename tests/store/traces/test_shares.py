"""Links to traces: what opens one, and what closes it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from codex.errors import InvalidInput, NotFound
from codex.store import Store
from codex.store.traces.shares import LONGEST_LABEL
from codex.text import sha256
from tests.support.traces import make_trace


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "codex.duckdb", "full")
    for number, session in ((1, "s"), (2, "other")):
        store.save(make_trace(number, session=session))
    return store


def test_a_token_opens_its_trace_and_only_its_fingerprint_is_kept(store: Store) -> None:
    share, token = store.shares.create("trace-1", "  for Ada ")
    assert store.shares.trace_of(token) == "trace-1"
    assert (share.label, share.revoked_at) == ("for Ada", None)
    assert store.shares.list() == [share]
    store.close()
    with duckdb.connect(store.path) as db:
        (row,) = db.execute("SELECT * FROM shares").fetchall()
    assert sha256(token) in row
    assert not any(token in str(value) for value in row)


def test_every_token_is_another_one_of_at_least_128_bits(store: Store) -> None:
    tokens = {store.shares.create("trace-1")[1] for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) * 6 >= 128 for token in tokens)  # each character of base64 carries 6 bits


def test_a_revoked_link_opens_nothing_and_others_to_the_trace_stay(store: Store) -> None:
    first, token = store.shares.create("trace-1")
    _, other = store.shares.create("trace-1")
    store.shares.revoke(first.id)
    with pytest.raises(NotFound):
        store.shares.trace_of(token)
    assert store.shares.trace_of(other) == "trace-1"
    at = next(each.revoked_at for each in store.shares.list() if each.id == first.id)
    assert at is not None
    store.shares.revoke(first.id)
    assert next(each.revoked_at for each in store.shares.list() if each.id == first.id) == at


def test_with_a_session_go_the_links_to_its_traces_and_no_others(store: Store) -> None:
    _, gone = store.shares.create("trace-1")
    stays, token = store.shares.create("trace-2")
    store.delete_session("s")
    with pytest.raises(NotFound):
        store.shares.trace_of(gone)
    assert store.shares.trace_of(token) == "trace-2"
    assert store.shares.list() == store.shares.list("trace-2") == [stays]


def test_unknown_deleted_and_revoked_are_told_in_the_same_words(store: Store) -> None:
    share, token = store.shares.create("trace-1")
    store.shares.revoke(share.id)
    _, deleted = store.shares.create("trace-1")
    store.delete_session("s")
    told = set()
    for each in (token, deleted, "x" * len(token), "", "\ud800"):
        with pytest.raises(NotFound) as error:
            store.shares.trace_of(each)
        told.add(str(error.value))
    assert len(told) == 1


def test_what_cannot_be_shared_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="'nope'"):
        store.shares.create("nope")
    with pytest.raises(NotFound, match="'nope'"):
        store.shares.revoke("nope")
    with pytest.raises(InvalidInput, match="201"):
        store.shares.create("trace-1", "x" * (LONGEST_LABEL + 1))
    assert store.shares.list() == []
