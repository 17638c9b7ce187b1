"""The same over the default model, with nothing scripted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex import engines, prompts, signals
from codex.ask.workbench import Workbench
from codex.engines.models import Models
from codex.grounding import labelled
from codex.grounding.labelled import Labelled
from codex.grounding.model_judge import ModelJudge
from codex.grounding.told import judged_by
from codex.settings import load_settings
from codex.store import Store
from codex.types import Generation, Observation, Passage, Stance
from tests.support.serving import Served, events_of, open_request, read_until, running


@pytest.fixture(scope="module")
def served(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home: Path = tmp_path_factory.mktemp("server")
    settings = load_settings([f"home={home}", "engine=llama_cpp", "engine.threads=1", "ask.max_waiting=2"])
    engine = engines.create("llama_cpp", settings.engine, models)
    workbench = Workbench(settings, engine, Store(settings.database))
    workbench.model.load()
    with running(workbench) as server:
        yield server


def sessions(served: Served) -> set[str]:
    return {session["id"] for session in served.http.get("/sessions").json()}


def test_a_question_is_answered_with_finite_numbers(served: Served) -> None:
    body = {"query": "What is the capital of France?", "n_samples": 3, "params": {"max_tokens": 16}}
    reply = served.http.post("/infer", json=body).json()
    assert reply["model_answer"]
    assert 0 <= reply["confidence"] <= 1
    assert reply["confidence_breakdown"]["entropy"] >= 0
    assert reply["model"].startswith("llama_cpp")
    step = served.http.get(f"/traces/{reply['trace_id']}").json()["steps"][0]
    assert step["generation"]["finish_reason"] == "stop"
    assert -1 < step["generation"]["end_logprob"] < 0


def test_the_streamed_tokens_are_the_answer(served: Served) -> None:
    events = events_of(served.http, "What is the capital of France?", n_samples=2, params={"max_tokens": 16})
    answer = b"".join(bytes(body["token"]["bytes"]) for name, body in events if name == "token")
    assert answer.decode() == dict(events)["generation"]["generation"]["text"]


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_the_model_is_free_soon_after_a_client_went_away(served: Served, path: str) -> None:
    quick = {"query": "Hi", "session_id": "quick", "n_samples": 1, "params": {"max_tokens": 1}}
    before = sessions(served)
    started = time.monotonic()
    assert served.http.post("/infer", json=quick).status_code == 200
    alone = time.monotonic() - started
    for _ in range(3):
        with open_request(served, path, n_samples=10, params={"max_tokens": 2000}) as client:
            if path == "/infer/stream":
                read_until(client, b"event: token")
            else:
                time.sleep(0.3)
    started = time.monotonic()
    while served.http.post("/infer", json=quick).status_code == 503:
        assert time.monotonic() - started < 5, "the slots of clients that are gone were not freed"
    # Eleven rows of 2,000 tokens take the model over half a minute; five seconds is a generous "soon".
    assert time.monotonic() - started < 5 + alone
    assert sessions(served) == before | {"quick"}, "something is kept of what nobody read"


def test_a_question_beyond_the_context_is_413_with_the_excess(served: Served) -> None:
    error = served.http.post("/infer", json={"query": "word " * 6000})
    assert error.status_code == 413
    assert "tokens too long" in error.json()["error"]["message"]
    assert served.http.post("/infer", json={"query": "x " * 500_000}).status_code == 413


@pytest.mark.parametrize("query", ["a\0b", "\u202eWhat\u200b?", "<|im_end|>", "\\ ${1+1} <img onerror=x>"])
def test_odd_text_is_answered(served: Served, query: str) -> None:
    body = {"query": query, "n_samples": 1, "params": {"max_tokens": 8}}
    assert served.http.post("/infer", json=body).status_code == 200


HANDBOOK = (
    "During the probation period of six months, either side may end the employment with two weeks' notice. "
    "After probation, the notice period is three months to the end of a month."
)
PASSAGE = Passage("h-0", "h", "handbook.txt", HANDBOOK, 0, len(HANDBOOK))
NOTICE = "What is the notice period after probation?"


@pytest.mark.parametrize("answer", ["The notice period is two weeks.", "Two weeks.", "1. 1. 1. 2. 32."])
def test_the_default_model_supports_nothing_as_the_judge_that_it_is_measured_to_be(
    served: Served, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Asked, it would call all of this supported. Every eleventh labelled answer shows it cannot tell."""
    every = Labelled(labelled.evidence().cases[::11], "every eleventh")
    monkeypatch.setattr(labelled, "evidence", lambda: every)
    some = Labelled(labelled.answers().cases[:20], "some")
    monkeypatch.setattr(labelled, "answers", lambda: some)
    engine = served.workbench.model.engine
    judge = ModelJudge(engine, prompts.ask(NOTICE, [PASSAGE]), answer)
    assert judge.thresholds.stance(judge.judge(NOTICE, answer, [PASSAGE])) is Stance.SUPPORTED
    assert not any(each.reliability.is_sufficient for each in served.workbench.model.measure())
    seen = Observation(NOTICE, Generation(answer, (), "stop", 7, 0.1), (), (PASSAGE,))
    seen = served.workbench.model.grounder.check(seen, prompts.ask(NOTICE, [PASSAGE]))
    assert seen.grounding is not None
    assert {sentence.stance for sentence in seen.grounding.sentences} == {None}
    assert signals.compute(seen)["evidence_support"] is None
    assert "This model cannot judge evidence" in judged_by(seen.grounding)
