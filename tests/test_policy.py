"""The policy: gate rules in order, then routing by confidence."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codex.ask.deciding import decide_one
from codex.errors import InvalidInput
from codex.policy import (
    ACTIONS,
    GATES,
    Policy,
    PolicyGuarantee,
    Rule,
    decide,
    decide_action,
    gate_from_token_logprobs,
)
from codex.types import Action, Gate

SURE = {"avg_logprob": -0.1, "entropy": 0.2, "top1_prob": 0.9}


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"avg_logprob": -1.51}, Gate.REFLECT),
        ({"entropy": 2.51}, Gate.RETRIEVE),
        ({"top1_prob": 0.19}, Gate.ABSTAIN),
        ({}, Gate.PROCEED),
        ({"avg_logprob": -1.51, "entropy": 2.51, "top1_prob": 0.19}, Gate.REFLECT),
        ({"entropy": 2.51, "top1_prob": 0.19}, Gate.RETRIEVE),
        ({"avg_logprob": -1.5, "entropy": 2.5, "top1_prob": 0.2}, Gate.PROCEED),
        ({"avg_logprob": None, "entropy": 2.51}, Gate.RETRIEVE),
        ({"avg_logprob": None, "entropy": None, "top1_prob": None}, Gate.PROCEED),
    ],
)
def test_default_gates_row_by_row(changed: dict[str, float | None], gate: Gate) -> None:
    metrics = SURE | changed
    assert decide_action(metrics) is gate
    assert decide_one(Policy(), metrics, 0.9).gate is gate


def test_no_metrics_proceed() -> None:
    assert decide_action({}) is Gate.PROCEED


def test_the_order_of_the_rules_wins() -> None:
    metrics = {"avg_logprob": -2.0, "entropy": 3.0}
    backwards = Policy(rules=tuple(reversed(Policy().rules)))
    assert decide_action(metrics) is Gate.REFLECT
    assert decide_action(metrics, backwards) is Gate.RETRIEVE


def test_a_proceed_rule_shields_from_the_rules_behind_it() -> None:
    rules = (Rule(signal="answer_frequency", above=0.8, gate="proceed"), *Policy().rules)
    assert decide_action({"answer_frequency": 0.9, "top1_prob": 0.1}, Policy(rules=rules)) is Gate.PROCEED


@pytest.mark.parametrize(
    ("confidence", "action"),
    [
        (1.0, Action.ANSWER),
        (0.5, Action.ANSWER),
        (math.nextafter(0.5, 0), Action.DEFER),
        (0.2, Action.DEFER),
        (math.nextafter(0.2, 0), Action.ABSTAIN),
        (0.0, Action.ABSTAIN),
        (None, Action.DEFER),
    ],
)
def test_routing_at_its_boundaries(confidence: float | None, action: Action) -> None:
    assert decide_one(Policy(), SURE, confidence).action is action


def test_equal_thresholds_leave_nothing_to_defer() -> None:
    policy = Policy(answer_above=0.5, abstain_below=0.5)
    assert decide_one(policy, {}, 0.5).action is Action.ANSWER
    assert decide_one(policy, {}, math.nextafter(0.5, 0)).action is Action.ABSTAIN


def test_the_abstain_gate_abstains_whatever_the_confidence() -> None:
    assert decide_one(Policy(), {"top1_prob": 0.1}, 1.0).action is Action.ABSTAIN
    assert decide_one(Policy(), {"avg_logprob": -2.0}, 1.0).action is Action.ANSWER


rules = st.builds(
    lambda signal, side, threshold, gate: Rule.model_validate(
        {"signal": signal, side: threshold, "gate": gate}
    ),
    st.sampled_from(["avg_logprob", "entropy", "top1_prob", "never measured"]),
    st.sampled_from(["below", "above"]),
    st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    st.sampled_from(["reflect", "retrieve", "abstain", "proceed"]),
)
policies = st.builds(
    lambda rules, thresholds: Policy(
        rules=tuple(rules), abstain_below=min(thresholds), answer_above=max(thresholds)
    ),
    st.lists(rules, max_size=4),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
# Few values, so that they often fall on a threshold.
values = st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 0.5, 1.0]), st.floats(-2, 2))
rows = st.fixed_dictionaries(
    {"avg_logprob": values, "entropy": values, "top1_prob": values, "confidence": st.none() | st.floats(0, 1)}
)


@given(policies, st.lists(rows, min_size=1, max_size=12))
def test_a_table_is_decided_as_its_rows_are(policy: Policy, table: list[dict[str, float | None]]) -> None:
    columns = {name: np.array([row[name] for row in table], dtype=np.float64) for name in table[0]}
    confidence = columns.pop("confidence")
    together = decide(policy, columns, confidence)
    for i, row in enumerate(table):
        signals = {name: value for name, value in row.items() if name != "confidence"}
        alone = decide_one(policy, signals, row["confidence"])
        assert (GATES[together.gate[i]], ACTIONS[together.action[i]]) == (alone.gate, alone.action)
        assert alone.gate is first_gate(policy, signals)


def first_gate(policy: Policy, signals: dict[str, float | None]) -> Gate:
    """The gate rules as a person would read them."""
    for rule in policy.rules:
        value = signals.get(rule.signal)
        if value is not None and (value < rule.threshold if rule.sign == "<" else value > rule.threshold):
            return Gate(rule.gate)
    return Gate.PROCEED


def test_the_index_of_the_rule_that_held_is_told() -> None:
    decided = decide(Policy(), {"avg_logprob": [-2.0, -1.0], "top1_prob": [0.1, 0.9]}, [0.5, 0.5])
    assert decided.rule.tolist() == [0, -1]


def test_a_million_answers_are_decided_while_a_slider_moves() -> None:
    chance = np.random.default_rng(0)
    n = 1_000_000
    table = {name: chance.normal(size=n) for name in SURE}
    confidence = chance.random(n)
    started = time.perf_counter()
    decided = decide(Policy(), table, confidence)
    # About 0.02 s on one core; row by row it would take minutes.
    assert time.perf_counter() - started < 2
    assert decided.action.shape == (n,)


def test_the_version_changes_with_the_content_alone() -> None:
    def content(policy: Policy) -> str:
        return policy.version.split("@")[1]

    base = Policy()
    assert base.version == Policy(answer_above=0.50, rules=tuple(base.rules)).version
    assert base.version.startswith("default@")
    assert content(base) == content(Policy(name="mine"))
    others = [
        Policy(answer_above=0.51),
        Policy(abstain_below=0.19),
        Policy(rules=()),
        Policy(rules=tuple(reversed(base.rules))),
        Policy(rules=(base.rules[0].moved(-1.4), *base.rules[1:])),
        Policy(rules=(Rule(signal="avg_logprob", above=-1.5, gate="reflect"), *base.rules[1:])),
    ]
    assert len({content(policy) for policy in [base, *others]}) == 1 + len(others)


def test_moving_a_threshold_keeps_the_rest_of_the_rule() -> None:
    rule = Rule(signal="entropy", above=2.5, gate="retrieve")
    assert rule.moved(0.0) == Rule(signal="entropy", above=0.0, gate="retrieve")
    assert rule.moved(0.0).sign == ">"
    with pytest.raises(ValidationError):
        rule.moved(math.nan)


@pytest.mark.parametrize(
    "broken",
    [
        {"signal": "entropy", "gate": "retrieve"},
        {"signal": "entropy", "above": 1, "below": 2, "gate": "retrieve"},
        {"signal": "entropy", "above": math.inf, "gate": "retrieve"},
        {"signal": "entropy", "above": 1, "gate": "answer"},
        {"signal": "entropy", "above": 1, "gate": "retrieve", "colour": "red"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(broken)


@pytest.mark.parametrize(
    "broken",
    [{"answer_above": 0.1}, {"answer_above": 1.1}, {"abstain_below": -0.1}, {"answer_above": math.nan}],
)
def test_routing_thresholds_must_be_ordered_and_probabilities(broken: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(broken)


@pytest.mark.parametrize("value", ["-1", True, [1.0], {}])
def test_a_metric_that_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidInput, match="'entropy'") as caught:
        decide_action({"entropy": value})  # type: ignore[dict-item]
    assert caught.value.fields == ("entropy",)


def test_metrics_may_be_numpy_numbers_and_nan_is_missing() -> None:
    assert decide_action({"avg_logprob": np.float32(-2)}) is Gate.REFLECT
    assert decide_action({"avg_logprob": math.nan}) is Gate.PROCEED


@pytest.mark.parametrize(
    ("token_logprobs", "gate"),
    [
        ([("Muscat", -0.1)], Gate.PROCEED),
        ([("Mus", -0.1), ("cat", -3.5)], Gate.REFLECT),
        ([("Mus", -1.61), ("cat", -0.1)], Gate.ABSTAIN),
        ([("Mus", -1.60), ("cat", -0.1)], Gate.PROCEED),
        ([("Mus", -math.inf)], Gate.REFLECT),
        ([("Mus", 0.0)], Gate.PROCEED),
        ([("Mus", 1e-9)], Gate.PROCEED),
    ],
)
def test_gate_from_ones_own_log_probabilities(token_logprobs: list[tuple[str, float]], gate: Gate) -> None:
    # ln 0.2 is -1.609: the first token's probability falls under 0.20 between -1.60 and -1.61.
    assert gate_from_token_logprobs(token_logprobs) is gate


def test_gate_from_ones_own_log_probabilities_takes_a_policy() -> None:
    strict = Policy(rules=(Rule(signal="top1_prob", below=0.99, gate="abstain"),))
    assert gate_from_token_logprobs([("Muscat", -0.1)], strict) is Gate.ABSTAIN


@pytest.mark.parametrize("value", [0.5, math.nan, "-1", None])
def test_what_is_no_log_probability_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(InvalidInput, match="token 1 \\(' b'\\)") as caught:
        gate_from_token_logprobs([("a", -0.1), (" b", value)])  # type: ignore[list-item]
    assert caught.value.fields == ("token_logprobs[1]",)


def test_no_tokens_are_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        gate_from_token_logprobs([])


def test_a_larger_model_leaves_versions_without_it_as_they_were() -> None:
    assert Policy(larger_above=None).version == Policy().version
    assert Policy(larger_above=0.6).version != Policy().version


def test_a_larger_models_answer_is_decided_without_rules_and_never_abstains() -> None:
    policy = Policy(answer_above=0.8, abstain_below=0.4, larger_above=0.6).for_larger
    assert policy is not None
    low = {"avg_logprob": -9.0, "entropy": 9.0, "top1_prob": 0.0}
    decided = decide(policy, low, [0.0, 0.59, 0.6, np.nan, 0.9], [False, False, False, False, True])
    assert [ACTIONS[code] for code in decided.action] == ["defer", "defer", "answer", "defer", "defer"]
    assert Policy().for_larger is None


def test_no_policy_guarantees_the_answers_of_two_models() -> None:
    guarantee = PolicyGuarantee(
        risk=0.1, confidence_level=0.95, calibrator="c@1", run="r", questions=100, answered=50, incorrect=1
    )
    assert Policy(guarantee=guarantee).guarantee == guarantee
    with pytest.raises(ValidationError, match="leave out guarantee or larger_above"):
        Policy(guarantee=guarantee, larger_above=0.6)
