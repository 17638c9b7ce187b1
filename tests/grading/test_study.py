"""How the graders' agreement with people is measured, and that what is written of it is so."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from codex.errors import Cancelled, InvalidInput, NotFound
from codex.grading.grades import AGREEMENT
from codex.grading.study import (
    AUTO,
    OWN_CASES,
    TEXT_GRADERS,
    best,
    gwet_ac1,
    study,
)
from tests.support.shared_data import FOLDER, shared_data


def judged(folder: Path, *outputs: dict[str, tuple[str | None, bool | None]], improper: bool = False) -> Path:
    """Both sets of the study, with one question for each dictionary of systems."""
    for name in ("nq", "triviaqa"):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as out:
            for number, systems in enumerate(outputs):
                row = {
                    "id": str(number),
                    "question": "Who?",
                    "answers": ["Ann"],
                    "improper": improper,
                    "outputs": {s: {"answer": a, "correct": c} for s, (a, c) in systems.items()},
                }
                out.write(json.dumps(row) + "\n")
    return folder


def test_agreement_is_counted_by_set_and_by_system(tmp_path: Path) -> None:
    folder = judged(
        tmp_path,
        {"one": ("Ann", True), "two": ("It was Ann", False)},
        {"one": ("Ben", True), "two": ("Ben", False)},
        {"one": (None, None), "two": ("Cy", None)},
    )
    rows = {(row.set, row.system): row for row in study(folder, ["contains"])}
    assert rows.keys() == {(s, system) for s in ("nq", "triviaqa") for system in ("all", "one", "two")}
    every, one = rows["nq", "all"], rows["nq", "one"]
    assert (every.n, every.agreement, every.too_kind, every.too_strict) == (4, 0.5, 1, 1)
    # As often right by chance as they agree.
    assert every.kappa == 0
    assert (one.n, one.agreement) == (2, 0.5)


def test_ac1_is_the_closed_form() -> None:
    # 45 both yes, 15 first only, 25 second only, 15 both no: agreement 0.6, yes 0.65, chance 2 x .65 x .35.
    first = np.repeat([1, 1, 0, 0], [45, 15, 25, 15]).astype(bool)
    second = np.repeat([1, 0, 1, 0], [45, 15, 25, 15]).astype(bool)
    assert gwet_ac1(first, second) == pytest.approx((0.6 - 0.455) / (1 - 0.455))
    assert gwet_ac1(first, first) == 1
    # Where nearly all is right kappa falls to zero, and this is what AC1 is for.
    assert gwet_ac1([True] * 99 + [False], [True] * 100) > 0.98


def test_a_sample_is_spread_over_the_set_and_repeats_itself(tmp_path: Path) -> None:
    folder = judged(tmp_path, *({"one": ("Ann", True), "two": ("Ann", False)} for _ in range(50)))
    first, again = (study(folder, ["exact"], sample=10) for _ in range(2))
    assert [row.agreement for row in first] == [row.agreement for row in again]
    assert [row.n for row in first if row.system == "all"] == [10, 10]
    assert {row.system for row in first} == {"all", "one", "two"}


def test_a_study_without_its_data_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nq\.jsonl\.gz.*--data DIR"):
        study(tmp_path)


def test_cases_are_a_set_too_and_told_apart_by_their_type(tmp_path: Path) -> None:
    cases = [
        {"question": "How many?", "answers": ["7"], "text": "seven", "correct": True},
        {"question": "How many?", "answers": ["8"], "text": "9", "correct": True},
        {"question": "Who?", "answers": ["Ann"], "text": "Ben", "correct": False},
        {"question": "Which?", "answers": ["Ann"], "choices": ["Ben", "Ann"], "text": "B", "correct": True},
    ]
    (tmp_path / "own.jsonl").write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    found = study(tmp_path, [AUTO])
    assert {row.set for row in found} == {"own"}
    counts = {row.type: (row.n, row.too_strict) for row in found}
    assert counts == {"all": (4, 1), "numeric": (2, 1), "short": (1, 0), "choice": (1, 0)}


def test_what_the_automatic_choice_cannot_tell_is_counted_apart(tmp_path: Path) -> None:
    case = {"question": "When?", "answers": ["3 April 2020"], "text": "03/04/2020", "correct": True}
    sure = {"question": "When?", "answers": ["3 April 2020"], "text": "April 3, 2020", "correct": True}
    (tmp_path / "own.jsonl").write_text(f"{json.dumps(case)}\n{json.dumps(sure)}\n")
    (row,) = study(tmp_path, [AUTO])
    assert (row.n, row.ungraded, row.agreement) == (1, 1, 1)


def test_a_row_that_is_no_case_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text('\n{"question": "Who?", "answers": ["Ann"], "correct": true}\n')
    with pytest.raises(InvalidInput, match=r"own\.jsonl, line 2 is not a case: KeyError\('text'\)"):
        study(tmp_path)


def test_the_automatic_choice_agrees_best_on_cases_of_every_type() -> None:
    assert OWN_CASES is not None
    rows = [row for row in study(OWN_CASES, [AUTO, "short", "numeric", "recall"]) if row.type == "all"]
    assert best(rows) == AUTO
    assert {row.set for row in rows} == {"boolean", "choice", "date", "numeric", "short"}
    assert all(row.agreement >= 0.95 for row in rows if row.grader == AUTO)


def test_a_study_can_be_stopped(tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        study(judged(tmp_path, {"one": ("Ann", True)}), cancel=cancel)


def test_the_default_grader_is_the_one_that_agrees_best_with_people_and_as_far_as_is_said() -> None:
    folder = shared_data("evouna")
    if not folder.exists():
        pytest.skip(f"no evouna under {FOLDER}")
    graders = [grader for grader in TEXT_GRADERS if grader in AGREEMENT and grader != "rouge_l"]
    n = 2500
    rows = [row for row in study(folder, graders, sample=n) if row.system == "all"]
    assert best(rows) == AUTO
    for row in rows:
        # Of numeric it is said how far it agrees on the answers that are numbers.
        if row.type != ("numeric" if row.grader == "numeric" else "all"):
            continue
        said = AGREEMENT[row.grader][("nq", "triviaqa").index(row.set)]
        # Four standard errors of a share among n answers: what is said was measured on all of them.
        assert row.agreement == pytest.approx(said, abs=4 * (said * (1 - said) / row.n) ** 0.5), row
        assert row.n == n or row.type == "numeric"
