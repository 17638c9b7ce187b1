"""Slices of a run: every question in one of them, and each measured as a run of its own would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codex.calibration import metrics
from codex.datasets.library import load
from codex.errors import Conflict, InvalidInput, NotFound
from codex.evaluation.slices import MISSING, columns, labels, slices, small_words
from codex.evaluation.subsets import keep_subset
from codex.items import Item
from codex.store import Store
from codex.types import Passage, Record
from tests.support.evaluated import put_run
from tests.support.records import make_record, make_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


def test_slices_part_a_run_and_are_measured_as_what_they_hold(store: Store) -> None:
    put_run(store, graded=90, failed=3)
    lines, table = store.runs.lines("run-1"), store.runs.table("run-1")
    confidence = np.append(np.linspace(0, 1, 90), [np.nan] * 3)
    answered = np.arange(90) % 3 == 0
    known = columns(lines, table)
    assert known["question length"] == "question length in characters"
    assert "min_prob_focus" in known
    assert "dataset" not in known  # all are of one
    for column in known:
        found = slices(lines, table, column, confidence, answered)
        of = labels(lines, table, column)
        assert sum(each.n for each in found) == 93
        assert sum(each.graded for each in found) == 90
        for each in found:
            at = [i for i in range(90) if of[i] == each.label]
            assert each.n == of.count(each.label)
            if each.graded:
                assert each.accuracy == table.correct[at].mean()
                assert each.accuracy_ci == metrics.wilson(table.correct[at].sum(), len(at))
                assert each.answered == answered[at].mean()
                correct = int(table.correct[at].sum())
                assert ("ece" in each.too_small) == (len(at) < 20)
                assert ("auroc" in each.too_small) == (len(at) < 20 or not 5 <= correct <= len(at) - 5)
                for name, metric in (("ece", metrics.ece), ("auroc", metrics.auroc)):
                    value, interval = getattr(each, name), getattr(each, f"{name}_ci")
                    assert (value is None) == (interval is None) == (name in each.too_small)
                    if value is not None:
                        assert value == pytest.approx(metric(confidence[at], table.correct[at]))
                        assert interval[0] <= value <= interval[1]
    with pytest.raises(NotFound, match="'nothing'"):
        labels(lines, table, "nothing")


def test_a_small_slice_is_said_to_be_too_small_and_has_no_number(store: Store) -> None:
    put_run(store, graded=24)
    lines, table = store.runs.lines("run-1"), store.runs.table("run-1")
    correct = np.arange(24) < 4  # four correct answers are one too few for an AUROC
    found = slices(lines, replace(table, correct=correct), "accepted", np.linspace(0.1, 0.9, 24), correct)
    assert [(each.n, each.auroc, each.auroc_ci, each.too_small) for each in found] == [
        (24, None, None, ("auroc",))
    ]
    assert found[0].ece is not None
    few = slices(lines, table, "question length", np.linspace(0.1, 0.9, 24), correct)
    assert all(each.too_small == ("auroc", "ece") and each.ece is None for each in few)
    assert all(each.accuracy_ci is not None for each in few)
    assert "20 graded answers" in small_words()


def test_numbers_fall_into_quartiles_and_what_has_none_is_missing(store: Store) -> None:
    put_run(store, graded=80, failed=2)
    lines, table = store.runs.lines("run-1"), store.runs.table("run-1")
    found = slices(lines, table, "min_prob", np.full(82, np.nan), np.zeros(80, dtype=np.bool_))
    assert [each.n for each in found] == [20, 20, 20, 20, 2]
    assert found[-1].label == MISSING
    assert (found[-1].accuracy, found[-1].auroc, found[-1].answered) == (None, None, None)
    ends = [[float(end) for end in each.label.split(" to ")] for each in found[:-1]]
    assert all(low <= high for low, high in ends)
    assert [low for low, _ in ends] == sorted(low for low, _ in ends)
    for low, high in ends:
        held = [value for value in table.signals["min_prob"] if low - 1e-4 <= value <= high + 1e-4]
        assert len(held) >= 20


def test_columns_of_the_dataset_are_slices_too_and_numbers_among_them_quartiles(store: Store) -> None:
    put_run(store, graded=60)
    lines, table = store.runs.lines("run-1"), store.runs.table("run-1")
    own = {
        "topic": ["physics" if at % 3 else "" for at in range(60)],
        "year": [str(1900 + at) for at in range(60)],
        "note": [f"note {at}" for at in range(60)],
        "one": ["same"] * 60,
    }
    known = columns(lines, table, own)
    assert (known["column topic"], known["column year"]) == ("topic", "year")
    assert not {"column note", "column one"} & known.keys()  # 60 texts group nothing, nor does one
    confidence, answered = np.linspace(0, 1, 60), np.ones(60, dtype=np.bool_)
    topics = slices(lines, table, "column topic", confidence, answered, own)
    assert [(each.label, each.n) for each in topics] == [("physics", 40), (MISSING, 20)]
    years = slices(lines, table, "column year", confidence, answered, own)
    assert [each.n for each in years] == [15, 15, 15, 15]
    assert years[0].label == "1900 to 1914"
    assert labels(lines, table, "column topic", own)[:2] == [MISSING, "physics"]
    with pytest.raises(NotFound, match="column nowhere"):
        labels(lines, table, "column nowhere", own)


def test_few_values_and_datasets_are_slices_by_themselves(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(number) for number in range(7)])
    lines, table = store.runs.lines("run-1"), store.runs.table("run-1")
    nothing, none = np.full(7, np.nan), np.zeros(len(table.ids), dtype=np.bool_)
    assert [(each.label, each.n) for each in slices(lines, table, "dataset", nothing, none)] == [
        ("even", 4),
        ("odd", 3),
    ]
    assert {each.label for each in slices(lines, table, "grader", nothing, none)} == {"choice", "numeric"}
    counted = slices(lines, table, "accepted", nothing, none)
    assert [each.label for each in counted] == sorted({str(len(each)) for each in lines.answers})


def test_some_questions_of_a_run_become_a_dataset_that_asks_the_same(store: Store, tmp_path: Path) -> None:
    put_run(store, graded=10)
    kept = keep_subset(store, tmp_path, "run-1", ["q3", "q7", "elsewhere"], "hard-ones")
    assert (kept.name, kept.rows, kept.kind) == ("hard-ones", 2, "imported")
    records = {record.id: record for record in store.runs.records("run-1")}
    for item in load("hard-ones", tmp_path):
        record: Record = records[item.id]
        assert (item.asked, item.answers) == (record.observation.question, record.answers)
    with pytest.raises(Conflict, match="already"):
        keep_subset(store, tmp_path, "run-1", ["q3"], "hard-ones")
    with pytest.raises(InvalidInput, match="valid name"):
        keep_subset(store, tmp_path, "run-1", ["q3"], "Hard Ones")
    with pytest.raises(InvalidInput, match="select some"):
        keep_subset(store, tmp_path, "run-1", [], "none")


def test_choices_labels_context_and_refusals_of_a_run_stay_in_its_subset(
    store: Store, tmp_path: Path
) -> None:
    store.runs.create(make_run())
    plain, refused = replace(make_record(1), answers=()), make_record(3)
    own = Passage("q3", "odd", "odd", "The moon is far away.", 0, 21)
    refused = replace(refused, observation=replace(refused.observation, passages=(own,)))
    choices = ("384,400 km", "one mile")
    item = Item("q2", "How far?", ("one mile",), "even", choices=choices, labels=("1", "2"))
    chosen = make_record(2)
    asked = replace(chosen.observation, question=item.asked)
    chosen = replace(chosen, answers=item.answers, observation=asked)
    store.runs.add("run-1", [plain, chosen, refused])
    keep_subset(store, tmp_path, "run-1", ["q1", "q2", "q3"], "kept")
    items = {item.id: item for item in load("kept", tmp_path)}
    assert (items["q2"].asked, items["q2"].choices, items["q2"].labels) == (
        (item.asked, item.choices, item.labels)
    )
    assert (items["q1"].answerable, items["q2"].answerable) == (False, True)
    assert (items["q1"].context, items["q3"].context) == (None, "The moon is far away.")
    assert [items[id_].group for id_ in ("q1", "q2", "q3")] == ["odd", "even", "odd"]
