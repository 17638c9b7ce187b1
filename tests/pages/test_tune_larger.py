"""The Tune page with a larger model: what both do together, over a run of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from codex.ask.deciding import decide_one
from codex.ask.workbench import Workbench
from codex.pages.tune.page import TunePage
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from codex.types import Action, Record
from tests.support.calibrated import calibrator
from tests.support.kept_run import keep_run
from tests.support.scripted import Script, ScriptedEngine

N = 100
POLICY = Policy(rules=(), answer_above=0.7, abstain_below=0.2, larger_above=0.4)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TunePage]:
    home = tmp_path_factory.mktemp("tune")
    workbench = Workbench(
        load_settings([f"home={home}"]), ScriptedEngine(lambda prompt: Script(["A"])), Store(home / "db")
    )
    keep_run(workbench.store, "small", n=N)
    keep_run(workbench.store, "large", n=N, model="larger", seed=9, seconds=2.0)
    keep_run(workbench.store, "fewer", n=N // 2, model="another")
    yield TunePage(workbench)
    workbench.close()


def body(policy: Policy) -> dict[str, Any]:
    return policy.model_dump(mode="json")


def moved(page: TunePage, policy: Policy = POLICY, **larger: Any) -> dict[str, Any] | None:
    """As the page sees it: through JSON, which has no NaN."""
    wanted = {
        **{"run": "small", "key": "", "policy": body(policy), "other": body(policy), "before": body(policy)},
        "larger": larger or None,
    }
    found: dict[str, Any] | None = json.loads(json.dumps(page.move(wanted), allow_nan=False))["larger"]
    return found


def records(page: TunePage, run: str) -> dict[str, Record]:
    return {record.id: record for record in page.workbench.store.runs.records(run)}


def decided(policy: Policy, record: Record) -> Action:
    return decide_one(policy, record.signals, record.signals["evidence_support"]).action


def test_it_shows_what_the_service_would_do_with_both_models_one_by_one(page: TunePage) -> None:
    first, larger, by = records(page, "small"), records(page, "large"), POLICY.for_larger
    assert by is not None
    asked = [id_ for id_, record in first.items() if decided(POLICY, record) is Action.DEFER]
    given = [id_ for id_ in asked if decided(by, larger[id_]) is Action.ANSWER]
    own = [id_ for id_, record in first.items() if decided(POLICY, record) is Action.ANSWER]
    correct = sum(bool(larger[id_].correct) for id_ in given) + sum(bool(first[id_].correct) for id_ in own)
    shown = moved(page, run="large")
    assert shown is not None
    assert (shown["asked"], shown["by_larger"]) == (len(asked), len(given))
    assert shown["deferred"] == len(asked) - len(given)
    together = shown["together"]
    assert together["coverage"] == (len(own) + len(given)) / N
    assert together["accuracy"] == correct / (len(own) + len(given))
    assert together["seconds"] == pytest.approx(0.1 + 2.0 * len(asked) / N)
    assert (shown["first"]["seconds"], shown["larger"]["seconds"]) == pytest.approx((0.1, 2.0))
    assert (shown["calibrator"], shown["model"], shown["questions"]) == (None, "larger", N)
    assert moved(page, run="large", key=shown["key"]) == shown


def test_only_questions_of_both_runs_count(page: TunePage) -> None:
    shown = moved(page, run="fewer")
    assert shown is not None
    # Under the id of one of the 50 stands another question in the larger run.
    assert shown["questions"] == N // 2 - 1


def test_a_run_that_is_gone_is_said(page: TunePage) -> None:
    shown = moved(page, run="nowhere")
    assert shown is not None
    assert "nowhere" in shown["error"]


def test_without_a_larger_model_nothing_is_shown_of_it(page: TunePage) -> None:
    assert moved(page) is None
    assert moved(page, POLICY.model_copy(update={"larger_above": None}), run="large") is None


def test_the_larger_models_answers_are_judged_by_its_own_calibrator(page: TunePage) -> None:
    store = page.workbench.store
    own = calibrator("larger", n_samples=0)
    own = own.model_copy(update={"prompt": "prompt", "sample_temperature": 0.0})
    store.calibrators.save(own.version, own.name, own.model_dump_json())
    try:
        shown = moved(TunePage(page.workbench), run="large")
        assert shown is not None
        assert shown["calibrator"] == own.version
    finally:
        store.calibrators.delete(own.version)


@pytest.mark.parametrize("by", ["risk", "coverage"])
def test_no_guarantee_is_proposed_for_two_models(page: TunePage, by: str) -> None:
    typed = {"by": by, "risk": "90", "coverage": "50", "confidence_level": "95"}
    proposed = page.propose({"run": "small", "key": "", "policy": body(POLICY), **typed})
    assert "guarantee is proven of one model" in proposed["words"]
    assert by == "risk" or proposed["policy"]["guarantee"] is None
    assert by == "coverage" or proposed["policy"] is None
    alone = body(POLICY.model_copy(update={"larger_above": None}))
    proposed = page.propose({"run": "small", "key": "", "policy": alone, **typed})
    assert proposed["policy"]["guarantee"] is not None
