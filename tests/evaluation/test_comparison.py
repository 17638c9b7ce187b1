"""Two runs side by side: by question, and by metrics with intervals of their difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex.errors import InvalidInput, NotFound
from codex.evaluation.comparison import METRICS, Side, compare, compare_runs, mcnemar, pairs
from codex.store import Store
from codex.store.evaluation.table import Lines
from tests.support.evaluated import put_run


def lines(
    questions: list[str], correct: list[bool | None], ids: list[str] | None = None, group: str = "set"
) -> Lines:
    n = len(questions)
    return Lines(
        ids=tuple(ids or [f"q{at}" for at in range(n)]),
        questions=tuple(questions),
        texts=("answer",) * n,
        answers=(("answer",),) * n,
        groups=(group,) * n,
        graders=("exact",) * n,
        correct=tuple(correct),
        by_person=(False,) * n,
        grader_correct=(None,) * n,
        errors=("",) * n,
    )


def side(name: str, correct: list[bool | None], confidence: list[float], first: int = 0) -> Side:
    questions = [f"Question {at + first}?" for at in range(len(correct))]
    return Side(name, lines(questions, correct, questions), np.array(confidence, dtype=np.float64))


@st.composite
def sides(draw: st.DrawFn) -> tuple[Side, Side]:
    """Two runs of some of the same questions."""
    found = []
    for name in ("one", "other"):
        n = draw(st.integers(1, 20))
        verdicts = draw(st.lists(st.sampled_from([True, False, None]), min_size=n, max_size=n))
        sure = draw(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=n, max_size=n))
        found.append(side(name, verdicts, sure))
    return found[0], found[1]


@settings(max_examples=30, deadline=None)
@given(sides())
def test_a_run_does_not_differ_from_itself(both: tuple[Side, Side]) -> None:
    found = compare(both[0], both[0])
    assert (found.gained, found.lost, found.shared) == (0, 0, len(both[0].lines.ids))
    assert found.p_value == (1 if found.n else None)
    for name in METRICS:
        each = getattr(found, name)
        if each.difference is not None:
            assert each.difference == 0
            assert each.interval is None or each.interval[0] <= 0 <= each.interval[1]


@settings(max_examples=30, deadline=None)
@given(sides())
def test_the_other_way_round_every_difference_has_the_other_sign(both: tuple[Side, Side]) -> None:
    there, back = compare(*both), compare(both[1], both[0])
    assert (there.gained, there.lost, there.both, there.neither) == (
        (back.lost, back.gained, back.both, back.neither)
    )
    assert there.p_value == back.p_value
    for name in METRICS:
        one, other = getattr(there, name), getattr(back, name)
        assert (one.first, one.second) == (other.second, other.first)
        if one.difference is not None:
            assert one.difference == pytest.approx(-other.difference, abs=1e-12)
        if one.interval is not None:
            low, high = other.interval
            assert one.interval == pytest.approx((-high, -low), abs=1e-12)


def test_the_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    n, rounds, held = 120, 200, dict.fromkeys(("accuracy", "confidence", "auroc"), 0)
    # AUROC of sqrt(u) among correct, u among incorrect answers: 2/3; of u among both: 1/2.
    truth = {"accuracy": 0.7 - 0.6, "confidence": 0.7 * 2 / 3 + 0.3 / 2 - 0.5, "auroc": 2 / 3 - 1 / 2}
    for _ in range(rounds):
        hard = rng.random(n)
        first, second = hard < 0.6, (hard + rng.normal(scale=1e-9, size=n)) < 0.7
        flat, telling = rng.random(n), np.where(second, np.sqrt(rng.random(n)), rng.random(n))
        found = compare(
            side("a", first.tolist(), flat.tolist()), side("b", second.tolist(), telling.tolist())
        )
        for name, value in truth.items():
            low, high = getattr(found, name).interval
            held[name] += low <= value <= high
    # Of 200 intervals at 95 % fewer than 181 hold with probability 0.002; more than 199 with 0.00004.
    assert all(181 <= count <= 199 for count in held.values()), held


def test_questions_are_matched_by_their_text_else_by_id_and_dataset_each_once() -> None:
    first = lines(["What is  it?", "who", "same", "same", "renamed"], [True, True, False, True, None])
    second = lines(
        ["WHAT IS IT", "same", "same", "other words"], [True, False, None, False], ["a", "q2", "q9", "q4"]
    )
    found = {(each.first, each.second): each.outcome for each in pairs(first, second)}
    assert found == {(0, 0): "both", (2, 1): "neither", (3, 2): "not graded", (4, 3): "not graded"}
    elsewhere = lines(["not the same words"], [True], ["q1"], group="other set")
    assert pairs(first, elsewhere) == []


def test_the_sentence_says_how_many_more_and_whether_that_is_chance() -> None:
    n = 60
    first = side("A", [at < 20 for at in range(n)], [0.5] * n)
    second = side("B", [at < 25 for at in range(n)], [0.5] * n)
    found = compare(first, second)
    # Five gained and none lost: 2 * (1/2)^5.
    assert found.p_value == pytest.approx(0.0625)
    assert found.summary.startswith("B answers 5 more of 60 shared questions correctly than A: +8 points [+")
    assert found.summary.endswith("within chance (p = 0.062).")
    better = compare(first, side("C", [at < 40 for at in range(n)], [0.5] * n)).summary
    assert "20 more of 60" in better
    assert better.endswith("more than chance (p < 0.001).")
    assert compare(second, first).summary.startswith("A answers 5 fewer of 60 shared questions")
    assert compare(first, first).summary == (
        "A answers as many of 60 shared questions correctly as A: 0 points [0, 0], within chance (p = 1)."
    )


def test_mcnemar_is_exact() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == mcnemar(0, 5) == pytest.approx(2 * 0.5**5)
    assert mcnemar(8, 2) == pytest.approx(2 * (1 + 10 + 45) / 2**10)


def test_runs_of_a_store_are_compared_with_a_persons_verdicts(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        put_run(store, "one", graded=40, name="one")
        put_run(store, "two", graded=40, name="two")
        same = compare_runs(store, "one", "two")
        assert (same.gained, same.lost, same.auroc.difference) == (0, 0, 0)
        incorrect = store.runs.lines("two").correct.index(False)
        store.runs.label("two", f"q{incorrect}", True)
        found = compare_runs(store, "one", "two")
        assert (found.gained, found.lost) == (1, 0)
        with pytest.raises(NotFound):
            compare_runs(store, "one", "nowhere")
        store.runs.delete("two")
        put_run(store, "two", graded=0, failed=0, total=1)
        with pytest.raises(InvalidInput, match="share no question"):
            compare_runs(store, "one", "two")
