"""Measuring judge and verifier in the background of a workbench."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.grounding import labelled
from codex.grounding.labelled import Labelled
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

Start = Callable[..., Workbench]


def guesses(prompt: str) -> float:
    return hashlib.sha256(prompt.encode()).digest()[0] / 256


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Workbenches over one home, one after another."""
    opened: list[Workbench] = []

    def begin(judgement: Callable[[str], float] = guesses) -> Workbench:
        # The verifier alone, so that nothing has to be embedded.
        settings = load_settings([f"home={tmp_path}", "grounding.judge=none"])
        engine = ScriptedEngine(lambda prompt: Script(["Yes"]), judgement=judgement)
        opened.append(Workbench(settings, engine, Store(tmp_path / f"{len(opened)}.duckdb")))
        return opened[-1]

    yield begin
    for workbench in opened:
        workbench.close()


def judged(workbench: Workbench) -> list[str]:
    assert isinstance(workbench.model.engine, ScriptedEngine)
    return workbench.model.engine.judged


def test_it_is_measured_once_and_the_next_start_asks_nothing(start: Start) -> None:
    first = start()
    first.model.load_in_background(measure=True).join()
    assert len(judged(first)) == 200
    (found,) = first.model.measure()
    assert found.reliability.n == 200
    first.close()
    second = start()
    second.model.load_in_background(measure=True).join()
    assert judged(second) == []
    verdict = second.answer("Why?").last.observation.verdict
    assert verdict is not None
    assert verdict.reliability == found.reliability


def test_without_being_told_to_nothing_is_measured(start: Start) -> None:
    workbench = start()
    workbench.model.load_in_background().join()
    trace = workbench.answer("Why?")
    assert len(judged(workbench)) == 1
    assert trace.last.signals["p_true"] is None


def test_a_question_goes_first(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two cases the first is held up until the question was answered."""
    cases = labelled.answers().cases[:2]
    monkeypatch.setattr(labelled, "answers", lambda: Labelled(cases, "two"))
    begun, resumed = threading.Event(), threading.Event()

    def judgement(prompt: str) -> float:
        if cases[0].question in prompt:
            begun.set()
            resumed.wait(60)
        return 0.5

    workbench = start(judgement)
    thread = workbench.model.load_in_background(measure=True)
    assert begun.wait(60)
    workbench.answer("Why?")
    resumed.set()
    thread.join()
    assert sum("Why?" in prompt for prompt in judged(workbench)) == 1
    assert workbench.model.measure()[0].reliability.n == 2


def test_closing_ends_it_and_keeps_nothing_half_done(start: Start) -> None:
    begun, resumed = threading.Event(), threading.Event()

    def judgement(prompt: str) -> float:
        begun.set()
        resumed.wait(60)
        return 0.5

    workbench = start(judgement)
    thread = workbench.model.load_in_background(measure=True)
    assert begun.wait(60)
    workbench.stop()
    resumed.set()
    workbench.close()
    assert not thread.is_alive()
    assert len(judged(workbench)) == 1
    again = start(lambda prompt: 0.5)
    again.model.load_in_background(measure=True).join()
    assert len(judged(again)) == 200
