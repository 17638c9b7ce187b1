"""What a run came to, to hand on: lines of JSON, a table, and one page that needs nothing else."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex.calibration import metrics
from codex.calibration.glossary import GLOSSARY
from codex.calibration.resampling import Interval
from codex.evaluation.report_page import PAGE
from codex.evaluation.scoring import ConfidenceScores, GroupScores, Ranking, Scores, by_auroc
from codex.grading.grades import AGREEMENT
from codex.grading.kinds import DEFAULT, told
from codex.signals import REGISTRY
from codex.store.evaluation.table import Table
from codex.types import Record

_FORMULA_BEGINS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n")

Array = NDArray[np.float64]
Row = dict[str, Any]
"""id, group, question, answer, accepted, correct, by_person, grader_correct, grade, confidence, seconds,
error, signals."""

SURE_AND_WRONG = 25
"""Questions in the page's list of confident mistakes."""


def record_row(record: Record, confidence: float | None = None) -> Row:
    """A record without its tokens and samples. confidence: in [0, 1]."""
    return {
        "id": record.id,
        "group": record.group,
        "question": record.observation.question,
        "answer": record.observation.generation.text,
        "accepted": list(record.answers),
        "correct": record.correct,
        "by_person": record.by_person,
        "grader_correct": record.grader_correct if record.by_person else record.correct,
        "grade": _finite(record.grade),
        "confidence": _finite(confidence),
        "seconds": _finite(record.seconds),
        "error": record.error,
        "signals": {name: _finite(value) for name, value in record.signals.items()},
    }


def table_rows(
    table: Table, answers: Sequence[Sequence[str]] | None = None, confidence: Array | None = None
) -> Iterator[Row]:
    """The rows of graded answers that are no records. answers: [n] accepted ones; confidence: [n]."""
    for i, id_ in enumerate(table.ids):
        yield {
            "id": id_,
            "group": str(table.groups[i]),
            "question": table.questions[i],
            "answer": table.texts[i],
            "accepted": [] if answers is None else list(answers[i]),
            "correct": bool(table.correct[i]),
            "by_person": None,
            "grader_correct": None,
            "grade": None,
            "confidence": None if confidence is None else _finite(confidence[i]),
            "seconds": None,
            "error": "",
            "signals": {name: _finite(column[i]) for name, column in table.signals.items()},
        }


def ndjson(rows: Iterable[Row]) -> Iterator[str]:
    """A line of JSON for each row."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A head and a line for each row, a column for each signal; no cell is a formula to a spreadsheet.

    The signals are those of the register; what is missing is empty.
    """
    plain = (
        "id",
        "group",
        "question",
        "answer",
        "accepted",
        "correct",
        "by_person",
        "grader_correct",
        "grade",
        "confidence",
        "seconds",
        "error",
    )
    yield _csv_line([*plain, *REGISTRY])
    for row in rows:
        values = row | {"accepted": " | ".join(row["accepted"])}
        yield _csv_line(
            [cell(values[name]) for name in plain] + [row["signals"].get(name) for name in REGISTRY]
        )


def _csv_line(values: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(values)
    return buffer.getvalue()


def graders_noise(graders: Mapping[str, int]) -> str:
    """How far the graders are to be trusted, in a sentence. graders: how many answers each graded."""
    graders = {name: count for name, count in graders.items() if name != "person"}
    if len(graders) == 1 and "" not in graders:
        return grader_noise(next(iter(graders)))
    if not graders:
        return "Graded by a person."
    if not any(graders):
        return "Which grader graded these answers was not recorded."
    return f"Graded by {told(graders)}; `codex evaluate graders` measures how often each agrees with people."


def grader_noise(grader: str | None = None) -> str:
    """How far a grader is to be trusted, in a sentence. grader: by name; None: the default."""
    name = grader or DEFAULT
    known = next((shares for each, shares in AGREEMENT.items() if each == name), None)
    if known is None:
        return f"Graded by {name}; how often it agrees with people was not measured."
    nq, triviaqa = known
    return (
        f"Graded by {name}, which agrees with people on {nq:.0%} of answers to NQ and {triviaqa:.0%} to "
        "TriviaQA: no confidence can look better calibrated than that allows."
    )


def page(
    title: str,
    scores: Scores,
    table: Table,
    confidences: Array | None = None,
    *,
    facts: Iterable[tuple[str, str]] = (),
) -> str:
    """The report as one HTML file with its plots; it loads nothing and runs nothing but them.

    confidences: [repeats, n], those that were scored; facts: names and values of how the run was made.
    """
    first = None if confidences is None else np.atleast_2d(confidences)[0]
    plots = _plots(scores, table, first)
    described = [("answers", f"{scores.n} graded, {scores.ungraded} not"), *facts]
    if scores.confidence is not None:
        described.append(("confidence", scores.confidence.source))
    described.append(("intervals", f"95 %, bootstrap of {scores.resamples} resamples"))
    return Template(PAGE).substitute(
        title=html.escape(title),
        accuracy=_with_interval(scores.accuracy, scores.accuracy_ci),
        facts="".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in described),
        noise=html.escape(graders_noise(table.graders)),
        note=f'<p class="note">{html.escape(scores.note)}</p>' if scores.note else "",
        confidence=_confidence_table(scores.confidence),
        plots="".join(f'<figure data-plot="{name}"></figure>' for name in plots),
        signals=_signals_table(scores.signals, scores.confidence),
        groups=_groups_table(scores.groups),
        texts=_texts_table(scores),
        mistakes=_mistakes(table, first),
        data=_script_json(plots),
        plotly=_plotly(),
    )


# Plotly takes a third of a second to import, which a table of metrics can do without.
def _plotly() -> str:
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _plots(scores: Scores, table: Table, confidence: Array | None) -> dict[str, dict[str, Any]]:
    from codex import figures

    plots: dict[str, dict[str, Any]] = {}
    if confidence is not None and scores.confidence is not None and not np.isnan(confidence).all():
        bins = metrics.reliability_bins(confidence, table.correct)
        plots["reliability"] = figures.reliability(
            bins.count, bins.confidence, bins.rate, bins.low, bins.high
        )
        plots["histogram"] = figures.histogram(confidence, table.correct)
        curve = metrics.risk_coverage(confidence, table.correct)
        plots["risk"] = figures.risk_coverage(curve.coverage, curve.risk, curve.threshold)
    known = {
        name: (each.auroc, *(each.auroc_ci or (math.nan, math.nan)))
        for name, each in scores.signals.items()
        if each.auroc is not None
    }
    if known:
        plots["signals"] = figures.interval_bars([*known], *zip(*known.values(), strict=True))
    return plots


RANKING = ("auroc", "auprc", "prr", "prr50", "aurc", "eaurc", "accuracy_at_80")
PROBABILITY = ("ece", "ece_perfect", "ece_excess", "ece_width", "brier", "nll")
TEXT = (
    *("exact_match", "f1", "bleu", "chrf", "rouge1", "rouge2", "rouge_l"),
    *("perplexity", "distinct1", "distinct2"),
)


def _signals_table(signals: Mapping[str, Ranking], confidence: ConfidenceScores | None) -> str:
    known = {name: each for name, each in signals.items() if each.aurc is not None}
    ranked = by_auroc(known)
    lines: list[tuple[str, Ranking]] = ranked if confidence is None else [("confidence", confidence), *ranked]
    rows = [
        [
            name,
            REGISTRY[name].label if name in REGISTRY else "",
            *(_with_interval(getattr(each, key), getattr(each, f"{key}_ci")) for key in RANKING),
            str(each.missing or ""),
        ]
        for name, each in lines
    ]
    absent = ", ".join(name for name in signals if name not in known)
    missing = f'<p class="note">Missing for every answer: {html.escape(absent)}.</p>' if absent else ""
    return _table(["signal", "", *(GLOSSARY[key].name for key in RANKING), "missing"], rows) + missing


def _confidence_table(confidence: ConfidenceScores | None) -> str:
    if confidence is None:
        return ""
    rows = [
        [
            GLOSSARY[key].name,
            _with_interval(getattr(confidence, key), getattr(confidence, f"{key}_ci", None)),
            GLOSSARY[key].says,
        ]
        for key in (*RANKING, *PROBABILITY)
    ]
    return _table(["metric", "value and 95% interval", "what it says"], rows)


def _groups_table(groups: Mapping[str, GroupScores]) -> str:
    if not groups:
        return ""
    rows = []
    for name, group in groups.items():
        known = {key: each.auroc for key, each in group.signals.items() if each.auroc is not None}
        best = max(known, key=lambda key: known[key] or 0.0, default=None)
        of = group.confidence
        rows.append(
            [
                name,
                str(group.n),
                _with_interval(group.accuracy, group.accuracy_ci),
                _with_interval(of.auroc, of.auroc_ci) if of else "",
                _with_interval(of.ece_excess, of.ece_excess_ci) if of else "",
                best or "",
                _with_interval(group.signals[best].auroc, group.signals[best].auroc_ci) if best else "",
            ]
        )
    head = ["group", "answers", "correct", "AUROC of confidence", "ECE excess", "best signal", "its AUROC"]
    return "<h2>Groups</h2>" + _table(head, rows)


def _texts_table(scores: Scores) -> str:
    if scores.text is None:
        return ""
    rows = [[GLOSSARY[key].name, _number(getattr(scores.text, key)), GLOSSARY[key].says] for key in TEXT]
    head = ["metric", "value", "what it says"]
    return "<h2>Texts</h2>" + _table(head, [["Answers compared", str(scores.text.n), ""], *rows])


def _mistakes(table: Table, confidence: Array | None) -> str:
    if confidence is None:
        return ""
    incorrect = np.flatnonzero(~table.correct & ~np.isnan(confidence))
    worst = incorrect[np.argsort(-confidence[incorrect], kind="stable")][:SURE_AND_WRONG].tolist()
    if not worst:
        return ""
    rows = [[f"{confidence[i]:.2f}", table.questions[i], table.texts[i], str(table.groups[i])] for i in worst]
    return "<h2>Most confident mistakes</h2>" + _table(["confidence", "question", "answer", "group"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; everything in it is text, never markup. A metric in the head is explained on hover."""
    titles = {metric.name: f' title="{html.escape(metric.says)}"' for metric in GLOSSARY.values()}
    top = "".join(f'<th scope="col"{titles.get(each, "")}>{html.escape(each)}</th>' for each in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _with_interval(value: float | None, interval: Interval | None = None) -> str:
    if value is None:
        return ""
    return _number(value) + (f" [{interval[0]:z.3f}, {interval[1]:z.3f}]" if interval else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:z.3f}" if abs(value) < 10 else f"{value:z.1f}"


def _script_json(value: object) -> str:
    """JSON that no text in it can end the script element of."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def cell(value: object) -> object:
    """A value for `csv.writer`: text that a spreadsheet could take for a formula gets a ' before it.

    Numbers stay numbers, written as text too ("-0.31"). OWASP, "CSV Injection"; full-width signs and
    leading white space count, since some programs strip or fold them.
    """
    if not isinstance(value, str):
        return value
    begin = unicodedata.normalize("NFKC", value.lstrip(" \u00a0\ufeff\u200b"))[:1]
    return f"'{value}" if begin in _FORMULA_BEGINS and begin and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "\n" not in text and "\t" not in text and "\r" not in text
