"""The Demo page's calls: what a recording shows, the same live, and the risk dial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codex.demo.example import Example, held_out
from codex.demo.recording import shipped
from codex.demo.stories import STORIES
from codex.errors import InvalidInput, ModelError
from codex.pages.demo.dial import RISKS, dial_view, threshold_for
from codex.pages.demo.page import DemoPage
from codex.pages.tune.table import SortedTable
from codex.policy import Policy
from codex.store.evaluation.table import Table
from codex.store.monitoring.rollups import Window
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench


@pytest.fixture
def page(tmp_path: Path) -> Iterator[DemoPage]:
    engine = ScriptedEngine(lambda prompt: Script(["The", " symbol", " is", " Au", "."]))
    bench = workbench(trust(tmp_path), engine)
    bench.model.load()
    page = DemoPage(bench)
    yield page
    page.close()
    bench.close()


@pytest.fixture(scope="module")
def example() -> Example:
    return held_out(shipped().model)


@pytest.fixture(scope="module")
def dial(example: Example) -> dict[str, Any]:
    return dial_view(shipped(), example)


def kinds(beats: list[dict[str, Any]]) -> list[str]:
    """Of the beats, each once in a row."""
    found = [beat["kind"] for beat in beats]
    return [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]


def test_the_page_says_what_was_recorded_when(page: DemoPage) -> None:
    config = page.config()
    assert [story["id"] for story in config["stories"]] == [story.id for story in STORIES]
    assert config["model"].startswith("llama_cpp:smollm2")
    assert config["recorded"] == shipped().recorded_at.isoformat()
    json.dumps(config)


def test_a_recording_shows_each_step_in_order_with_its_time(page: DemoPage) -> None:
    beats = page.recorded({"story": "looks-up"})
    once = ["token", "written", "samples", "confidence", "decision"]
    assert kinds(beats) == [*once, "passages", *once, "end"]
    times = [beat["at"] for beat in beats]
    assert times == sorted(times)
    first = next(beat for beat in beats if beat["kind"] == "written")
    words = [beat["token"] for beat in beats if beat["kind"] == "token"]
    weakest = words[first["weakest"]]
    assert weakest["p"] < 0.2  # why it searched
    assert 1 < len(weakest["alternatives"]) <= 3


def test_live_shows_the_same_of_the_model_that_is_loaded(page: DemoPage) -> None:
    *_, last = page.live({"run": "r", "story": "knows"})
    assert last["error"] is None
    assert kinds(last["beats"]) == ["token", "written", "samples", "confidence", "decision", "end"]
    assert "".join(beat["token"]["text"] for beat in last["beats"] if beat["kind"] == "token").endswith("Au.")
    assert last["model"] == page.workbench.model.status.model
    assert page.workbench.store.sessions.list() == []


def test_a_question_that_fails_live_is_no_failure_of_the_service(page: DemoPage) -> None:
    page.workbench.model.engine.failure = ModelError("The model is gone.")  # type: ignore[attr-defined]
    *_, last = page.live({"run": "r", "story": "knows"})
    assert last["error"]["message"] == "The model is gone."
    page.workbench.failures.keep(page.workbench.store)
    assert page.workbench.store.monitoring.totals(Window()) == []


def test_what_is_stopped_says_so(page: DemoPage) -> None:
    page.stop({"run": "r"})
    *_, last = page.live({"run": "r", "story": "knows"})
    assert last["error"]["cancelled"] is True


def test_a_question_that_is_not_in_the_demo_is_refused(page: DemoPage) -> None:
    for call in (page.recorded, page.live):
        with pytest.raises(InvalidInput, match="'nope'"):
            list(call({"run": "r", "story": "nope"}))


def test_the_dial_keeps_the_risk_that_was_chosen_in_every_place(dial: dict[str, Any]) -> None:
    assert [place["risk"] for place in dial["places"]] == list(RISKS)
    answered = []
    for place in dial["places"]:
        counts = place["counts"]
        assert sum(counts.values()) == dial["questions"]
        assert place["incorrect"] <= place["risk"] * counts["answer"] + 1e-9
        answered.append(counts["answer"])
    assert answered == sorted(answered)  # more risk never answers less
    assert answered[0] < answered[-1]


def test_the_four_questions_change_sides_with_the_dial(dial: dict[str, Any]) -> None:
    low, high = dial["places"][0]["stories"], dial["places"][-1]["stories"]
    assert low != high
    assert high["person"] == "answer"
    assert all(place["stories"]["nobody"] == "abstain" for place in dial["places"])
    now = dial["places"][dial["start"]]["stories"]
    assert now["person"] == "defer"


def test_a_guarantee_is_told_only_where_there_is_one(dial: dict[str, Any]) -> None:
    words = [place["guarantee"] for place in dial["places"]]
    assert not words[0]["holds"]
    assert words[-1]["holds"]
    assert "95% confidence level" in words[-1]["words"]
    assert all("too few" in each["words"] for each in words[1:] if not each["holds"])


def test_it_is_about_questions_that_the_calibrator_has_not_seen(example: Example) -> None:
    assert (
        len(example.table.questions) == 238
    )  # of the 480 that ship, those of the other half that were graded
    assert np.isfinite(example.confidence).all()


def test_the_threshold_is_the_lowest_that_keeps_the_risk() -> None:
    confidence = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.4])
    correct = np.array([True, True, False, True, True, False])
    names = tuple(map(str, range(6)))
    table = Table(names, names, names, np.array(["g"] * 6), correct, {}, 0)
    rows = SortedTable(table, confidence)
    found = [threshold_for(rows, Policy(rules=()), risk) for risk in (0.0, 0.2, 0.33, 0.34)]
    # 0.5 has one incorrect of five; 0.8 takes both of its answers.
    assert found == [0.9, 0.5, 0.5, 0.4]


def test_the_dial_is_computed_once_and_kept(page: DemoPage, monkeypatch: pytest.MonkeyPatch) -> None:
    first = page.dial({})
    monkeypatch.setattr("codex.pages.demo.page.dial_view", lambda *_: pytest.fail("computed again"))
    assert page.dial({}) == first
