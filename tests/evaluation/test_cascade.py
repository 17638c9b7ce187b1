"""A policy that asks a larger model, over two stored runs: as deciding each question one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from codex.ask.deciding import decide_one
from codex.calibration.metrics import wilson
from codex.errors import InvalidInput
from codex.evaluation.cascade import Answers, Both, both, cascade
from codex.policy import Policy, Rule
from codex.store.evaluation.table import Table
from codex.types import Action

N = 400
RULES = (
    Rule(signal="top1_prob", below=0.1, gate="abstain"),
    Rule(signal="entropy", above=3, gate="retrieve"),
)


def table(seed: int, n: int = N, ids: Sequence[str] | None = None) -> Table:
    """Graded answers with signals, some of them missing, and the seconds that each took."""
    rng = np.random.default_rng(seed)
    entropy = rng.random(n) * 4
    entropy[rng.random(n) < 0.1] = np.nan
    names = tuple(ids or (f"q{at}" for at in range(n)))
    return Table(
        ids=names,
        questions=tuple(f"What is {name}?" for name in names),
        texts=names,
        groups=np.full(n, "set"),
        correct=rng.random(n) < 0.5,
        signals={"top1_prob": rng.random(n), "entropy": entropy},
        ungraded=0,
        seconds=rng.random(n),
    )


def confidences(seed: int, n: int = N) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.random(n)
    values[rng.random(n) < 0.1] = np.nan
    return values


def one_by_one(policy: Policy, asked: Both) -> dict[str, float]:
    """Each question decided alone, as the service does."""
    larger = policy.for_larger
    assert larger is not None
    given: list[bool] = []
    seconds: list[float] = []
    counts = dict.fromkeys(("asked", "deferred", "by_larger"), 0)
    for at in range(len(asked)):

        def decided(by: Policy, answers: Answers, at: int = at) -> Action:
            row = {name: None if np.isnan(c[at]) else float(c[at]) for name, c in answers.signals.items()}
            value = answers.confidence[at]
            return decide_one(by, row, None if np.isnan(value) else float(value)).action

        action, correct = decided(policy, asked.first), bool(asked.first.correct[at])
        seconds.append(float(asked.first.seconds[at]))
        if action is Action.DEFER:
            counts["asked"] += 1
            seconds[-1] += float(asked.larger.seconds[at])
            action, correct = decided(larger, asked.larger), bool(asked.larger.correct[at])
            counts["by_larger" if action is Action.ANSWER else "deferred"] += 1
        if action is Action.ANSWER:
            given.append(correct)
    return counts | {"answered": len(given), "correct": sum(given), "seconds": float(np.mean(seconds))}


@pytest.mark.parametrize("larger_above", [0.0, 0.4, 0.8, 1.0])
@pytest.mark.parametrize(("answer_above", "abstain_below"), [(0.7, 0.3), (0.5, 0.5), (1.0, 0.0)])
def test_it_counts_what_the_service_would_decide_one_by_one(
    larger_above: float, answer_above: float, abstain_below: float
) -> None:
    policy = Policy(
        rules=RULES, answer_above=answer_above, abstain_below=abstain_below, larger_above=larger_above
    )
    asked = both(table(1), confidences(2), table(3), confidences(4))
    found, expected = cascade(policy, asked), one_by_one(policy, asked)
    together = found.together
    assert {name: getattr(found, name) for name in ("asked", "deferred", "by_larger")} == {
        name: expected[name] for name in ("asked", "deferred", "by_larger")
    }
    assert (together.questions, together.answered, together.correct) == (
        N,
        expected["answered"],
        expected["correct"],
    )
    assert together.seconds == pytest.approx(expected["seconds"], rel=1e-12)
    assert together.interval == (wilson(together.correct, together.answered) if together.answered else None)
    assert found.share_asked == found.asked / N


def test_alone_each_model_decides_by_its_own_threshold() -> None:
    asked = both(table(1), confidences(2), table(3), confidences(4))
    policy = Policy(rules=(), answer_above=0.7, abstain_below=0.3, larger_above=0.6)
    found = cascade(policy, asked)
    first, larger = asked.first.confidence >= 0.7, asked.larger.confidence >= 0.6
    assert (found.first.answered, found.larger.answered) == (first.sum(), larger.sum())
    assert found.first.correct == (first & asked.first.correct).sum()
    assert found.larger.correct == (larger & asked.larger.correct).sum()
    assert found.first.seconds == pytest.approx(asked.first.seconds.mean())
    assert found.larger.seconds == pytest.approx(asked.larger.seconds.mean())


def test_only_questions_that_both_runs_graded_count_and_each_meets_its_own() -> None:
    first = table(1, 3, ["a", "b", "c"])
    larger = replace(table(3, 3, ["c", "a", "d"]), correct=np.array([True, False, True]))
    asked = both(first, np.array([0.1, 0.2, 0.3]), larger, np.array([0.7, 0.8, 0.9]))
    assert asked.first.confidence.tolist() == [0.1, 0.3]
    assert asked.larger.confidence.tolist() == [0.8, 0.7]
    assert asked.larger.correct.tolist() == [False, True]
    assert asked.larger.signals["top1_prob"].tolist() == larger.signals["top1_prob"][[1, 0]].tolist()


def test_the_same_id_of_another_question_is_no_common_question() -> None:
    first, larger = table(1, 2, ["a", "b"]), table(3, 2, ["a", "b"])
    other = replace(larger, questions=("What is a?", "Who is b?"))
    assert len(both(first, np.ones(2), other, np.ones(2))) == 1
    with pytest.raises(InvalidInput, match="no graded question in common"):
        both(first, np.ones(2), table(3, 2, ["c", "d"]), np.ones(2))


@pytest.mark.parametrize("seconds", [None, np.zeros(N)], ids=["missing", "imported"])
def test_where_seconds_are_not_known_nothing_is_said_of_them(seconds: np.ndarray | None) -> None:
    untimed = replace(table(3), seconds=seconds)
    found = cascade(Policy(larger_above=0.5), both(table(1), confidences(2), untimed, confidences(4)))
    assert (found.larger.seconds, found.together.seconds) == (None, None)
    assert found.first.seconds is not None


def test_a_policy_without_a_larger_model_is_refused() -> None:
    asked = both(table(1), confidences(2), table(3), confidences(4))
    with pytest.raises(InvalidInput, match="set larger_above"):
        cascade(Policy(), asked)
