"""The risk dial: what becomes of questions that the calibrator has not seen, at every accepted risk."""

from __future__ import annotations

import numpy as np

from codex.ask.deciding import decide_one
from codex.calibration.risk import Guarantee, selective_threshold
from codex.demo.example import Example
from codex.demo.recording import Recordings
from codex.demo.stories import STORIES
from codex.pages import JSON
from codex.pages.calibrate.view import diagram
from codex.pages.tune.table import SortedTable
from codex.policy import Policy
from codex.text import chosen
from codex.types import Action

RISKS = tuple(round(0.01 * step, 2) for step in range(61))
"""Where the dial can stand."""
START = 0.2
DELTA = 0.05
"""Of the guarantee: 1 - confidence level."""


def dial_view(recordings: Recordings, example: Example) -> JSON:
    """Every place of the dial, and the reliability of the confidences that it moves over."""
    rows = SortedTable(example.table, example.confidence)
    return {
        "questions": len(rows),
        "start": RISKS.index(START),
        "places": [_place(recordings, rows, risk) for risk in RISKS],
        "reliability": diagram(rows.confidence, rows.correct, "Confidence and correct answers"),
        "datasets": list(example.calibrator.datasets),
    }


def threshold_for(rows: SortedTable, policy: Policy, risk: float) -> float:
    """The lowest answer_above at which at most this share of the answers given is incorrect; 1: none is.

    Of the answers in the table; what that guarantees of others is another question.
    """
    given = rows.open_rows(policy)
    answered, incorrect = np.cumsum(given), np.cumsum(given & ~rows.correct)
    # A threshold takes all answers of the same confidence.
    ends = np.flatnonzero(np.append(rows.confidence[1:] != rows.confidence[:-1], True) & given)
    kept = ends[incorrect[ends] <= risk * answered[ends]]
    return float(rows.confidence[kept[-1]]) if len(kept) else 1.0


def _place(recordings: Recordings, rows: SortedTable, risk: float) -> JSON:
    threshold = threshold_for(rows, recordings.policy, risk)
    policy = recordings.policy.model_copy(
        update={
            "answer_above": threshold,
            "abstain_below": min(recordings.policy.abstain_below, threshold),
            "guarantee": None,
        }
    )
    outcome = rows.outcome(policy)
    return {
        "risk": risk,
        "threshold": threshold,
        "counts": {str(action): outcome.actions[action] for action in Action},
        "incorrect": outcome.answered - outcome.correct,
        "guarantee": _guarantee(rows, recordings.policy, risk),
        "stories": {
            each.story: str(decide_one(policy, last.signals, last.confidence.value, unlike).action)
            for each in recordings.recordings
            for last in [each.trace.last]
            for unlike in [each.trace.params.calibrated_on if last.confidence.unfamiliar else None]
        },
    }


def _guarantee(rows: SortedTable, policy: Policy, risk: float) -> JSON:
    """What holds of other questions like these, as a sentence."""
    level = chosen(1 - DELTA)
    if risk <= 0:
        return {"holds": False, "words": "No number of answers can guarantee that none is incorrect."}
    found = selective_threshold(
        rows.confidence, rows.correct, risk, DELTA, selectable=rows.first_rows(policy)
    )
    if isinstance(found, Guarantee):
        words = (
            f"Guaranteed at the {level} confidence level for questions like these, when Codex answers from "
            f"{chosen(round(found.threshold, 2))} on."
        )
        return {"holds": True, "words": words}
    more = f" About {float(f'{found.labels:.1e}'):,.0f} would do." if found.labels else ""
    words = f"Not guaranteed for other questions: {found.n} labelled answers are too few.{more}"
    return {"holds": False, "words": words}


def stories_view(recordings: Recordings) -> list[JSON]:
    """The questions, in the order in which they are offered."""
    recorded = {each.story for each in recordings.recordings}
    return [
        {"id": story.id, "question": story.question, "title": story.title, "lesson": story.lesson}
        for story in STORIES
        if story.id in recorded
    ]
