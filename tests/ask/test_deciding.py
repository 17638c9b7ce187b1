"""The reason of a decision, in words that people use, with the numbers as the pages show them."""

from __future__ import annotations

import math

import pytest

from codex.ask.deciding import decide_one
from codex.policy import Policy, Rule
from codex.signals import REGISTRY
from codex.types import Action

LIKELY = {"avg_logprob": -0.1, "entropy": 0.2, "top1_prob": 0.9}


@pytest.mark.parametrize(
    ("signals", "confidence", "reason"),
    [
        (LIKELY, 0.72, "72% likely correct: at least the 50% needed to answer"),
        (LIKELY, 0.1999, "19.99% likely correct: below the 20% under which Codex abstains"),
        (LIKELY, 0.0034, "0.34% likely correct: below the 20% under which Codex abstains"),
        (LIKELY, 0.225, "23% likely correct: below the 50% needed to answer"),
        (LIKELY, None, "no confidence is available: a person decides"),
        ({"entropy": 2.7}, 0.45, "mean entropy 2.7, above 2.5: retrieve; 45% likely correct: below"),
        ({"top1_prob": 0.1641}, 0.9, "first token's probability 0.16, below 0.20: abstain"),
        ({"min_prob_focus": 0.1}, 0.9, "weakest token's probability (focus) 0.10, below 0.20: retrieve; 90%"),
        ({"avg_logprob": -2.04}, 0.9, "mean log-probability −2.0, below −1.5: reflect; 90% likely correct"),
    ],
)
def test_the_reason_says_which_rule_held_and_how_it_was_routed(
    signals: dict[str, float | None], confidence: float | None, reason: str
) -> None:
    assert decide_one(Policy(), signals, confidence).reason.startswith(reason)


@pytest.mark.parametrize("name", REGISTRY)
def test_no_reason_shows_the_name_of_a_setting(name: str) -> None:
    low = Policy(rules=(Rule(signal=name, below=0.5, gate="abstain"),))
    high = Policy(rules=(Rule(signal=name, above=0.5, gate="abstain"),))
    for policy, value, side in ((low, 0.25, "below"), (high, 0.75, "above")):
        reason = decide_one(policy, {name: value}, 0.9).reason
        assert reason.lower() == f"{REGISTRY[name].label} {value}, {side} 0.50: abstain".lower()


@pytest.mark.parametrize("value", [-1.5 - 1e-3, -1.5 - 1e-5, -1.5 - 1e-9, math.nextafter(-1.5, -2)])
def test_the_reason_never_shows_a_value_that_does_not_hold(value: float) -> None:
    shown = decide_one(Policy(), {"avg_logprob": value}, 0.9).reason.split(",")[0].split()[-1]
    assert float(shown.replace("−", "-")) < -1.5


@pytest.mark.parametrize("confidence", [0.5, 0.505, 0.5 - 1e-4, 0.2, 0.2 - 1e-9])
def test_the_reason_never_shows_a_confidence_on_the_other_side(confidence: float) -> None:
    for policy in (Policy(), Policy(answer_above=0.505, abstain_below=0.201)):
        decision = decide_one(policy, {}, confidence)
        shown = float(decision.reason.split("%")[0]) / 100
        assert decide_one(policy, {}, shown).action is decision.action


SETS = ("arithmetic", "capitals", "elements", "newcomers", "unanswerable")
KINDS = "calibrated on other kinds of questions (arithmetic, capitals, elements and 2 more)"


@pytest.mark.parametrize(
    ("signals", "confidence", "action", "reason"),
    [
        (LIKELY, 0.72, Action.DEFER, f"72% likely correct, but {KINDS}: a person decides"),
        (LIKELY, 0.45, Action.DEFER, f"45% likely correct: below the 50% needed to answer; {KINDS}"),
        ({"entropy": 9}, 0.1, Action.ABSTAIN, f"mean entropy 9.0, above 2.5: abstain; {KINDS}"),
    ],
)
def test_the_reason_names_the_sets_that_a_question_is_unlike(
    signals: dict[str, float | None], confidence: float, action: Action, reason: str
) -> None:
    policy = Policy(rules=(Rule(signal="entropy", above=2.5, gate="abstain"),))
    decision = decide_one(policy, signals, confidence, SETS)
    assert (decision.action, decision.reason) == (action, reason)


def test_sets_that_are_not_known_are_not_named() -> None:
    reason = decide_one(Policy(), LIKELY, 0.72, ()).reason
    assert reason == "72% likely correct, but calibrated on other kinds of questions: a person decides"
    answered = decide_one(Policy(defer_unfamiliar=False), LIKELY, 0.72, ("capitals",))
    assert answered.action is Action.ANSWER
    assert answered.reason.endswith("; calibrated on other kinds of questions (capitals)")
