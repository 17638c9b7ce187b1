"""Which policy and which calibrator are active."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.errors import Conflict, NotFound
from codex.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


@pytest.mark.parametrize("kind", ["policies", "calibrators"])
def test_what_was_activated_last_is_active(store: Store, kind: str) -> None:
    kept = getattr(store, kind)
    for version in ("a@1", "b@1"):
        kept.save(version, version[0], f'{{"of": "{version}"}}')
    assert kept.active() is None
    for version in ("a@1", "b@1", "b@1"):
        kept.activate(version)
    assert kept.active().version == "b@1"
    assert [it.version for it in kept.list() if it.active] == ["b@1"]
    kept.activate(None)
    assert kept.active() is None


def test_an_activation_can_be_rolled_back(store: Store) -> None:
    kept = store.calibrators
    for version in ("a@1", "b@1", "c@1"):
        kept.save(version, version[0], f'{{"of": "{version}"}}')
    for version in ("a@1", "b@1", "c@1", "c@1"):
        kept.activate(version)
    assert [back.version for _ in range(2) if (back := kept.rollback())] == ["b@1", "a@1"]
    assert [(it.version, it.undone) for it in kept.history()] == [
        ("c@1", True), ("b@1", True), ("a@1", False),
    ]  # fmt: skip
    assert kept.rollback() is None
    with pytest.raises(Conflict, match="activated"):
        kept.rollback()


def test_nothing_can_be_made_active_and_that_can_be_rolled_back(store: Store) -> None:
    kept = store.calibrators
    kept.save("a@1", "a", "{}")
    kept.activate("a@1")
    kept.activate(None)
    assert kept.active() is None
    back = kept.rollback()
    assert back is not None
    assert back.version == "a@1"


@pytest.mark.parametrize("kind", ["policies", "calibrators"])
def test_what_is_not_stored_is_neither_loaded_nor_activated(store: Store, kind: str) -> None:
    kept = getattr(store, kind)
    with pytest.raises(NotFound, match="nowhere"):
        kept.load("nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        kept.activate("nowhere")
    assert kept.active() is None


def test_what_is_active_stays_so_when_the_store_is_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        with Store(tmp_path / "codex.duckdb") as store:
            store.policies.save("p@1", "p", "{}")
            store.policies.activate("p@1")
    with Store(tmp_path / "codex.duckdb") as store:
        assert store.policies.active() is not None
        assert store.calibrators.active() is None


def test_a_calibrator_stays_as_it_was_first_saved_and_names_its_run(store: Store) -> None:
    store.calibrators.save("c@1", "c", '{"n": 1}', "run-1")
    store.calibrators.save("c@1", "c", '{"n": 2}')
    found = store.calibrators.load("c@1")
    assert (found.name, found.body, found.run_id, found.active) == ("c", '{"n": 1}', "run-1", False)


def test_a_policy_stays_as_it_was_first_saved(store: Store) -> None:
    store.policies.save("strict@1", "strict", '{"answer_above": 0.8}')
    store.policies.save("strict@1", "strict", '{"answer_above": 0.9}')
    assert store.policies.load("strict@1") == '{"answer_above": 0.8}'


def test_a_calibrator_is_deleted_and_no_way_leads_back_to_it(store: Store) -> None:
    kept = store.calibrators
    for version in ("a@1", "b@1", "c@1"):
        kept.save(version, version[0], "{}")
    for version in ("a@1", "b@1", "a@1", "c@1", "b@1", "c@1"):
        kept.activate(version)
    with pytest.raises(Conflict, match=r"c@1 is active"):
        kept.delete("c@1")
    kept.delete("b@1")
    assert {it.version for it in kept.list()} == {"a@1", "c@1"}
    with pytest.raises(NotFound, match="b@1"):
        kept.delete("b@1")
    # What was a, b, a, c, b, c is a, c.
    before = kept.rollback()
    assert before is not None
    assert before.version == "a@1"
    assert kept.rollback() is None
    with pytest.raises(Conflict):
        kept.rollback()


def test_deleting_a_calibrator_leaves_the_policies_as_they_are(store: Store) -> None:
    for kept in (store.policies, store.calibrators):
        for version in ("same@1", "other@1"):
            kept.save(version, "x", "{}")
            kept.activate(version)
    store.calibrators.delete("same@1")
    assert [it.version for it in store.policies.activations.history() if not it.undone] == [
        "other@1",
        "same@1",
    ]
