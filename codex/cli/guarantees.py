"""What codex calibrate prints of guarantees by dataset and of prediction sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from codex.calibration.prediction_sets import ConformalPredictor
from codex.calibration.risk import Guarantee, NoGuarantee
from codex.cli.terminal import printable
from codex.evaluation.prediction_sets import CheckedSets
from codex.text import chosen, percent

COLUMNS = (
    "fitted on",
    "samples above",
    "held out",
    "mean size",
    "empty",
    "one",
    "several",
    "any answer",
    "coverage",
)
"""Of prediction sets. What stands behind "held out" is counted on those questions."""


def tell_groups(console: Console, groups: Mapping[str, Guarantee | NoGuarantee]) -> None:
    """One line a dataset: the threshold and what it does; then, where there is none, why."""
    table = Table("dataset", box=None)
    for title in ("held out", "threshold", "answered", "accuracy"):
        table.add_column(title, justify="right")
    for name, found in groups.items():
        shown = (
            (percent(found.threshold), percent(found.coverage), percent(found.accuracy))
            if isinstance(found, Guarantee)
            else ("none",)
        )
        table.add_row(Text(printable(name)), f"{found.n:,}", *shown)
    console.print(table)
    for name, found in groups.items():
        if isinstance(found, NoGuarantee):
            console.print(f"{printable(name)}: {found.reason}", markup=False, highlight=False, soft_wrap=True)


def tell_sets(console: Console, sets: Sequence[CheckedSets]) -> None:
    """One line for all questions and each dataset: the sets, and how they did on the other half."""
    first = sets[0].sets
    console.print(
        f"Prediction sets that contain the correct answer in {chosen(1 - first.alpha)} of cases, made of "
        "the samples; coverage on the held-out questions",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("dataset", box=None)
    for title in COLUMNS:
        table.add_column(title, justify="right")
    for each in sets:
        counts = (each.empty, each.one, each.several, each.anything)
        table.add_row(
            Text(printable(each.group or "all together")),
            f"{each.sets.n:,}",
            _cutoff(each.sets),
            f"{each.n:,}",
            "infinite" if each.mean_size is None else f"{each.mean_size:.2f}",
            *(percent(count / each.n) if each.n else "" for count in counts),
            _coverage(each),
        )
    console.print(table)
    for each in sets:
        name = f"{printable(each.group)}: " if each.group else ""
        console.print(f"{name}{each.sets}", markup=False, highlight=False, soft_wrap=True)


def _cutoff(sets: ConformalPredictor) -> str:
    return "infinite" if sets.infinite else percent(sets.cutoff)


def _coverage(each: CheckedSets) -> str:
    if each.coverage is None or each.coverage_ci is None:
        return ""
    low, high = each.coverage_ci
    return f"{percent(each.coverage)} ({percent(low)} to {percent(high)})"
