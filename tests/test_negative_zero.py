"""A number that rounds to zero has no minus sign, wherever it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codex.ask.deciding import decide_one
from codex.cli.scores import _shown
from codex.evaluation.report import _number, _with_interval
from codex.figures import _threshold
from codex.policy import Policy, Rule
from tests.bench.line import Line

TINY = -0.00004
"""Rounds to zero at every number of digits that a report writes."""

WRITERS: list[Callable[[float], str]] = [
    _number,
    _shown,
    lambda value: _shown(0.5, (value, 1.0)),
    lambda value: _with_interval(0.5, (value, 1.0)),
]


@pytest.mark.parametrize("write", WRITERS)
def test_reports_write_no_minus_zero(write: Callable[[float], str]) -> None:
    assert "0.000" in write(TINY)
    assert "-" not in write(TINY)
    assert "-0.0" in write(-0.04)


def test_figures_rules_and_benchmarks_write_no_minus_zero() -> None:
    assert _threshold(-0.0) == "0%"
    assert Line("difference", -0.0, 0.0, "%", "how").shown == "0 %"
    rule = Policy(rules=(Rule(signal="avg_logprob", below=1.0, gate="reflect"),))
    assert "mean log-probability 0, below 1.0" in decide_one(rule, {"avg_logprob": -0.0}, 0.9).reason
