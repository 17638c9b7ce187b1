"""Answer sets from labelled questions: which samples are correct, and what the other half of them shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from codex.calibration.prediction_sets import ConformalPredictor, tie_of
from codex.datasets.splits import split
from codex.errors import Cancelled, InvalidInput, NotFound
from codex.evaluation.generations import Generated
from codex.evaluation.prediction_sets import (
    CheckedSets,
    Sampled,
    checked_sets,
    conformal_predictor,
    sampled,
    sampled_runs,
)
from codex.store import Store
from codex.types import Generation, Observation
from tests.support.evaluated import put_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


def said(text: str) -> Generation:
    return Generation(text, (), "stop", 1, 0.1)


def generated(id_: str, said_first: str, *samples: str, **known: object) -> Generated:
    observation = Observation(f"What is {id_}?", said(said_first), samples=tuple(map(said, samples)))
    return Generated(id_, "sums", ("four",), True, observation, **known)  # type: ignore[arg-type]


def questions(n: int = 400, group: str = "sums", skill: float = 0.7) -> list[Sampled]:
    """Ten samples each; a correct answer, an incorrect one, and with luck a second incorrect one."""
    rng = np.random.default_rng(n)
    found = []
    for number in range(n):
        correct, incorrect = rng.multinomial(10, (skill, (1 - skill) / 2, (1 - skill) / 2))[:2]
        counts = [(int(correct), True), (int(incorrect), False), (int(10 - correct - incorrect), False)]
        kept = [(count / 10, is_correct) for count, is_correct in counts if count]
        found.append(
            Sampled(f"{group} {number}?", group, tuple(s for s, _ in kept), tuple(r for _, r in kept))
        )
    return found


def test_samples_that_say_the_same_are_one_answer_and_the_graded_one_has_its_verdict() -> None:
    (found,) = sampled([generated("a", "It is five.", "Five.", "four", "It is four", "five", correct=True)])
    # People said that five is correct; four is accepted.
    assert dict(zip(found.shares, found.correct, strict=True)) == {0.5: True}
    assert found.correct == (True, True)
    (graded,) = sampled([generated("a", "It is five.", "five", "five", "five", "four")])
    assert (graded.shares, graded.correct, graded.correct_share) == ((0.75, 0.25), (False, True), 0.25)
    (lost,) = sampled([generated("a", "six", "five", "seven")])
    assert lost.correct_share == 0


def test_what_failed_or_has_no_samples_or_stands_there_before_is_left_out() -> None:
    lines = [
        generated("a", "four", "four"),
        generated("A", "four", "five"),
        generated("b", "four"),
        generated("c", "", "four", error="too long"),
        Generated("d", "traces", (), True, Observation("d?", said("x"), samples=(said("x"),)), True),
    ]
    assert [(each.question, each.correct_share) for each in sampled(lines)] == [("What is a?", 1.0)]
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        sampled(lines, cancel=cancel)


def test_the_samples_of_runs_are_graded_as_their_answers_were(store: Store) -> None:
    put_run(store, "a", graded=30, failed=3)
    put_run(store, "b", graded=40)
    both = sampled_runs(store, ["a", "b"])
    assert len(both) == 40
    # Each sample names one of two cities, and one of them is accepted.
    for each, record in zip(both, store.runs.records("b"), strict=True):
        named = [record.answers[0] in sample.text for sample in record.observation.samples]
        assert each.correct_share == pytest.approx(np.mean(named))
    assert 0 < sum(each.correct_share == 1 for each in both) < 40
    with pytest.raises(NotFound):
        sampled_runs(store, ["nowhere"])


def test_the_counts_are_those_of_the_set_of_each_question_that_was_held_back() -> None:
    asked = questions(skill=0.5)
    (checked,) = checked_sets(asked, 0.1)
    half = [each for each in asked if split(each.question) == "calibration"]
    sets = ConformalPredictor.of([each.correct_share for each in half], 0.1)
    assert checked.sets == sets == conformal_predictor(asked, 0.1)
    others = [each for each in asked if split(each.question) == "test"]
    picked = [(each, sets.pick(each.shares, tie_of(each.question))) for each in others]
    held = [chosen.anything or any(each.correct[at] for at in chosen.members) for each, chosen in picked]
    sizes = [len(chosen.members) for _, chosen in picked if not chosen.anything]
    assert (checked.n, checked.held, checked.coverage) == (len(others), sum(held), sum(held) / len(others))
    assert (checked.empty, checked.one) == (sizes.count(0), sizes.count(1))
    assert checked.several == len(sizes) - sizes.count(0) - sizes.count(1) > 0
    assert checked.mean_size == pytest.approx(np.mean(sizes))
    assert checked.coverage_ci is not None
    assert checked.coverage_ci[0] < 0.9 < checked.coverage_ci[1]


def test_a_model_that_is_often_wrong_in_all_samples_has_sets_that_are_any_answer() -> None:
    (checked,) = checked_sets([Sampled(f"{at}?", "sums", (1.0,), (at % 2 == 0,)) for at in range(300)], 0.1)
    # Half of the questions have no correct sample, and only one in ten may be missed.
    assert checked.sets.cutoff == 0
    assert checked.anything > 0.6 * checked.n
    assert checked.empty + checked.one + checked.several + checked.anything == checked.n
    assert checked.mean_size == 1.0


def test_each_dataset_has_its_own_sets_and_one_of_few_questions_has_infinite_ones() -> None:
    asked = [*questions(300, "hard", 0.4), *questions(300, "easy", 0.95), *questions(8, "tiny")]
    found = {each.group: each for each in checked_sets(asked, 0.1)}
    assert [*found] == [None, "easy", "hard", "tiny"]
    assert found["easy"].sets.cutoff > found[None].sets.cutoff
    easy, hard = found["easy"].mean_size, found["hard"].mean_size
    assert easy is not None
    assert hard is not None
    assert hard > easy + 0.5  # the second answer of most of its sets
    tiny = found["tiny"]
    assert tiny.sets.infinite
    assert "it takes 9" in str(tiny.sets)
    assert (tiny.anything, tiny.mean_size) == (tiny.n, None)
    assert found[None].n == sum(found[name].n for name in ("easy", "hard", "tiny"))


def test_nobody_to_check_on_is_no_coverage_and_no_samples_no_sets() -> None:
    one = [each for each in questions(20) if split(each.question) == "calibration"][:1]
    (checked,) = checked_sets(one, 0.5)
    assert (checked.n, checked.coverage, checked.coverage_ci) == (0, None, None)
    assert CheckedSets.model_validate_json(checked.model_dump_json()) == checked
    with pytest.raises(InvalidInput, match=r"ask\.n_samples"):
        checked_sets([], 0.1)
    with pytest.raises(InvalidInput, match="alpha"):
        checked_sets(one, 1.0)
