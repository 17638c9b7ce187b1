"""Live questions come before those of a run: who is decoded when, over a scripted engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.evaluation.callers import MOST_RESTARTS
from codex.evaluation.runner import prepare, run
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import eventually

LIVE = "Who waits for this?"
WAIT = 20
"""Seconds, far more than anything here takes."""
SAID = Script(["It", " is", " 4", "."])

Bench = Callable[[Callable[[str], Script]], Workbench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    rows = [{"id": f"q{at}", "question": f"How much is {at}?", "answers": ["4"]} for at in range(3)]
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    made: list[Workbench] = []

    def make(script: Callable[[str], Script]) -> Workbench:
        settings = load_settings([f"home={tmp_path}", "ask.n_samples=1"])
        made.append(Workbench(settings, ScriptedEngine(script), Store(tmp_path / "codex.duckdb")))
        return made[-1]

    yield make
    for workbench in made:
        workbench.close()


def beside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_live_question_stops_the_one_of_the_run_and_no_other_begins_before_its_end(bench: Bench) -> None:
    first, go_on, live, answer = (threading.Event() for _ in range(4))
    beside_live: list[bool] = []

    def script(prompt: str) -> Script:
        if LIVE in prompt:
            live.set()
            assert answer.wait(WAIT)
        else:
            beside_live.append(live.is_set() and not answer.is_set())
            first.set()
            assert go_on.wait(WAIT)
        return SAID

    workbench = bench(script)
    engine = workbench.model.engine
    assert isinstance(engine, ScriptedEngine)
    run_id = prepare(workbench, "sums").id
    running = beside(lambda: run(workbench, run_id, callers=1))
    assert first.wait(WAIT)
    asking = beside(lambda: workbench.answer(LIVE))
    assert live.wait(WAIT)
    go_on.set()
    # What the run had asked was stopped, and it waits.
    assert eventually(lambda: not workbench.model.priority._background, WAIT)
    answer.set()
    asking.join(WAIT)
    running.join(WAIT)
    summary = workbench.store.runs.get(run_id)
    assert (summary.run.state, summary.done, summary.correct) == ("done", 3, 3)
    asked = [next(q for q in (LIVE, "is 0?", "is 1?", "is 2?") if q in prompt) for prompt in engine.decodes]
    assert asked == ["is 0?", LIVE, "is 0?", "is 1?", "is 2?"]
    assert not any(beside_live)


def test_a_question_that_made_way_often_enough_is_asked_to_its_end(bench: Bench) -> None:
    asking: list[threading.Thread] = []
    began = threading.Semaphore(0)

    def script(prompt: str) -> Script:
        if LIVE in prompt:
            began.release()
        elif "How much is 0?" in prompt:
            asking.append(beside(lambda: workbench.answer(LIVE)))
            assert began.acquire(timeout=WAIT)
        return SAID

    workbench = bench(script)
    engine = workbench.model.engine
    assert isinstance(engine, ScriptedEngine)
    summary = run(workbench, prepare(workbench, "sums", limit=1).id, callers=1)
    assert (summary.run.state, summary.done, summary.failed) == ("done", 1, 0)
    assert len(asking) == MOST_RESTARTS + 1
    for thread in asking:
        thread.join(WAIT)


def test_a_run_that_waits_for_a_live_question_can_be_cancelled(bench: Bench) -> None:
    live, answer, cancel = threading.Event(), threading.Event(), threading.Event()

    def script(prompt: str) -> Script:
        live.set()
        assert answer.wait(WAIT)
        return SAID

    workbench = bench(script)
    engine = workbench.model.engine
    assert isinstance(engine, ScriptedEngine)
    asking = beside(lambda: workbench.answer(LIVE))
    assert live.wait(WAIT)
    run_id = prepare(workbench, "sums").id
    running = beside(lambda: run(workbench, run_id, cancel=cancel, callers=2))
    assert eventually(lambda: workbench.store.runs.get(run_id).run.state == "running", WAIT)
    cancel.set()
    running.join(WAIT)
    assert workbench.store.runs.get(run_id).run.state == "cancelled"
    assert len(engine.decodes) == 1
    answer.set()
    asking.join(WAIT)
