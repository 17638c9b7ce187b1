"""Runs, calibrators and policies under names that people give them, and deleting them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codex.ask.active import Active
from codex.errors import Conflict, InvalidInput, NotFound
from codex.policy import Policy, PolicyGuarantee
from codex.settings import load_settings
from codex.store import Store
from tests.support.records import make_run
from tests.support.traces import make_trace

KINDS = ("policies", "calibrators")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


def guaranteed(store: Store, run: str = "run-2", calibrator: str = "c@1") -> str:
    """Save a policy whose guarantee was proven with a calibrator, on a run; returns its version."""
    proven = PolicyGuarantee(
        risk=0.1, confidence_level=0.95, calibrator=calibrator, run=run, questions=9, answered=5, incorrect=0
    )
    policy = Policy(name="proven", guarantee=proven)
    store.policies.save(policy.version, policy.name, policy.model_dump_json())
    return policy.version


@pytest.mark.parametrize("kind", KINDS)
def test_a_renamed_one_keeps_its_version_its_body_and_its_activation(store: Store, kind: str) -> None:
    kept = getattr(store, kind)
    kept.save("a@1", "a", '{"of": "a"}')
    kept.activate("a@1")
    assert kept.active().title == "a@1"
    kept.rename("a@1", "  for the demo ")
    found = kept.active()
    assert (found.version, found.name, found.title) == ("a@1", "for the demo", "for the demo (a@1)")
    assert found.body == '{"of": "a"}'
    kept.save("a@1", "a", '{"of": "another"}')
    assert kept.active() == found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 81])
def test_a_name_that_cannot_be_shown_is_refused(store: Store, kind: str, name: str) -> None:
    kept = getattr(store, kind)
    kept.save("a@1", "a", "{}")
    with pytest.raises(InvalidInput, match="1 to 80 characters") as refused:
        kept.rename("a@1", name)
    assert refused.value.fields == ("name",)
    assert [it.name for it in kept.list()] == ["a"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_neither_renamed_nor_deleted(store: Store, kind: str) -> None:
    for call in (lambda it: it.rename("nowhere", "x"), lambda it: it.delete("nowhere")):
        with pytest.raises(NotFound, match="nowhere"):
            call(getattr(store, kind))


def test_a_deleted_policy_is_gone_unless_it_is_active(store: Store) -> None:
    for version in ("a@1", "b@1"):
        store.policies.save(version, version[0], "{}")
        store.policies.activate(version)
    with pytest.raises(Conflict, match="b@1 is active: activate another policy"):
        store.policies.delete("b@1")
    store.policies.delete("a@1")
    assert [it.version for it in store.policies.list()] == ["b@1"]
    with pytest.raises(NotFound):
        store.policies.load("a@1")
    assert store.policies.rollback() is None, "no way leads back to what was deleted"


def test_a_deleted_policy_that_decided_on_answers_can_still_be_read_for_them(store: Store) -> None:
    store.policies.save("a@1", "a", '{"of": "a"}')
    store.save(replace(make_trace(1), policy="a@1"))
    store.policies.delete("a@1")
    assert store.policies.list() == []
    assert store.policies.load("a@1") == '{"of": "a"}'
    for call in (store.policies.delete, store.policies.activate):
        with pytest.raises(NotFound, match="a@1"):
            call("a@1")
    store.policies.save("a@1", "a", '{"of": "a"}')
    assert [it.name for it in store.policies.list()] == ["a"], "saved again it is listed again"


def test_what_a_guarantee_rests_on_is_not_deleted_before_its_policy(store: Store) -> None:
    for number in (1, 2, 3):
        store.runs.create(make_run(number))
    store.calibrators.save("c@1", "c", json.dumps({"runs": ["run-1", "run-2"]}), "run-1")
    version = guaranteed(store)
    store.policies.rename(version, "ten percent")
    for call in (
        lambda: store.delete_run("run-1"),
        lambda: store.delete_run("run-2"),
        lambda: store.delete_calibrator("c@1"),
    ):
        with pytest.raises(Conflict, match=r"the policy ten percent \(proven@.*first delete that policy"):
            call()
    store.delete_run("run-3")
    store.policies.activate(version)
    with pytest.raises(Conflict, match="first activate another policy and then delete it"):
        store.delete_calibrator("c@1")
    store.policies.activate(None)
    store.policies.delete(version)
    store.delete_calibrator("c@1")
    for run in ("run-1", "run-2"):
        store.delete_run(run)
    assert store.runs.list() == []


def test_the_activation_of_a_policy_is_rolled_back(store: Store, tmp_path: Path) -> None:
    settings = load_settings([f"home={tmp_path}"])
    active = Active(settings, store)
    for name in ("one", "two"):
        active.activate_policy(Policy(name=name))
    active.rollback_policy()
    assert active.policy.name == "one"
    active.rollback_policy()
    assert active.policy == settings.policy
    with pytest.raises(Conflict):
        active.rollback_policy()
