"""What schemathesis cannot read in a JSON Schema; schemathesis.toml names this file."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.hooks import HookContext

from codex.policy import Policy


@schemathesis.hook
def before_call(context: HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Put the two thresholds of a policy in order: a schema cannot compare two values."""
    policy = case.body.get("policy") if isinstance(case.body, dict) else None
    if not isinstance(policy, dict):
        return
    default = Policy()
    low = policy.get("abstain_below", default.abstain_below)
    high = policy.get("answer_above", default.answer_above)
    if isinstance(low, int | float) and isinstance(high, int | float) and 0 <= high < low <= 1:
        policy["abstain_below"], policy["answer_above"] = high, low
