"""The loop with documents: when it looks things up, what it shows the model, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.response import response_to
from codex.ask.workbench import Workbench, last_trace
from codex.errors import InvalidInput, ModelError, RetrievalError
from codex.prompts import CHECK, stating
from codex.settings import load_settings
from codex.store import Store
from codex.types import (
    Action,
    CheckedEvent,
    DecisionEvent,
    Event,
    Gate,
    PassagesEvent,
    Stance,
    TokenEvent,
    TraceEvent,
)
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine

FACTS = {
    "towers.txt": "The lighthouse of Zelm was built in 1712. Its keeper was Ada Brook.",
    "rivers.txt": "The river Ospra is 412 kilometres long. It ends in the lake of Tarn.",
}
QUESTION = "Who was the keeper of the lighthouse of Zelm?"
SPREAD = Script(
    ["It", " was", " Tom", " Reed", "."], [0.4] * 5, entropy=3.0, samples=["Tom Reed", "Jan Roe", "Ann Low"]
)
"""Entropy above the default 2.5: retrieve. Its confidence, (0.4 + 2/5) / 2, lies under the default 0.5."""
FOUND = Script(["The", " keeper", " was", " Ada", " Brook", "."])

Bench = Callable[..., Workbench]


def looks(prompt: str) -> Script:
    """Knows the answer when the passage is in the prompt."""
    return FOUND if "Ada Brook" in prompt else SPREAD


def believes(prompt: str) -> float:
    """Takes for true what names the keeper of the documents."""
    return 0.9 if "Ada Brook" in prompt else 0.2


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Workbenches over a scripted engine and a real index of FACTS, unless without documents."""
    opened: list[Workbench] = []

    def make(
        script: Callable[[str], Script] = looks, *overrides: str, documents: bool = True, **engine: object
    ) -> Workbench:
        home = tmp_path / str(len(opened))
        home.mkdir()
        trust(home)
        settings = load_settings([f"home={home}", *overrides])
        engine.setdefault("judgement", believes)
        workbench = Workbench(settings, ScriptedEngine(script, **engine), Store(home / "codex.duckdb"))  # type: ignore[arg-type]
        opened.append(workbench)
        if documents:
            for name, text in FACTS.items():
                (home / name).write_text(text)
            workbench.index.add([home / name for name in FACTS])
            workbench.index.run()
        return workbench

    yield make
    for workbench in opened:
        workbench.close()


def engine_of(workbench: Workbench) -> ScriptedEngine:
    assert isinstance(workbench.model.engine, ScriptedEngine)
    return workbench.model.engine


def test_the_retrieve_gate_looks_things_up_and_asks_again_with_them(bench: Bench) -> None:
    workbench = bench()
    events: list[Event] = list(workbench.ask(QUESTION))
    trace = last_trace(iter(events))
    assert [step.kind for step in trace.steps] == ["ask", "retrieve"]
    assert trace.steps[0].decision.gate is Gate.RETRIEVE
    assert trace.steps[0].observation.passages == ()
    assert trace.last.observation.passages[0].document == "towers.txt"
    assert "keeper was Ada Brook" in trace.last.observation.passages[0].text
    assert trace.answer == "The keeper was Ada Brook."
    assert trace.last.decision.action is Action.ANSWER
    found = next(i for i, e in enumerate(events) if isinstance(e, PassagesEvent))
    assert isinstance(events[found - 1], DecisionEvent)
    assert isinstance(events[found + 1], TokenEvent)
    assert events[found + 1].step == 1


def test_evidence_that_is_asked_for_is_looked_up_first(bench: Bench) -> None:
    workbench = bench()
    events = list(workbench.ask(QUESTION, enable_rag=True))
    assert isinstance(events[0], PassagesEvent)
    trace = last_trace(iter(events))
    assert [step.kind for step in trace.steps] == ["retrieve"]
    assert len(engine_of(workbench).decodes) == 1


def test_each_step_keeps_its_prompts_hash_its_signals_and_its_gate(bench: Bench) -> None:
    steps = bench().answer(QUESTION).steps
    assert len({step.prompt_sha256 for step in steps}) == 2
    assert steps[0].signals["evidence_support"] is None
    assert steps[1].signals["evidence_support"] == pytest.approx(0.9)
    assert [step.decision.gate for step in steps] == [Gate.RETRIEVE, Gate.PROCEED]


def test_the_answer_is_judged_against_its_passages(bench: Bench) -> None:
    trace = bench().answer(QUESTION, enable_rag=True)
    grounding = trace.last.observation.grounding
    assert grounding is not None
    assert [s.stance for s in grounding.sentences] == [Stance.SUPPORTED]
    told = response_to(trace)
    assert told.sentences[0].text == "The keeper was Ada Brook."
    assert told.sentences[0].quote is not None
    assert "Ada Brook" in told.sentences[0].quote
    assert told.passages[told.sentences[0].passage or 0].document == "towers.txt"
    assert told.confidence_breakdown.verifier_score == pytest.approx(0.9)
    assert told.confidence_breakdown.evidence_overlap == pytest.approx(1.0)


def test_the_verifier_is_one_call_an_answer(bench: Bench) -> None:
    workbench = bench(documents=False)
    workbench.answer("Which colour is the sky?")
    assert len(engine_of(workbench).judged) == 1
    silent = bench(looks, "grounding.verify=false", documents=False)
    assert silent.answer("Which colour is the sky?").last.signals["p_true"] is None
    assert engine_of(silent).judged == []


def test_the_model_states_its_confidence_where_that_is_set(bench: Bench) -> None:
    def script(prompt: str) -> Script:
        return Script([" 30%"]) if prompt.endswith("Confidence:") else Script(["Blue."])

    workbench = bench(script, "grounding.state_confidence=true", documents=False)
    trace = workbench.answer("Which colour is the sky?")
    assert trace.last.signals["stated_confidence"] == 0.3
    assert trace.origin.stated == stating.fingerprint() == workbench.active.origin().stated
    kept = workbench.store.load(trace.id)
    assert kept.last.observation.stated == trace.last.observation.stated
    silent = bench(script, documents=False).answer("Which colour is the sky?")
    assert (silent.last.signals["stated_confidence"], silent.origin.stated) == (None, "")


def test_events_tell_of_the_check_before_the_signals(bench: Bench) -> None:
    names = [type(e).__name__ for e in bench().ask(QUESTION, enable_rag=True)]
    assert names[-4:] == ["CheckedEvent", "SignalsEvent", "DecisionEvent", "TraceEvent"]


def test_one_look_and_one_check_a_question_at_most(bench: Bench) -> None:
    never = Script(["No", " idea"], [0.1, 0.05], entropy=3.0)
    rules = (
        "policy.rules=[{signal: entropy, above: 2.5, gate: retrieve}]",
        "policy.rules=[{signal: avg_logprob, below: -1.5, gate: reflect}]",
    )
    for rule, kinds in zip(rules, (["ask", "retrieve"], ["ask", "reflect"]), strict=True):
        trace = bench(lambda prompt: never, rule).answer(QUESTION)
        assert [step.kind for step in trace.steps] == kinds
        assert "already" in trace.last.decision.reason


def test_a_reflection_after_the_look_sees_the_passages(bench: Bench) -> None:
    doubtful = Script(["Ada"], [0.1])

    def say(prompt: str) -> Script:
        if CHECK in prompt:
            return FOUND
        return doubtful if "Ada Brook" in prompt else SPREAD

    workbench = bench(say)
    trace = workbench.answer(QUESTION)
    assert [step.kind for step in trace.steps] == ["ask", "retrieve", "reflect"]
    assert "Ada Brook" in engine_of(workbench).decodes[2]
    assert trace.last.observation.passages == trace.steps[1].observation.passages
    assert trace.last.observation.grounding is not None


def test_without_documents_the_gate_falls_through_and_says_why(bench: Bench) -> None:
    trace = bench(documents=False).answer(QUESTION)
    assert [step.kind for step in trace.steps] == ["ask"]
    assert trace.last.decision.gate is Gate.RETRIEVE
    assert "no documents" in trace.last.decision.reason


def test_looking_up_can_be_switched_off(bench: Bench) -> None:
    trace = bench(looks, "ask.retrieve=false").answer(QUESTION)
    assert [step.kind for step in trace.steps] == ["ask"]
    assert "ask.retrieve is off" in trace.last.decision.reason


def test_removed_documents_change_answer_evidence_and_decision(bench: Bench) -> None:
    workbench = bench()
    before = workbench.answer(QUESTION, enable_rag=True)
    workbench.index.remove([document.id for document in workbench.index.documents()])
    after = workbench.answer(QUESTION, enable_rag=True)
    assert before.last.decision.action is Action.ANSWER
    assert after.last.decision.action is not Action.ANSWER
    assert after.last.observation.passages == ()
    assert "no documents" in after.last.decision.reason


@pytest.mark.parametrize("enable_rag", [True, False])
def test_an_index_that_fails_leaves_the_answer_without_evidence_and_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, enable_rag: bool
) -> None:
    workbench = bench()

    def gone(*_: object, **__: object) -> None:
        raise RetrievalError("The Chroma server does not answer.")

    monkeypatch.setattr(workbench.index, "search", gone)
    trace = workbench.answer(QUESTION, enable_rag=enable_rag)
    assert trace.last.observation.generation.text == "It was Tom Reed."
    assert "could not be searched: The Chroma server does not answer." in trace.last.decision.reason


def test_a_verifier_that_fails_leaves_the_answer_unchecked_and_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench = bench()

    def broken(*_: object, **__: object) -> None:
        raise ModelError("The verifier's model is gone.")

    monkeypatch.setattr(workbench.model.engine, "next_token", broken)
    trace = workbench.answer(QUESTION, enable_rag=True)
    assert trace.last.signals["p_true"] is None
    assert "could not be checked: The verifier's model is gone." in trace.last.decision.reason


def test_a_branch_keeps_the_passages_and_is_judged_anew(bench: Bench) -> None:
    workbench = bench(
        lambda prompt: Script(["Ada", " Brook"], others=[" Reed"]) if "Ada Brook" in prompt else SPREAD,
        judgement=lambda prompt: 0.1 if "Reed" in prompt else 0.9,
    )
    parent = workbench.answer(QUESTION, enable_rag=True)
    other = parent.last.observation.generation.tokens[1].alternatives[1]
    events = list(workbench.branch(parent.id, 1, other.id))
    branch = last_trace(iter(events))
    assert branch.last.observation.passages == parent.last.observation.passages
    assert branch.last.observation.grounding != parent.last.observation.grounding
    assert branch.last.signals["p_true"] == pytest.approx(0.1)
    assert any(isinstance(e, CheckedEvent) for e in events)


@pytest.mark.parametrize("privacy", ["hash", "full"])
def test_a_stored_trace_shows_its_passages_again(tmp_path: Path, bench: Bench, privacy: str) -> None:
    workbench = bench(looks, f"store.privacy={privacy}")
    workbench.store.privacy = privacy  # type: ignore[assignment]
    trace = next(e.trace for e in workbench.ask(QUESTION, enable_rag=True) if isinstance(e, TraceEvent))
    workbench.traces._recent.clear()
    stored = workbench.traces.get(trace.id)
    assert stored.last.observation.passages == trace.last.observation.passages
    assert stored.last.observation.grounding == trace.last.observation.grounding
    workbench.index.remove([d.id for d in workbench.index.documents()])
    texts = [passage.text for passage in workbench.traces.get(trace.id).last.observation.passages]
    assert all(texts) if privacy == "full" else not any(texts)


def test_a_question_limited_to_documents_finds_nothing_elsewhere_and_its_trace_says_which(
    bench: Bench,
) -> None:
    workbench = bench()
    trace = workbench.answer(QUESTION, enable_rag=True, documents=["rivers.txt"])
    assert {it.document for it in trace.last.observation.passages} == {"rivers.txt"}
    assert workbench.store.load(trace.id).params.evidence["documents"] == ["rivers.txt"]
    assert "documents" not in workbench.answer(QUESTION, enable_rag=True).params.evidence


def test_the_retrieve_gate_keeps_to_the_chosen_documents_too(bench: Bench) -> None:
    trace = bench().answer(QUESTION, documents=["rivers.txt"])
    assert trace.steps[0].decision.gate is Gate.RETRIEVE
    assert {it.document for it in trace.last.observation.passages} == {"rivers.txt"}


@pytest.mark.parametrize("documents", [[], ["nope.txt"], ["rivers.txt", "nope.txt"]])
def test_documents_that_are_not_there_are_refused_before_the_model_runs(
    bench: Bench, documents: list[str]
) -> None:
    workbench = bench()
    with pytest.raises(InvalidInput) as refused:
        workbench.ask(QUESTION, documents=documents)
    assert refused.value.fields == ("documents",)
    assert engine_of(workbench).decodes == []
