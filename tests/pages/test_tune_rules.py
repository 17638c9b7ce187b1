"""What the Tune page needs for a new rule: its signals, a threshold to start from, its gates, its counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex.ask.workbench import Workbench
from codex.pages.tune.page import TunePage
from codex.policy import Policy, Rule
from codex.settings import load_settings
from codex.signals import REGISTRY
from codex.store import Store
from tests.support.kept_run import keep_run
from tests.support.scripted import Script, ScriptedEngine

N = 200


@pytest.fixture
def page(tmp_path: Path) -> Iterator[TunePage]:
    workbench = Workbench(
        load_settings([f"home={tmp_path}"]),
        ScriptedEngine(lambda prompt: Script(["A"])),
        Store(tmp_path / "db"),
    )
    keep_run(workbench.store, n=N)
    yield TunePage(workbench)
    workbench.close()


def opened(page: TunePage, *rules: Rule) -> dict[str, Any]:
    return page.open({"run": "r1", "policy": Policy(rules=rules).model_dump(mode="json")})


def counts(page: TunePage, *rules: Rule) -> list[int]:
    policy = Policy(rules=rules).model_dump(mode="json")
    seen = page.move({"run": "r1", "key": "", "policy": policy, "other": policy, "before": policy})
    found: list[int] = seen["now"]["rules"]
    return found


def test_a_rule_can_be_on_every_signal_of_the_register_and_says_which_the_run_has(page: TunePage) -> None:
    choices = {one["name"]: one for one in opened(page)["signals"]}
    assert list(choices) == list(REGISTRY)
    here = {name for name, one in choices.items() if one["here"]}
    assert here == {"evidence_support", "avg_logprob", "entropy", "top1_prob"}
    assert choices["entropy"]["label"] == "Mean entropy"
    assert (choices["entropy"]["less_confident"], choices["top1_prob"]["less_confident"]) == (
        "above",
        "below",
    )


def test_a_rule_can_be_on_a_signal_that_only_the_run_has(page: TunePage) -> None:
    store = page.workbench.store
    record = next(iter(store.runs.records("r1")))
    more = {**record.signals, "homemade": 0.5, "empty": None}
    store.runs.add("r1", [replace(record, id="new", signals=more)])
    homemade, empty = opened(page)["signals"][len(REGISTRY) :]
    assert homemade == {"name": "homemade", "label": "homemade", "less_confident": "below", "here": True}
    assert (empty["name"], empty["here"]) == ("empty", False)


def test_a_threshold_starts_at_the_median_of_the_run(page: TunePage) -> None:
    scale = page.scale({"run": "r1", "key": "", "signal": "entropy"})
    assert scale["median"] == pytest.approx(1.99)  # 4 (1 - c), and the median of 1/200 ... 1 is 100.5/200
    nowhere = page.scale({"run": "r1", "key": "", "signal": "p_true"})
    assert (nowhere["median"], nowhere["missing"]) == (None, N)


def test_the_gates_that_are_offered_are_those_that_a_rule_can_have(page: TunePage) -> None:
    gates = page.config()["gates"]
    assert sorted(gates) == ["abstain", "proceed", "reflect", "retrieve"]
    for gate in gates:
        assert Rule(signal="entropy", above=1.0, gate=gate).gate == gate


def test_of_two_rules_on_one_signal_each_is_counted_where_it_is_the_first_that_holds(page: TunePage) -> None:
    low = Rule(signal="top1_prob", below=0.3, gate="abstain")
    lower_half = Rule(signal="top1_prob", below=0.5, gate="proceed")
    assert counts(page, low, lower_half) == [59, 40]  # 1/200 to 59/200, then 60/200 to 99/200
    assert counts(page, lower_half, low) == [99, 0]
    assert set(opened(page, low, lower_half)["scales"]) == {"confidence", "top1_prob"}
