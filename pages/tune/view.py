"""Outcomes, runs and changed questions as the Tune page shows them."""

from __future__ import annotations

import numpy as np

from codex import figures, signals
from codex.pages import JSON
from codex.pages.tune.runs import OpenRun
from codex.pages.tune.table import Changes, PolicyOutcome, SortedTable
from codex.policy import ACTIONS, Policy
from codex.store.evaluation.runs import RunSummary

SCALE_STEPS = 200
"""Of a slider, over the values of its signal."""
BINS = 40
"""Of the small histogram behind a slider."""


def run_line(summary: RunSummary) -> JSON:
    """One entry of the list of runs."""
    run = summary.run
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset,
        "created": run.created_at.isoformat(),
        "model": run.model,
        "state": run.state,
        "graded": summary.correct + summary.incorrect,
    }


def open_view(opened: OpenRun, policy: Policy) -> JSON:
    """A run that was opened: how much of it is graded, where its confidences come from, its signals."""
    rows, source = opened.rows, opened.confidences
    return {
        "key": opened.key,
        "run": run_line(opened.summary),
        "questions": len(rows),
        "ungraded": rows.table.ungraded,
        "calibrator": source.calibrator.version if source.calibrator else None,
        "seen": opened.seen,
        "unproven": opened.why_unproven,
        "why": source.why,
        "unknown": int(np.count_nonzero(np.isnan(rows.confidence))),
        "signals": signal_choices(rows),
        "scales": {
            "confidence": _scale(rows.confidence, rows, (0.0, 1.0)),
            **{rule.signal: signal_scale(rows, rule.signal) for rule in policy.rules},
        },
    }


def signal_choices(rows: SortedTable) -> list[JSON]:
    """The signals that a rule can be about: those of the register, and what else the run's rows hold.

    less_confident: the side of a threshold on which an answer is less confident.
    """
    columns = rows.table.signals
    return [
        {
            "name": name,
            "label": known.label if known else name,
            "less_confident": "below" if known is None or known.higher_is_confident else "above",
            "here": name in columns and bool(np.isfinite(columns[name]).any()),
        }
        for name in dict.fromkeys([*signals.REGISTRY, *columns])
        for known in [signals.REGISTRY.get(name)]
    ]


def signal_scale(rows: SortedTable, name: str) -> JSON:
    """Where a signal's values lie in this run, and how many of each are correct and incorrect."""
    known = signals.REGISTRY.get(name)
    natural = known.scale if known else (0.0, 1.0)
    return _scale(rows.column(name), rows, natural) | {"unit": known.unit if known else ""}


def outcome_view(outcome: PolicyOutcome) -> JSON:
    """The metrics of a policy on a run."""
    return {
        "questions": outcome.questions,
        "actions": {str(action): outcome.actions[action] for action in ACTIONS},
        "gates": {str(gate): count for gate, count in outcome.gates.items()},
        "rules": list(outcome.rules),
        "coverage": outcome.coverage,
        "accuracy": outcome.accuracy,
        "interval": outcome.interval,
        "correct": outcome.correct,
        "incorrect": outcome.answered - outcome.correct,
        "correct_withheld": outcome.correct_withheld,
    }


def changes_view(rows: SortedTable, changes: Changes, limit: int) -> JSON:
    """The decisions that changed: counted by where from and where to, and the first of the questions."""
    correct = rows.correct[changes.rows]
    moves = []
    for old, before in enumerate(ACTIONS):
        for new, after in enumerate(ACTIONS):
            moved = (changes.before == old) & (changes.after == new)
            if count := int(np.count_nonzero(moved)):
                among = int(np.count_nonzero(moved & correct))
                moves.append({"from": str(before), "to": str(after), "count": count, "correct": among})
    return {
        "total": len(changes.rows),
        "moves": moves,
        "questions": [
            _question(rows, int(row), int(changes.before[i]), int(changes.after[i]))
            for i, row in enumerate(changes.rows[:limit])
        ],
    }


def curve_key(opened: OpenRun, policy: Policy, now: PolicyOutcome, other: PolicyOutcome) -> str:
    """Changes with everything on the risk-coverage figure but the places of its two points."""
    rules, guarantee = policy.model_dump_json(include={"rules"}), policy.guarantee
    points = [outcome.accuracy is not None for outcome in (now, other)]
    return f"{opened.key} {rules} {guarantee and (guarantee, now.coverage)} {points}"


def figure_view(rows: SortedTable, policy: Policy, now: PolicyOutcome, other: PolicyOutcome) -> JSON:
    """The risk-coverage curve under the policy's rules, with the policy and the other one on it."""
    curve = rows.curve(policy)
    guarantee = policy.guarantee
    figure = figures.risk_coverage(
        curve.coverage,
        curve.risk,
        curve.threshold,
        point=_point(now),
        other=_point(other),
        guarantee=(guarantee.risk, now.coverage) if guarantee else None,
    )
    # The other one is any that was chosen for comparison.
    for trace in figure["data"]:
        if trace["name"] == "active":
            trace |= {
                "name": "compared",
                "hovertemplate": trace["hovertemplate"].replace("active", "compared"),
            }
    return figure


def _point(outcome: PolicyOutcome) -> tuple[float, float] | None:
    return None if outcome.accuracy is None else (outcome.coverage, 1 - outcome.accuracy)


def _question(rows: SortedTable, row: int, before: int, after: int) -> JSON:
    at = int(rows.order[row])
    confidence = float(rows.confidence[row])
    return {
        "id": rows.table.ids[at],
        "question": rows.table.questions[at],
        "text": rows.table.texts[at],
        "from": str(ACTIONS[before]),
        "to": str(ACTIONS[after]),
        "correct": bool(rows.correct[row]),
        "confidence": None if np.isnan(confidence) else confidence,
    }


def _scale(values: np.ndarray, rows: SortedTable, natural: tuple[float, float]) -> JSON:
    there = np.isfinite(values)
    low, high = natural
    if there.any():
        # Nearly all of what was seen, so that one strange value does not squeeze the rest together.
        seen = np.quantile(values[there], (0.005, 0.995))
        low, high = min(low, float(seen[0])), max(high, float(seen[1]))
    correct, incorrect = (
        np.histogram(np.clip(values[there & side], low, high), BINS, (low, high))[0].tolist()
        for side in (rows.correct, ~rows.correct)
    )
    return {
        "low": low,
        "high": high,
        "step": (high - low) / SCALE_STEPS,
        "correct": correct,
        "incorrect": incorrect,
        "median": float(np.median(values[there])) if there.any() else None,
        "missing": int(np.count_nonzero(~there)),
    }
