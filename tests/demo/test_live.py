"""The questions of the demo, asked of the model that is loaded: nothing of them stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.demo.documents import DemoDocuments
from codex.demo.recording import ask
from codex.errors import Cancelled
from codex.types import Action, Gate, PassagesEvent, TraceEvent
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

UNSURE = Script(["The", " capital", " is", " Khan", "ty", "."], [0.9, 0.9, 0.9, 0.05, 0.6, 0.9])
SURE = Script(["The", " capital", " is", " Ulaanbaatar", "."])


def script(prompt: str) -> Script:
    return SURE if "Quotes from documents" in prompt else UNSURE


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = workbench(trust(tmp_path), ScriptedEngine(script))
    opened.model.load()
    yield opened
    opened.close()


@pytest.fixture
def documents(bench: Workbench) -> Iterator[DemoDocuments]:
    shown = DemoDocuments(bench)
    yield shown
    shown.close()


def test_it_searches_the_documents_of_the_demo_and_not_the_users(
    bench: Workbench, documents: DemoDocuments
) -> None:
    *came, end = ask(bench, documents, "What is the capital of Mongolia?")
    (found,) = [event for event in came if isinstance(event, PassagesEvent)]
    assert found.passages[0].document == "Mongolia.txt"
    assert isinstance(end, TraceEvent)
    assert [step.decision.gate for step in end.trace.steps] == [Gate.RETRIEVE, Gate.PROCEED]
    assert end.trace.last.decision.action is Action.ANSWER
    assert end.trace.params.evidence["k"] == 1
    assert bench.index.is_empty
    assert bench.index.documents() == []


def test_nothing_of_it_is_kept(bench: Workbench, documents: DemoDocuments) -> None:
    *_, end = ask(bench, documents, "What is the capital of Mongolia?")
    assert isinstance(end, TraceEvent)
    assert bench.store.sessions.list() == []
    with pytest.raises(Exception, match="No trace"):
        bench.traces.get(end.trace.id)
    assert bench.traces.under_way == 0


def test_it_stops_when_it_is_cancelled(bench: Workbench, documents: DemoDocuments) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        list(ask(bench, documents, "What is the capital of Mongolia?", cancel=cancel))
    assert bench.traces.under_way == 0
