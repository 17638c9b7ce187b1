"""A larger model, asked where a person would decide: what the loop, the trace and the policy make of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from codex.ask.deciding import decide_again
from codex.ask.models.larger import Larger, calibrator_version, larger_settings
from codex.ask.response import response_to
from codex.ask.workbench import Workbench, last_trace
from codex.engines import memory
from codex.errors import Cancelled, Conflict, ModelError, SettingsError
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from codex.types import Action, DecisionEvent, StepKind, TokenEvent, Trace
from tests.support.calibrated import calibrator as calibrator_for
from tests.support.scripted import Script, ScriptedEngine
from tests.support.two_models import DEFERS, LARGE, LARGER, QUESTION, SMALL, two_models

Pair = Callable[..., Workbench]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Workbenches of a small and a larger scripted model."""
    opened: list[Workbench] = []

    def make(**how: object) -> Workbench:
        opened.append(two_models(tmp_path, f"{len(opened)}", **how))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for workbench in opened:
        workbench.close()


def kinds(trace: Trace) -> list[StepKind]:
    return [step.kind for step in trace.steps]


def engine_of(workbench: Workbench) -> ScriptedEngine:
    assert workbench.larger is not None
    engine = workbench.larger._engine
    assert isinstance(engine, ScriptedEngine)
    return engine


def model_file(folder: Path) -> Path:
    """A file of 2 GB that takes no room on the disk; a tenth more is needed to compute with it."""
    file = folder / "large.gguf"
    file.touch()
    os.truncate(file, 2 * 10**9)
    return file


def test_a_deferred_question_is_asked_of_the_larger_model_and_its_answer_is_given(pair: Pair) -> None:
    workbench = pair()
    events = list(workbench.ask(QUESTION, policy=DEFERS, n_samples=3))
    trace = last_trace(iter(events))
    assert kinds(trace) == ["ask", "larger"]
    first, larger = trace.steps
    assert first.decision.action is Action.DEFER
    assert f"the larger model {LARGER} is asked" in first.decision.reason
    assert first.larger is None
    assert larger.larger is not None
    assert (larger.larger.model, larger.larger.calibrator) == (LARGER, None)
    assert larger.decision.action is Action.ANSWER
    assert len(larger.observation.samples) == 3, "its own samples"
    assert (trace.answer, trace.model) == ("Canberra.", "scripted:test:none")
    assert [e.step for e in events if isinstance(e, DecisionEvent)] == [0, 1]
    assert {e.step for e in events if isinstance(e, TokenEvent)} == {0, 1}
    assert engine_of(workbench).decodes == [first.prompt], "the same question"


def test_below_the_threshold_a_person_decides_and_sees_the_larger_models_answer(pair: Pair) -> None:
    trace = pair().answer(QUESTION, policy=DEFERS.model_copy(update={"larger_above": 1.0}))
    assert kinds(trace) == ["ask", "larger"]
    assert trace.last.decision.action is Action.DEFER
    assert "below the 100% needed to answer" in trace.last.decision.reason
    assert trace.answer == "Canberra."


@pytest.mark.parametrize(
    "policy",
    [
        Policy(rules=(), answer_above=0.0, abstain_below=0.0, larger_above=0.0),
        Policy(rules=(), answer_above=1.0, abstain_below=1.0, larger_above=0.0),
        DEFERS.model_copy(update={"larger_above": None}),
    ],
    ids=["answered", "abstained", "no threshold"],
)
def test_the_larger_model_is_asked_for_deferred_questions_alone(pair: Pair, policy: Policy) -> None:
    workbench = pair()
    assert kinds(workbench.answer(QUESTION, policy=policy)) == ["ask"]
    assert engine_of(workbench).decodes == []


def test_without_a_larger_model_the_decision_says_that_there_is_none(pair: Pair) -> None:
    trace = pair(second=False).answer(QUESTION, policy=DEFERS)
    assert kinds(trace) == ["ask"]
    assert trace.last.decision.action is Action.DEFER
    assert trace.last.decision.reason.endswith("there is no larger model to ask (larger.model)")


def test_a_larger_model_that_fails_leaves_the_question_to_a_person_and_says_why(pair: Pair) -> None:
    workbench = pair(failure=ModelError("The server is gone."))
    events = list(workbench.ask(QUESTION, policy=DEFERS))
    trace = last_trace(iter(events))
    assert kinds(trace) == ["ask"]
    assert trace.last.decision.action is Action.DEFER
    assert trace.last.decision.reason.endswith("the larger model could not answer: The server is gone.")
    assert [e.decision for e in events if isinstance(e, DecisionEvent)][-1] == trace.last.decision
    assert trace.answer == "Sydney."


def test_the_trace_is_stored_with_the_larger_models_step(pair: Pair) -> None:
    workbench = pair()
    trace = workbench.answer(QUESTION, policy=DEFERS)
    stored = workbench.store.load(trace.id)
    assert stored == replace(trace, created_at=stored.created_at)
    assert stored.larger == trace.last.larger


def test_the_calibrator_of_the_larger_model_calibrates_its_answer_alone(pair: Pair) -> None:
    workbench = pair()
    own, others = calibrator_for(LARGER), calibrator_for("scripted:another:none")
    for each in (own, others):
        workbench.store.calibrators.save(each.version, each.name, each.model_dump_json())
    trace = workbench.answer(QUESTION, policy=DEFERS)
    assert trace.steps[0].confidence.calibrated is None
    assert trace.last.confidence.calibrated is not None
    assert trace.last.larger is not None
    assert trace.last.larger.calibrator == own.version
    assert trace.origin.model == LARGER, "labels of this answer are labels of the larger model's"
    assert trace.params.calibrator is None
    seen, _ = workbench.store.calibrated_signals(own.version, 10)
    assert seen == 0, "drift is watched in the first model's answers"


def test_of_its_calibrators_the_one_made_active_last_counts(pair: Pair) -> None:
    store = pair().store
    newer = calibrator_for(LARGER)
    older = newer.model_copy(update={"name": "older"})
    for each in (older, newer):
        store.calibrators.save(each.version, each.name, each.model_dump_json())
    assert calibrator_version(store, LARGER) == newer.version
    store.calibrators.activate(older.version)
    store.calibrators.activate(None)
    assert calibrator_version(store, LARGER) == older.version
    assert calibrator_version(store, "scripted:unknown:none") is None


def test_a_cancelled_question_stops_the_larger_model(pair: Pair) -> None:
    workbench, cancel = pair(), threading.Event()
    engine_of(workbench).script = lambda prompt: Script(["It", " is", " Canberra", ",", " or", " so", "."])
    events = workbench.ask(QUESTION, policy=DEFERS, cancel=cancel)
    next(event for event in events if isinstance(event, TokenEvent) and event.step == 1)
    assert engine_of(workbench).running == 1
    cancel.set()
    with pytest.raises(Cancelled):
        list(events)
    assert engine_of(workbench).running == 0
    assert workbench.traces.under_way == 0


def test_an_answer_of_the_larger_model_cannot_be_continued(pair: Pair) -> None:
    workbench = pair()
    trace = workbench.answer(QUESTION, policy=DEFERS)
    other = trace.last.observation.generation.tokens[0].alternatives[1]
    with pytest.raises(Conflict, match=f"larger model {LARGER}"):
        list(workbench.branch(trace.id, 0, other.id))


def test_a_replay_asks_both_models_again(pair: Pair) -> None:
    workbench = pair()
    workbench.active.decide_by(DEFERS)
    trace = workbench.answer(QUESTION)
    again = last_trace(workbench.replay(trace.id))
    assert kinds(again) == ["ask", "larger"]


def test_another_policy_decides_again_on_both_answers(pair: Pair) -> None:
    workbench = pair()
    trace = workbench.answer(QUESTION, policy=DEFERS)

    def again(**changes: object) -> tuple[Action, str]:
        decision = decide_again(DEFERS.model_copy(update=changes), workbench.traces.get(trace.id))
        return decision.action, decision.reason

    assert again()[0] is Action.ANSWER
    assert again(larger_above=1.0)[0] is Action.DEFER
    assert again(answer_above=0.0)[0] is Action.ANSWER
    assert again(answer_above=1.0, abstain_below=1.0)[0] is Action.ABSTAIN
    assert again(larger_above=None)[0] is Action.DEFER
    alone = workbench.answer(QUESTION, policy=DEFERS.model_copy(update={"larger_above": None}))
    decision = decide_again(DEFERS, workbench.traces.get(alone.id))
    assert decision.action is Action.DEFER
    assert decision.reason.endswith("no larger model was asked")


def test_the_response_says_that_the_larger_model_answered(pair: Pair) -> None:
    workbench = pair()
    response = response_to(workbench.answer(QUESTION, policy=DEFERS))
    assert response.larger_model == LARGER
    assert f"the larger model {LARGER} answered" in response.rationale
    assert response.steps == ["ask", "larger"]
    assert response.confidence_note == "not calibrated"
    alone = response_to(workbench.answer(QUESTION, policy=DEFERS.model_copy(update={"larger_above": None})))
    assert alone.larger_model is None


def test_it_is_loaded_by_the_first_question_that_needs_it_and_unloaded_with_the_workbench(pair: Pair) -> None:
    workbench = pair(loaded=False)
    larger = workbench.larger
    assert larger is not None
    workbench.answer(QUESTION, policy=DEFERS.model_copy(update={"larger_above": None}))
    assert larger.status.state == "unloaded"
    workbench.answer(QUESTION, policy=DEFERS)
    assert larger.status.state == "ready"
    workbench.model.unload()
    assert larger.status.state == "unloaded"
    workbench.answer(QUESTION, policy=DEFERS)
    engine = engine_of(workbench)
    workbench.close()
    assert not engine.is_loaded


def test_several_questions_at_once_load_it_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = pair(loaded=False)
    loads: list[float] = []
    load = ScriptedEngine.load

    def counted(engine: ScriptedEngine) -> None:
        loads.append(0.0)
        load(engine)

    monkeypatch.setattr(ScriptedEngine, "load", counted)
    with ThreadPoolExecutor(4) as several:
        traces = list(several.map(lambda _: workbench.answer(QUESTION, policy=DEFERS), range(8)))
    assert len(loads) == 1
    assert {trace.answer for trace in traces} == {"Canberra."}


def test_the_larger_model_in_place_of_the_first_is_not_asked_twice(pair: Pair) -> None:
    workbench = pair()
    workbench.model._follow(workbench.settings, ScriptedEngine(lambda prompt: SMALL, model=LARGER))
    trace = workbench.answer(QUESTION, policy=DEFERS)
    assert kinds(trace) == ["ask"]
    assert "there is no larger model to ask" in trace.last.decision.reason


class TestSettings:
    def test_by_default_there_is_no_larger_model(self, tmp_path: Path) -> None:
        assert larger_settings(load_settings([f"home={tmp_path}"])) is None

    def test_a_model_that_is_not_here_is_refused_at_the_start(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="There is no model 'nowhere'"):
            Workbench.open([f"home={tmp_path}", "larger.model=nowhere"])

    def test_the_first_model_is_no_larger_one(self, tmp_path: Path) -> None:
        file = model_file(tmp_path)
        first = ["engine=llama_cpp", f"engine.model_path={file}"]
        with pytest.raises(SettingsError, match="is the first model itself"):
            larger_settings(load_settings([f"home={tmp_path}", *first, f"larger.model={file}"]))

    def test_a_server_may_hold_it_and_has_a_key_of_its_own(self, tmp_path: Path) -> None:
        settings = larger_settings(
            load_settings(
                [
                    f"home={tmp_path}",
                    "larger.model=qwen",
                    "larger.base_url=http://127.0.0.1:9/v1",
                    "larger.api_key_env=LARGER_KEY",
                ]
            )
        )
        assert settings is not None
        assert settings.engine.name == "openai_api"
        assert settings.engine.api_key_env == "LARGER_KEY"
        assert settings.engine.where == "http://127.0.0.1:9/v1"


def test_a_model_beyond_the_free_memory_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = model_file(tmp_path)
    settings = load_settings([f"home={tmp_path}", "engine=llama_cpp", f"larger.model={file}"])
    engine = ScriptedEngine(lambda prompt: LARGE, model=LARGER, loaded=False)
    monkeypatch.setattr("codex.ask.models.larger.available_memory", lambda: 10**9)
    with Store(tmp_path / "codex.duckdb") as store:
        bench = Workbench(settings, ScriptedEngine(lambda prompt: SMALL), store, larger=engine)
        assert isinstance(bench.larger, Larger)
        with pytest.raises(ModelError, match=r"2\.2 GB of memory beside the first, and 1\.0 GB are free"):
            bench.larger.load()
        assert not engine.loaded
        status = bench.larger.status
        assert status.state == "error"
        assert status.error is not None
        trace = bench.answer(QUESTION, policy=DEFERS)
        assert trace.last.decision.action is Action.DEFER
        assert "needs about 2.2 GB of memory" in trace.last.decision.reason
        bench.close()


def test_the_free_memory_is_that_of_the_machine_or_of_the_container() -> None:
    free = memory.available_memory()
    assert free is None or 0 < free < 2**50
