"""Questions to begin with: what the model was measured to know, and not to know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex.ask.starters import UNMEASURED, Starter
from codex.ask.workbench import Workbench
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from codex.types import Generation, Observation, Record
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine

KNOWN = ("What is the capital of Japan?", "newcomers", True, 0.97)
LESS = ("What is the plural of mouse?", "newcomers", True, 0.8)
UNKNOWN = ("What is 12 times 12?", "newcomers", False, 0.02)
CONFIDENT = ("In which year did humans first land on the Moon?", "newcomers", False, 0.99)
OWN = ("How much money did I spend yesterday?", "unanswerable", False, 0.05)
OTHERS = ("Who was the first king of Quorunmelund?", "unanswerable", False, 0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = Workbench(
        load_settings([f"home={tmp_path}"]),
        ScriptedEngine(lambda prompt: Script("Canberra.")),
        Store(tmp_path / "codex.duckdb"),
    )
    yield opened
    opened.close()


def put(bench: Workbench, *rows: tuple[str, str, bool, float], **changes: Any) -> None:
    """A run with a question, its set, whether the answer is correct, and both parts of its confidence."""
    put_run(bench.store, graded=0, total=len(rows), **{"model": bench.model.engine.fingerprint, **changes})
    bench.store.runs.add(
        "run-1",
        [
            Record(
                id=f"q{number}",
                group=group,
                answers=("yes",),
                observation=Observation(question, Generation("yes", (), "stop", 1, 0.1)),
                signals={"min_prob_focus": confidence, "answer_frequency_focus": confidence},
                correct=correct,
                grade=float(correct),
                seconds=0.1,
            )
            for number, (question, group, correct, confidence) in enumerate(rows)
        ],
    )


def test_one_of_each_kind_the_clearest_first(bench: Workbench) -> None:
    put(bench, LESS, CONFIDENT, OTHERS, OWN, UNKNOWN, KNOWN)
    assert bench.starters.now() == (
        Starter(KNOWN[0], "known"),
        Starter(UNKNOWN[0], "unknown"),
        Starter(OWN[0], "document"),
    )


def test_an_incorrect_answer_that_would_be_given_is_none_to_begin_with(bench: Workbench) -> None:
    put(bench, KNOWN, CONFIDENT)
    assert bench.starters.now() == (Starter(KNOWN[0], "known"),)


def test_they_follow_the_policy_in_use(bench: Workbench) -> None:
    put(bench, KNOWN, LESS, UNKNOWN, OWN)
    assert bench.starters.now()[0].kind == "known"
    bench.active.decide_by(Policy(answer_above=1.0, rules=()))
    assert bench.starters.now() == tuple(Starter(question, None) for question in UNMEASURED)


@pytest.mark.parametrize(
    "changes",
    [{"model": "another:model:none"}, {"n_samples": 2}, {"prompt": "old"}, {"temperature": 0.4}],
)
def test_a_run_that_asked_otherwise_says_nothing_of_what_is_asked_now(
    bench: Workbench, changes: dict[str, Any]
) -> None:
    put(bench, KNOWN, UNKNOWN, OWN, **changes)
    assert bench.starters.now() == tuple(Starter(question, None) for question in UNMEASURED)
