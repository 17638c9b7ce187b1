"""What a policy decides on one answer, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from codex.ask.confidence import other_kinds
from codex.policy import ACTIONS, GATES, Policy, Rule, decide
from codex.signals import label_of
from codex.text import chosen, number, percent
from codex.types import Action, Decision, Gate, Step, Trace


def decide_one(
    policy: Policy,
    signals: Mapping[str, float | None],
    confidence: float | None,
    unlike: Sequence[str] | None = None,
) -> Decision:
    """Gate and route one answer.

    unlike: where the question is unlike those that the confidence was calibrated on, the names of the sets
    that these are of, as far as they are known; None where it is not.
    """
    row = {name: np.nan if value is None else value for name, value in signals.items()}
    value = np.nan if confidence is None else confidence
    codes = decide(policy, row, value, unlike is not None)
    rule, gate = int(codes.rule[0]), GATES[codes.gate[0]]
    parts = []
    if rule >= 0:
        held = policy.rules[rule]
        parts.append(f"{_held(held, float(signals[held.signal] or 0.0))}: {gate}")
    if gate is not Gate.ABSTAIN:
        parts.append(_routing(policy, confidence, unlike))
    elif unlike is not None:
        parts.append(other_kinds(unlike))
    return Decision(ACTIONS[codes.action[0]], gate, "; ".join(parts))


def decide_again(policy: Policy, trace: Trace) -> Decision:
    """What a policy decides on an answer that was given already, by the steps that were taken.

    Where it asks a larger model that was not asked, a person decides.
    """
    first = next(step for step in reversed(trace.steps) if step.larger is None)
    decision = _decide_step(policy, trace, first)
    larger = policy.for_larger
    if larger is None or decision.action is not Action.DEFER:
        return decision
    if trace.larger is None:
        return replace(decision, reason=f"{decision.reason}; no larger model was asked")
    return _decide_step(larger, trace, trace.last)


def _decide_step(policy: Policy, trace: Trace, step: Step) -> Decision:
    unlike = trace.calibrated_on(step) if step.confidence.unfamiliar else None
    return decide_one(policy, step.signals, step.confidence.value, unlike)


def signal_name(name: str) -> str:
    """What people call a signal, inside a sentence."""
    label = label_of(name)
    is_word = label.split()[0][1:].islower()
    return label[0].lower() + label[1:] if is_word else label


def _held(rule: Rule, value: float) -> str:
    threshold = _exact(rule.threshold)
    side = "below" if rule.below is not None else "above"
    return f"{signal_name(rule.signal)} {_shown(value, number(value), rule.threshold)}, {side} {threshold}"


def _routing(policy: Policy, confidence: float | None, unlike: Sequence[str] | None) -> str:
    if confidence is None:
        return "no confidence is available: a person decides"
    answer, abstain = policy.answer_above, policy.abstain_below
    shown = _shown(100 * confidence, percent(confidence)[:-1], 100 * abstain, 100 * answer)
    likely = f"{shown}% likely correct"
    if confidence >= answer and unlike is not None and policy.defer_unfamiliar:
        return f"{likely}, but {other_kinds(unlike)}: a person decides"
    also = f"; {other_kinds(unlike)}" if unlike is not None else ""
    if confidence >= answer:
        return f"{likely}: at least the {chosen(answer)} needed to answer{also}"
    if confidence < abstain:
        return f"{likely}: below the {chosen(abstain)} under which Codex abstains{also}"
    return f"{likely}: below the {chosen(answer)} needed to answer{also}"


def _exact(threshold: float) -> str:
    """A threshold as the pages write it, with all its digits."""
    usual = number(threshold)
    return usual if _read(usual) == threshold else f"{threshold:g}".replace("-", "−")


def _read(text: str) -> float:
    return float(text.replace("−", "-"))


def _shown(value: float, usual: str, *bounds: float) -> str:
    """The value as the pages write it, or with as many digits as keep it on its own side of the bounds."""
    sides = np.sign(np.subtract(value, bounds))
    for text in (usual, *(f"{value:.{digits}g}".replace("-", "−") for digits in range(3, 18))):
        if np.array_equal(np.sign(np.subtract(_read(text), bounds)), sides):
            return text
    return repr(value)
