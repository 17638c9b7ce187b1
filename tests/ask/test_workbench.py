"""The loop with a scripted engine: every way a question can go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.deciding import decide_again
from codex.ask.response import response_to
from codex.ask.workbench import Workbench, last_trace
from codex.engines.base import GenerationParams
from codex.errors import Busy, Cancelled, Conflict, InvalidInput, ModelError, NotFound, StoreError
from codex.policy import Policy, Rule
from codex.prompts import CHECK
from codex.settings import load_settings
from codex.store import Store
from codex.types import (
    Action,
    DecisionEvent,
    Event,
    Gate,
    GenerationEvent,
    SamplesEvent,
    SignalsEvent,
    TokenEvent,
    TraceEvent,
)
from tests.support.scripted import END, Script, ScriptedEngine

SURE = Script(["The", " capital", " is", " Canberra", "."])
UNSURE = Script(["Maybe", " Sydney"], [0.3, 0.1], samples=["Sydney", "Perth", "Canberra"])
"""Its mean log-probability is (ln 0.3 + ln 0.1) / 2 = -1.75, under the default -1.5: reflect."""

Bench = Callable[..., Workbench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Workbenches over a scripted engine, each with a database of its own."""
    opened: list[Workbench] = []

    def make(script: Script | Callable[[str], Script] = SURE, *overrides: str, **engine: object) -> Workbench:
        settings = load_settings([f"home={tmp_path}", *overrides])
        say = script if callable(script) else lambda prompt: script
        scripted = ScriptedEngine(say, **engine)  # type: ignore[arg-type]
        opened.append(Workbench(settings, scripted, Store(tmp_path / f"{len(opened)}.duckdb")))
        return opened[-1]

    yield make
    for workbench in opened:
        workbench.close()


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_events_come_in_order_and_the_last_is_the_stored_trace(bench: Bench) -> None:
    workbench = bench()
    events = list(workbench.ask("What is the capital of Australia?", n_samples=3))
    assert kinds(events) == [
        *["TokenEvent"] * 5,
        "GenerationEvent",
        "SamplesEvent",
        "CheckedEvent",
        "SignalsEvent",
        "DecisionEvent",
        "TraceEvent",
    ]
    assert isinstance(events[-1], TraceEvent)
    trace = events[-1].trace
    assert "".join(e.token.text for e in events if isinstance(e, TokenEvent)) == trace.answer
    assert [e.index for e in events if isinstance(e, TokenEvent)] == [0, 1, 2, 3, 4]
    assert workbench.store.load(trace.id).answer == "The capital is Canberra."


def test_a_sure_answer_is_answered_with_an_uncalibrated_confidence(bench: Bench) -> None:
    trace = bench().answer("What is the capital of Australia?")
    assert trace.last.decision.action is Action.ANSWER
    assert trace.last.decision.gate is Gate.PROCEED
    assert trace.last.confidence.value is not None
    assert 0.5 <= trace.last.confidence.value <= 1
    assert trace.last.confidence.calibrated is None
    assert response_to(trace).confidence_note == "not calibrated"


def test_the_reflect_gate_asks_once_more_and_decides_again(bench: Bench) -> None:
    workbench = bench(lambda prompt: SURE if CHECK in prompt else UNSURE)
    events = list(workbench.ask("What is the capital of Australia?"))
    trace = last_trace(iter(events))
    assert [step.kind for step in trace.steps] == ["ask", "reflect"]
    assert trace.steps[0].decision.gate is Gate.REFLECT
    assert trace.last.decision.action is Action.ANSWER
    assert trace.answer == "The capital is Canberra."
    assert [e.step for e in events if isinstance(e, DecisionEvent)] == [0, 1]
    assert {e.step for e in events if isinstance(e, TokenEvent)} == {0, 1}
    engine = workbench.model.engine
    assert isinstance(engine, ScriptedEngine)
    assert "Maybe Sydney" in engine.decodes[1], "the model must see the answer it is to check"


def test_reflection_is_bounded_to_one_and_says_so(bench: Bench) -> None:
    workbench = bench(UNSURE)
    trace = workbench.answer("What is the capital of Australia?")
    assert [step.kind for step in trace.steps] == ["ask", "reflect"]
    assert trace.last.decision.gate is Gate.REFLECT
    assert "already checked" in trace.last.decision.reason


def test_reflection_can_be_switched_off(bench: Bench) -> None:
    trace = bench(UNSURE, "ask.reflect=false").answer("What is the capital of Australia?")
    assert [step.kind for step in trace.steps] == ["ask"]
    assert "ask.reflect is off" in trace.last.decision.reason


def test_the_retrieve_gate_falls_through_and_says_why(bench: Bench) -> None:
    trace = bench(Script(["Canberra"], entropy=3.0)).answer("Capital of Australia?")
    assert trace.last.decision.gate is Gate.RETRIEVE
    assert "no documents" in trace.last.decision.reason


def test_evidence_that_was_asked_for_and_is_not_there_is_said(bench: Bench) -> None:
    trace = bench().answer("Capital of Australia?", enable_rag=True)
    assert "no documents" in trace.last.decision.reason
    assert response_to(trace).confidence_breakdown.evidence_overlap is None


def test_abstaining_returns_a_clarifying_question_with_what_was_said(bench: Bench) -> None:
    script = Script(["Sydney"], [0.1], samples=["Perth", "Canberra", "Canberra.", "Darwin"])
    trace = bench(script, "ask.reflect=false").answer("Capital of Australia?", n_samples=4)
    assert trace.last.decision.action is Action.ABSTAIN
    assert trace.answer == (
        "I am not sure enough to answer: asked 4 times, I gave 3 different answers, among them "
        "“Canberra” (2 times). Could you ask it in other words, or tell me more?"
    )
    assert response_to(trace).model_answer == "Sydney"


def test_samples_are_drawn_from_the_whole_distribution_whatever_shapes_the_answer(bench: Bench) -> None:
    params = GenerationParams(temperature=0.3, top_p=0.5, top_k=3, repeat_penalty=1.2, max_tokens=9, seed=4)
    trace = bench().answer("Capital of Australia?", params=params, n_samples=2)
    assert trace.params.answer == params.sampling
    assert trace.params.samples == GenerationParams(temperature=1.0, max_tokens=9, seed=4).sampling


def test_a_branch_continues_from_the_other_token_and_keeps_the_samples(bench: Bench) -> None:
    workbench = bench(Script(["The", " capital", " is", " Canberra"], others=[" Sydney"]))
    parent = workbench.answer("Capital of Australia?", n_samples=4)
    other = parent.last.observation.generation.tokens[1].alternatives[1]
    events = list(workbench.branch(parent.id, 1, other.id))
    branch = last_trace(iter(events))
    assert branch.parent_id == parent.id
    assert branch.session_id == parent.session_id
    assert branch.last.kind == "branch"
    assert branch.last.observation.generation.text == "The Sydney is Canberra"
    assert branch.last.observation.generation.prefix_tokens == 2
    assert branch.last.observation.samples == parent.last.observation.samples
    assert [e.index for e in events if isinstance(e, TokenEvent)] == [2, 3]


def test_a_branch_that_picks_the_end_ends_the_answer_there_without_the_model(bench: Bench) -> None:
    workbench = bench(Script(["The", " capital", " is", " Canberra"], others=[END]))
    parent = workbench.answer("Capital of Australia?", n_samples=2)
    end = parent.last.observation.generation.tokens[2].alternatives[1]
    branch = last_trace(workbench.branch(parent.id, 2, end.id))
    assert branch.last.observation.generation.text == "The capital"
    assert branch.last.observation.generation.finish_reason == "stop"
    assert branch.last.observation.generation.end_logprob == end.logprob
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert len(workbench.model.engine.decodes) == 1
    stored = workbench.store.load(parent.id).last.observation.generation.tokens[2]
    assert stored.alternatives[1].is_end


def test_a_branch_of_a_branch_and_of_a_reflection_works(bench: Bench) -> None:
    workbench = bench(lambda prompt: SURE if CHECK in prompt else UNSURE)
    parent = workbench.answer("What is the capital of Australia?")
    token = parent.last.observation.generation.tokens[1].alternatives[1]
    branch = last_trace(workbench.branch(parent.id, 1, token.id))
    engine = workbench.model.engine
    assert isinstance(engine, ScriptedEngine)
    assert CHECK in engine.decodes[-1]
    again = branch.last.observation.generation.tokens[3].alternatives[1]
    assert last_trace(workbench.branch(branch.id, 3, again.id)).parent_id == branch.id


def test_a_branch_where_there_is_none_is_refused(bench: Bench) -> None:
    workbench = bench()
    parent = workbench.answer("Capital of Australia?")
    with pytest.raises(InvalidInput, match="position 9 is outside the answer, which has 5 tokens"):
        workbench.branch(parent.id, 9, 1)
    with pytest.raises(InvalidInput, match="Token 77 is not among"):
        workbench.branch(parent.id, 0, 77)
    with pytest.raises(NotFound):
        workbench.branch("nobody", 0, 1)


def test_a_branch_of_another_models_answer_is_a_conflict(bench: Bench) -> None:
    workbench = bench()
    parent = workbench.answer("Capital of Australia?")
    assert isinstance(workbench.model.engine, ScriptedEngine)
    workbench.model.engine.model = "scripted:another:none"
    with pytest.raises(Conflict, match="scripted:another:none is loaded"):
        workbench.branch(parent.id, 0, parent.last.observation.generation.tokens[0].alternatives[1].id)


def test_redeciding_runs_no_model_and_agrees_with_asking_under_that_policy(bench: Bench) -> None:
    workbench = bench()
    assert isinstance(workbench.model.engine, ScriptedEngine)
    trace = workbench.answer("Capital of Australia?")
    strict = Policy(name="strict", answer_above=1.0, abstain_below=0.999)
    decision = decide_again(strict, workbench.traces.get(trace.id))
    assert len(workbench.model.engine.decodes) == 1
    assert decision.action is workbench.answer("Capital of Australia?", policy=strict).last.decision.action
    assert decision.action is not trace.last.decision.action


def test_the_active_policy_is_taken_at_the_next_question(bench: Bench) -> None:
    workbench = bench()
    assert workbench.answer("Capital of Australia?").last.decision.gate is Gate.PROCEED
    workbench.active.decide_by(
        Policy(name="never", rules=(Rule(signal="avg_logprob", below=0.0, gate="abstain"),))
    )
    trace = workbench.answer("Capital of Australia?")
    assert trace.last.decision.action is Action.ABSTAIN
    assert trace.policy == workbench.active.policy.version
    assert workbench.store.policies.load(trace.policy)


@pytest.mark.parametrize(
    ("question", "options", "field"),
    [
        ("", {}, "query"),
        (" \n\t", {}, "query"),
        ("x" * 1_000_001, {}, "query"),
        ("half \ud83d a character", {}, "query"),
        ("Why?", {"n_samples": 0}, "n_samples"),
        ("Why?", {"n_samples": -1}, "n_samples"),
        ("Why?", {"n_samples": 10_000}, "n_samples"),
        ("Why?", {"sample_temperature": -1.0}, "sample_temperature"),
        ("Why?", {"session_id": "../../etc"}, "session_id"),
        ("Why?", {"sampels": 3}, "sampels"),
    ],
)
def test_bad_input_is_refused_before_the_model_runs(
    bench: Bench, question: str, options: dict[str, object], field: str
) -> None:
    workbench = bench()
    with pytest.raises(InvalidInput) as error:
        workbench.ask(question, **options)  # type: ignore[arg-type]
    assert error.value.fields == (field,)
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert workbench.model.engine.decodes == []


def test_cancelling_stops_the_model_and_stores_nothing(bench: Bench) -> None:
    workbench = bench(SURE, delay=0.01)
    cancel = threading.Event()
    events = workbench.ask("Capital of Australia?", cancel=cancel)
    next(events)
    cancel.set()
    with pytest.raises(Cancelled):
        last_trace(events)
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert workbench.model.engine.running == 0
    assert workbench.store.sessions.list() == []


def test_an_answer_that_comes_after_its_session_was_deleted_is_given_but_not_kept(bench: Bench) -> None:
    workbench = bench()
    first = workbench.answer("Capital of Australia?", session_id="gone")
    events = workbench.ask("Capital of Australia?", session_id="gone")
    next(events)
    workbench.traces.forget_session("gone")
    assert workbench.traces.under_way == 1
    late = last_trace(events)
    assert late.answer == first.answer
    assert list(events) == []
    assert workbench.traces.under_way == 0
    assert workbench.store.sessions.list() == []
    with pytest.raises(NotFound):
        workbench.traces.get(late.id)
    workbench.answer("Capital of Australia?", session_id="gone")
    assert len(workbench.store.sessions.traces("gone")) == 1


def test_a_caller_who_goes_away_cancels_and_frees_its_place(bench: Bench) -> None:
    workbench = bench(SURE, "ask.max_waiting=1")
    events = workbench.ask("Capital of Australia?")
    next(events)
    assert isinstance(workbench.model.engine, ScriptedEngine)
    assert workbench.model.engine.running == 1
    events.close()  # type: ignore[attr-defined]
    assert workbench.model.engine.running == 0
    assert workbench.answer("Capital of Australia?").answer


def test_one_question_too_many_is_told_to_come_back(bench: Bench) -> None:
    workbench = bench(SURE, "ask.max_waiting=1")
    first = workbench.ask("Capital of Australia?")
    next(first)
    with pytest.raises(Busy) as error:
        next(workbench.ask("And of Norway?"))
    assert error.value.retry_after > 0
    assert isinstance(list(first)[-1], TraceEvent), "the first is not disturbed"


def test_a_model_that_does_not_load_is_told_in_the_status_and_to_who_asks(bench: Bench) -> None:
    workbench = bench(SURE, failure=ModelError("There is no model at /nowhere."), loaded=False)
    assert workbench.model.status.state == "loading"
    workbench.model.load_in_background().join()
    assert workbench.model.status.state == "error"
    assert workbench.model.status.error == "There is no model at /nowhere."
    with pytest.raises(ModelError, match="nowhere"):
        workbench.answer("Capital of Australia?")


def test_a_full_disk_does_not_take_the_answer_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    workbench = bench()

    def full(trace: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(workbench.store, "save", full)
    events: list[Event] = []
    with pytest.raises(StoreError, match="disk is full"):
        events.extend(workbench.ask("Capital of Australia?"))
    assert kinds(events)[-3:] == ["CheckedEvent", "SignalsEvent", "DecisionEvent"]
    monkeypatch.undo()
    assert workbench.answer("Capital of Australia?").answer == "The capital is Canberra."


def test_several_callers_at_once_each_get_their_own_answer(bench: Bench) -> None:
    workbench = bench(lambda prompt: Script([prompt.split("<user>")[1].split("<")[0]]), delay=0.005)
    answers: dict[int, str] = {}

    def ask(i: int) -> None:
        answers[i] = workbench.answer(f"question {i}").last.observation.generation.text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {i: f"question {i}" for i in range(8)}


def test_a_forgotten_session_is_gone_from_memory_and_store(bench: Bench) -> None:
    workbench = bench()
    trace = workbench.answer("Capital of Australia?", session_id="mine")
    workbench.traces.forget_session("mine")
    with pytest.raises(NotFound):
        workbench.traces.get(trace.id)


def test_signals_and_samples_events_carry_what_the_trace_carries(bench: Bench) -> None:
    events = list(bench(UNSURE, "ask.reflect=false").ask("Capital of Australia?", n_samples=3))
    trace = last_trace(iter(events))
    assert next(e for e in events if isinstance(e, SignalsEvent)).signals == trace.last.signals
    samples = next(e for e in events if isinstance(e, SamplesEvent)).samples
    assert [s.text for s in samples] == [s.text for s in trace.last.observation.samples]
    assert (
        next(e for e in events if isinstance(e, GenerationEvent)).generation
        is trace.last.observation.generation
    )


def test_a_trace_keeps_the_alternatives_of_the_answer_and_not_of_the_samples(bench: Bench) -> None:
    last = bench().answer("Capital of Australia?").last.observation
    assert all(token.alternatives for token in last.generation.tokens)
    assert not any(token.alternatives for sample in last.samples for token in sample.tokens)
