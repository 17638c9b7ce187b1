"""Two real models in one process: the packaged one by llama.cpp, and by Transformers as the larger one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.errors import Cancelled
from codex.policy import Policy
from codex.types import Action, TokenEvent

DEFERS = Policy(rules=(), answer_above=1.0, abstain_below=0.0, larger_above=0.0)
QUESTION = "What is the capital of Kenya?"


@pytest.fixture(scope="module")
def workbench(codex_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    database = tmp_path_factory.mktemp("larger") / "codex.duckdb"
    opened = Workbench.open(
        [
            *(f"home={codex_home}", f"store.path={database}", "store.privacy=full", "ask.n_samples=2"),
            *("engine=llama_cpp", "engine.threads=1", "engine.params.max_tokens=24"),
            *("larger.model=smollm2-135m-instruct", "larger.engine=huggingface"),
        ]
    )
    opened.model.load()
    yield opened
    opened.close()


def test_both_are_held_at_once_and_the_larger_one_answers(workbench: Workbench) -> None:
    assert workbench.larger is not None
    assert workbench.larger.status.state == "unloaded"
    trace = workbench.answer(QUESTION, policy=DEFERS)
    assert [step.kind for step in trace.steps] == ["ask", "larger"]
    assert trace.model.startswith("llama_cpp:smollm2-135m-instruct")
    assert trace.larger is not None
    assert trace.larger.model.startswith("huggingface:smollm2-135m-instruct")
    assert trace.last.decision.action is Action.ANSWER
    assert len(trace.last.observation.samples) == 2
    assert workbench.model.engine.is_loaded
    assert workbench.larger.status.state == "ready"
    assert (workbench.larger.status.memory or 0) > 100e6
    assert workbench.store.load(trace.id).larger == trace.larger
    # The calibrator that ships for this engine is its own, not the one of the first model.
    assert trace.larger.calibrator != trace.params.calibrator
    assert trace.larger.calibrator is not None


def test_a_cancelled_question_stops_the_larger_one_within_its_answer(workbench: Workbench) -> None:
    cancel = threading.Event()
    events = workbench.ask(QUESTION, policy=DEFERS, cancel=cancel)
    next(event for event in events if isinstance(event, TokenEvent) and event.step == 1)
    cancel.set()
    with pytest.raises(Cancelled):
        list(events)
    assert workbench.traces.under_way == 0
    assert workbench.answer(QUESTION, policy=DEFERS).larger is not None
