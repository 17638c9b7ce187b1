"""What a run came to, on a terminal, as JSON, CSV or lines, and as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from codex.calibration import Calibrator
from codex.calibration.calibrator import MetricName
from codex.calibration.glossary import GLOSSARY
from codex.calibration.resampling import Interval
from codex.cli import terminal
from codex.cli.terminal import printable
from codex.errors import InvalidInput
from codex.evaluation import report
from codex.evaluation.scoring import ConfidenceScores, Scores, by_auroc, confidences_of, score
from codex.grading.kinds import told
from codex.outputs import output
from codex.store.evaluation import table as columns

AsJson = Annotated[bool, typer.Option("--json", help="Print every metric with its interval, as JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a table of the answers with their signals.")]
AsLines = Annotated[bool, typer.Option("--ndjson", help="The same, one JSON object a line.")]
AsPage = Annotated[Path | None, typer.Option("--html", help="Write a report with plots to this file.")]
ScoredBy = Annotated[
    str | None,
    typer.Option(
        "--calibrator", help="Score this one's confidence, by version or file; by default it is cross-fitted."
    ),
]

RANKED = ("prr", "prr50", "aurc")
MEANT: tuple[MetricName, ...] = ("ece", "ece_excess", "brier", "nll")


@dataclass(frozen=True, slots=True)
class Form:
    """How to say it."""

    as_json: bool = False
    as_csv: bool = False
    as_lines: bool = False
    page: Path | None = None

    def __post_init__(self) -> None:
        if sum((self.as_json, self.as_csv, self.as_lines)) > 1:
            raise InvalidInput("Choose one of --json, --csv and --ndjson.", ["json", "csv", "ndjson"])
        if self.page and not self.scored:
            raise InvalidInput("--html comes with --json or alone.", ["html"])

    @property
    def scored(self) -> bool:
        """Figures are wanted, not single answers."""
        return not (self.as_csv or self.as_lines)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Graded answers and what is to be said of them."""

    title: str
    table: columns.Table
    answers: Sequence[Sequence[str]]
    """[n]: the accepted ones."""
    facts: dict[str, str] = field(default_factory=dict)
    """How they came about, for people."""
    rows: Callable[[NDArray[np.float64] | None], Iterable[report.Row]] | None = None
    """Every row for a confidence of each graded one; None: the graded ones alone."""


def tell(evaluated: Evaluated, form: Form, calibrator: Calibrator | None = None) -> dict[str, object] | None:
    """Score the answers and print or write what the form says; returns the metrics where they are JSON.

    Raises InvalidInput when a file cannot be written.
    """
    table = evaluated.table
    with terminal.console(stderr=True).status("scoring"):
        found = confidences_of(table, calibrator)
        confidences = found.values
        scores = (
            score(table, calibrator, confidences=found, answers=evaluated.answers) if form.scored else None
        )
    if scores is None:
        # Of an answer's cross-fitted confidences their mean, as on the Evaluate page.
        sure = None if confidences is None else np.atleast_2d(confidences).mean(axis=0)
        rows = evaluated.rows(sure) if evaluated.rows else report.table_rows(table, evaluated.answers, sure)
        _write(report.csv_lines(rows) if form.as_csv else report.ndjson(rows))
        return None
    if form.page is not None:
        page = report.page(
            evaluated.title,
            scores,
            table,
            confidences,
            facts=[*evaluated.facts.items(), ("graded as", told(table.graders))],
        )
        _save(form.page, page)
    if form.as_json:
        return {"graders": dict(table.graders), **scores.model_dump(mode="json")}
    _print(evaluated, scores)
    return None


def print_json(value: object) -> None:
    """In ASCII, so that nothing a model wrote can act on a terminal."""
    print(json.dumps(value, indent=2, allow_nan=False))


def _save(path: Path, page: str) -> None:
    with output(path, "html") as file:
        file.write(page.encode())
    terminal.console(stderr=True).print(f"The report is in {path}.", soft_wrap=True, highlight=False)


def _write(lines: Iterator[str]) -> None:
    for line in lines:
        sys.stdout.write(line)


def _print(evaluated: Evaluated, scores: Scores) -> None:
    console = terminal.console()
    correct = _shown(scores.accuracy, scores.accuracy_ci)
    ungraded = f", {scores.ungraded:,} without a grade" if scores.ungraded else ""
    console.print(
        Text(f"{printable(evaluated.title)}: {scores.n:,} answers, {correct} correct{ungraded}"),
        soft_wrap=True,
    )
    console.print(Text(report.graders_noise(evaluated.table.graders), style="dim"))
    if scores.note:
        console.print(Text(scores.note))
    table = Table(box=None)
    for title in ("signal", "AUROC, 95 % interval", *(GLOSSARY[key].name for key in RANKED)):
        table.add_column(title, no_wrap=True)
    lines = by_auroc(scores.signals)
    if scores.confidence is not None:
        lines.insert(0, ("confidence", scores.confidence))
    for name, ranking in lines:
        if ranking.auroc is not None:
            rest = (_shown(getattr(ranking, key)) for key in RANKED)
            table.add_row(name, _shown(ranking.auroc, ranking.auroc_ci), *rest)
    console.print(table)
    if scores.confidence is not None:
        console.print(_meaning(scores.confidence))
        console.print(Text(scores.confidence.source, style="dim"), soft_wrap=True)
    tell_metrics(console, ("auroc", *RANKED, *(MEANT if scores.confidence is not None else ())))


def tell_metrics(console: Console, keys: Iterable[str]) -> None:
    """Print a sentence for each of these metrics."""
    for key in keys:
        metric = GLOSSARY[key]
        console.print(Text(f"{metric.name}: {metric.says}", style="dim"), soft_wrap=True)


def _meaning(confidence: ConfidenceScores) -> Table:
    table = Table("the confidence", "95 % interval", box=None)
    for key in MEANT:
        table.add_row(GLOSSARY[key].name, _shown(getattr(confidence, key), getattr(confidence, f"{key}_ci")))
    return table


def _shown(value: float | None, interval: Interval | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:z.3f}" + (f" ({interval[0]:z.3f} to {interval[1]:z.3f})" if interval else "")
