"""The report of a run: whole, by itself, and harmless whatever a model wrote."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from codex.calibration.glossary import GLOSSARY
from codex.evaluation.report import (
    PROBABILITY,
    RANKING,
    csv_lines,
    grader_noise,
    ndjson,
    page,
    record_row,
    table_rows,
)
from codex.evaluation.scoring import score
from codex.signals import REGISTRY
from codex.types import Record
from tests.support.observations import make_token, observe
from tests.support.reports import HOSTILE, make_table, scored


@pytest.fixture(scope="module")
def hostile() -> str:
    table = make_table(text=HOSTILE)
    scores, confidences = scored(table)
    return page(HOSTILE, scores, table, confidences, facts=[(HOSTILE, HOSTILE)])


class Elements(HTMLParser):
    """Collects the elements that a browser would make."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_no_text_of_model_or_dataset_becomes_markup(hostile: str) -> None:
    elements = Elements()
    elements.feed(hostile)
    tags = [tag for tag, _ in elements.found]
    assert "img" not in tags
    assert tags.count("script") == 3
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert "&lt;/script&gt;&lt;img" in hostile


def test_the_page_needs_nothing_else(hostile: str) -> None:
    elements = Elements()
    elements.feed(hostile)
    assert not [each for each in elements.found if {"src", "href"} & each[1].keys()]
    assert "default-src 'none'" in hostile
    assert "Plotly" in hostile


def test_every_metric_of_the_confidence_is_explained() -> None:
    table = make_table()
    scores, confidences = scored(table)
    shown = page("A run", scores, table, confidences)
    for key in (*RANKING, *PROBABILITY):
        assert f"<td>{html.escape(GLOSSARY[key].says)}</td>" in shown
    assert f'<th scope="col" title="{html.escape(GLOSSARY["prr"].says)}">PRR</th>' in shown


def test_signals_stand_by_auroc_with_intervals_after_the_confidence() -> None:
    table = make_table()
    scores, confidences = scored(table)
    text = page("A run", scores, table, confidences)
    rows = re.search(r"<h2>Signals</h2>.*?<tbody>(.*?)</tbody>", text, re.DOTALL)
    assert rows is not None
    names = re.findall(r"<tr><td>(\w+)</td>", rows[1])
    aurocs = {name: scores.signals[name].auroc or 0 for name in ("avg_logprob", "min_prob")}
    assert names == ["confidence", *sorted(aurocs, key=lambda name: -aurocs[name])]
    assert re.search(r"<td>0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\]</td>", rows[1])
    assert "Missing for every answer: avg_logprob_focus," in text


def test_without_a_confidence_the_page_says_why() -> None:
    table = make_table(12)
    text = page("Small", score(table, resamples=20), table)
    assert "18 more" in text
    assert 'data-plot="reliability"' not in text
    assert 'data-plot="signals"' in text


def test_a_run_without_answers_has_a_page_too() -> None:
    table = make_table(0)
    assert "No answer is graded." in page("Empty", score(table), table)


def test_a_reader_is_told_how_noisy_the_grader_is() -> None:
    assert re.search(r"agrees with people on \d\d% of answers", grader_noise())
    assert "not measured" in grader_noise("regex")


def make_record(answer: str) -> Record:
    return Record(
        "q1", "set", ("Rome", "Roma"), observe("Which?", [make_token(answer)]),
        {"avg_logprob": -0.5, "min_prob": None}, True, math.nan, 0.25,
    )  # fmt: skip


def test_a_line_of_json_holds_a_record() -> None:
    row = record_row(make_record("Ro\nme"), confidence=0.75)
    (line,) = ndjson([row])
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "id": "q1", "group": "set", "question": "Which?", "answer": "Ro\nme", "accepted": ["Rome", "Roma"],
        "correct": True, "by_person": False, "grader_correct": True, "grade": None,
        "confidence": 0.75, "seconds": 0.25, "error": "",
        "signals": {"avg_logprob": -0.5, "min_prob": None},
    }  # fmt: skip


@pytest.mark.parametrize("answer", ["=1+1", "@SUM(A1)", "+cmd|'/c calc'!A0", "\t=1"])
def test_no_cell_of_the_table_is_a_formula(answer: str) -> None:
    text = "".join(csv_lines([record_row(make_record(answer))]))
    head, row = csv.reader(io.StringIO(text))
    assert head[12:] == list(REGISTRY)
    cells = dict(zip(head, row, strict=True))
    assert cells["answer"] == f"'{answer}"
    assert (cells["avg_logprob"], cells["min_prob"], cells["accepted"]) == ("-0.5", "", "Rome | Roma")


def test_graded_answers_of_a_file_make_the_same_rows() -> None:
    table = make_table(2)
    rows = list(table_rows(table, [["Rome"], []], np.array([0.5, math.nan])))
    assert [row["confidence"] for row in rows] == [0.5, None]
    assert rows[0].keys() == record_row(make_record("a")).keys()
    assert len("".join(csv_lines(rows)).splitlines()) == 3
