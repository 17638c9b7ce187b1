"""From a target to thresholds: the risk or the coverage that is wanted, and what can be guaranteed of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codex.calibration.risk import NoGuarantee, selective_threshold, upper_bound
from codex.errors import InvalidInput
from codex.pages import JSON
from codex.pages.tune.runs import OpenRun
from codex.pages.tune.table import Mask
from codex.policy import Policy, PolicyGuarantee
from codex.text import chosen, percent

ONE_MODEL = "A guarantee is proven of one model: turn the larger model off to propose one."
ESTIMATED = "estimated"
"""What stands for the calibrator in a guarantee about confidences that no calibrator made."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Thresholds for a target, or why there are none."""

    policy: Policy | None
    """With its guarantee, if one can be made; None: no thresholds reach the target."""
    words: str


def propose(opened: OpenRun, policy: Policy, wanted: JSON) -> Proposal:
    """Thresholds under the policy's rules. wanted: {by: risk or coverage, risk, coverage, confidence_level}.

    The numbers are percentages as they were typed. Raises InvalidInput.
    """
    delta = round(1 - share(wanted, "confidence_level", "Confidence level"), 12)
    if wanted.get("by") == "coverage":
        return _by_coverage(
            opened, policy, share(wanted, "coverage", "Questions answered, at least", whole=True), delta
        )
    return _by_risk(opened, policy, share(wanted, "risk", "Incorrect answers allowed, α"), delta)


def share(wanted: JSON, name: str, label: str, *, whole: bool = False) -> float:
    """A percentage that a person typed, as a share; 100% only where the whole is a target.

    Raises InvalidInput.
    """
    typed: Any = wanted.get(name)
    try:
        value = float(str(typed).strip().removesuffix("%"))
    except ValueError:
        value = np.nan
    if not (0 < value < 100 or (whole and value == 100)):
        bounds = "above 0, at most 100" if whole else "above 0 and below 100"
        raise InvalidInput(f"{label} must be a percentage {bounds}, not {str(typed)!r}.", [name])
    return value / 100


def _by_risk(opened: OpenRun, policy: Policy, alpha: float, delta: float) -> Proposal:
    rows, free = opened.rows, opened.held_out
    if policy.larger_above is not None:
        return Proposal(None, ONE_MODEL)
    if opened.why_unproven:
        return Proposal(None, opened.why_unproven)
    found = selective_threshold(
        rows.confidence[free],
        rows.correct[free],
        alpha,
        delta,
        selectable=rows.first_rows(policy)[free],
    )
    if isinstance(found, NoGuarantee):
        return Proposal(None, _with_seen(str(found), free))
    guarantee = _guarantee(opened, alpha, delta, found.n, found.answered, found.incorrect)
    return Proposal(_moved(policy, found.threshold, guarantee), _words(guarantee, found.bound, free))


def _by_coverage(opened: OpenRun, policy: Policy, coverage: float, delta: float) -> Proposal:
    rows = opened.rows
    threshold = rows.threshold_for(coverage, policy)
    if threshold is None:
        most = rows.open_rows(policy).mean()
        return Proposal(
            None,
            f"No threshold answers {chosen(coverage)}: the rules abstain on the rest, or it has no "
            f"confidence. At most {chosen(most)} can be answered; relax the rules to answer more.",
        )
    if policy.larger_above is not None:
        return Proposal(_moved(policy, threshold, None), ONE_MODEL)
    # The threshold was chosen by the confidences alone, so that the verdicts above it are as good as new.
    free = opened.held_out
    given = rows.first_rows(policy) & (rows.confidence >= threshold) & free
    answered = int(np.count_nonzero(given))
    incorrect = int(np.count_nonzero(given & ~rows.correct))
    bound = upper_bound(incorrect, answered, delta)
    if opened.why_unproven:
        return Proposal(_moved(policy, threshold, None), opened.why_unproven)
    if not answered or bound > 0.999:
        why = f"No guarantee is possible: of {answered} held-out answers, {incorrect} are incorrect."
        return Proposal(_moved(policy, threshold, None), _with_seen(why, free))
    # Rounded up to what is said, so that it is not less.
    risk = min(np.ceil(bound * 1000) / 1000, 0.999)
    guarantee = _guarantee(opened, risk, delta, int(np.count_nonzero(free)), answered, incorrect)
    return Proposal(_moved(policy, threshold, guarantee), _words(guarantee, bound, free))


def _moved(policy: Policy, threshold: float, guarantee: PolicyGuarantee | None) -> Policy:
    return policy.model_copy(
        update={
            "answer_above": threshold,
            "abstain_below": min(policy.abstain_below, threshold),
            "guarantee": guarantee,
        }
    )


def _guarantee(
    opened: OpenRun, risk: float, delta: float, questions: int, answered: int, incorrect: int
) -> PolicyGuarantee:
    calibrator = opened.confidences.calibrator
    return PolicyGuarantee(
        risk=risk,
        confidence_level=round(1 - delta, 12),
        calibrator=calibrator.version if calibrator else ESTIMATED,
        run=opened.summary.run.id,
        questions=questions,
        answered=answered,
        incorrect=incorrect,
    )


def _words(guarantee: PolicyGuarantee, bound: float, free: Mask) -> str:
    said = (
        f"{guarantee}. Of {guarantee.questions:,} graded questions {guarantee.answered:,} are answered at "
        f"once, {guarantee.incorrect:,} of them incorrectly; upper bound {percent(bound)}."
    )
    return _with_seen(said, free)


def _with_seen(said: str, free: Mask) -> str:
    seen = int(np.count_nonzero(~free))
    if not seen:
        return said
    return f"{said} {seen:,} more do not count: the calibrator was fitted on them, or they are duplicates."
