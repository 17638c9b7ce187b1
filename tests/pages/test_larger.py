"""What the pages say of an answer that a larger model gave, and of that model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.jobs import Jobs
from codex.pages import JSON
from codex.pages.ask.copying import as_text
from codex.pages.ask.page import throttled
from codex.pages.ask.view import trace_view
from codex.pages.model_menu import ModelMenu
from codex.pages.trace.view import shared_view
from codex.types import Trace
from tests.support.calibrated import calibrator
from tests.support.two_models import DEFERS, LARGER, QUESTION, two_models


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    opened = two_models(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def trace(workbench: Workbench) -> Trace:
    return workbench.answer(QUESTION, policy=DEFERS)


def shown(trace: Trace) -> JSON:
    view: JSON = json.loads(json.dumps(trace_view(trace, fingerprint=trace.model, correct=None)))
    return view


def test_the_answer_and_its_step_say_which_model_gave_it(trace: Trace) -> None:
    view = shown(trace)
    assert [step["larger"] and step["larger"]["model"] for step in view["steps"]] == [None, LARGER]
    assert view["last"]["larger"]["model"] == LARGER
    assert ["answered by", f"the larger model {LARGER}"] in view["details"]
    assert view["first_answer"] == "Sydney."
    assert as_text(trace).splitlines()[-1].startswith(f"Model: {LARGER}, asked after {trace.model}, ")
    assert shared_view(trace, QUESTION)["model"] == LARGER


def test_the_story_tells_why_it_was_asked(trace: Trace) -> None:
    asked, larger, decided = shown(trace)["story"]
    assert asked.startswith("unsure (")
    assert asked.endswith("% likely correct: below the 100% needed to answer)")
    assert larger == f"asked the larger model {LARGER}"
    assert decided.startswith("answer ")


def test_that_it_is_asked_is_no_note_on_the_evidence(workbench: Workbench) -> None:
    without = DEFERS.model_copy(update={"larger_above": None})
    for policy in (DEFERS, without):
        assert shown(workbench.answer(QUESTION, policy=policy))["last"]["evidence"]["note"] == ""
    view = shown(workbench.answer(QUESTION, policy=DEFERS))
    assert (
        view["no_branch"] == f"This answer was written by the larger model {LARGER}: it cannot be continued."
    )


def test_the_confidence_rests_on_the_larger_models_own_calibrator(workbench: Workbench) -> None:
    own = calibrator(LARGER)
    workbench.store.calibrators.save(own.version, own.name, own.model_dump_json())
    view = shown(workbench.answer(QUESTION, policy=DEFERS))
    assert dict(view["details"])["confidence"] == f"calibrated by {own.version}"
    assert [step["basis"] for step in view["steps"]] == ["not calibrated", "calibrated"]


def test_while_it_is_asked_the_page_says_so(workbench: Workbench) -> None:
    changes = [*throttled(workbench.ask(QUESTION, policy=DEFERS))]
    assert "larger" in [change["phase"] for change in changes]
    chunks = [json.loads(change["chunk"]) for change in changes if "chunk" in change]
    assert {(chunk["step"], chunk["kind"]) for chunk in chunks} == {(0, "ask"), (1, "larger")}


def test_the_menu_names_it_with_its_state(workbench: Workbench) -> None:
    active = ModelMenu(workbench, Jobs()).models({})["active"]
    assert (active["larger"]["model"], active["larger"]["state"]) == (LARGER, "ready")
    assert active["larger_calibrator"] is None
    own = calibrator(LARGER)
    workbench.store.calibrators.save(own.version, own.name, own.model_dump_json())
    assert ModelMenu(workbench, Jobs()).models({})["active"]["larger_calibrator"] == own.version
