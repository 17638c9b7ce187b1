"""A workbench whose model is behind a server: its reasoning is kept apart, and its key stays hidden."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.pages.ask.view import trace_view
from codex.pages.shell import mount
from codex.server import create_app
from tests.support.openai_server import Json, Said, Scripted, entry, serving, whole

KEY = "sk-very-secret-0123456789abcdef"
THOUGHT = "The user wants to know where Ada lives."
TOKENS = [entry("<think>", -0.1), entry(THOUGHT, -3.0), entry("</think>", -0.1), entry("Oslo", -0.4)]


class Refusing:
    """A server that can be told to refuse the key, which it repeats."""

    refuses = False

    def respond(self, path: str, body: Json) -> Said | None:
        if not self.refuses:
            return None
        return whole({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)


Served = tuple[TestClient, Workbench, Refusing]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("CODEX_TEST_KEY", KEY)
    refusing = Refusing()
    with serving(Scripted(TOKENS, respond=refusing.respond)) as url:
        settings = [
            *("engine=openai_api", f"engine.base_url={url}", "engine.model_path=m", "engine.retries=0"),
            *("engine.api_key_env=CODEX_TEST_KEY", "ask.n_samples=1", f"home={tmp_path}"),
        ]
        workbench = Workbench.open(settings)
        try:
            workbench.model.load()
            app = mount(create_app(workbench), workbench)
            yield TestClient(app, base_url="http://localhost"), workbench, refusing
        finally:
            workbench.close()


def test_the_reasoning_stands_beside_the_answer_and_is_not_scored(served: Served) -> None:
    http, workbench, _ = served
    body = http.post("/infer", json={"query": "Where does Ada live?"}).json()
    assert (body["model_answer"], body["reasoning"]) == ("Oslo", THOUGHT)
    trace = workbench.traces.get(body["trace_id"])
    (token,) = trace.last.observation.generation.tokens
    assert (token.text, len(trace.last.focus)) == ("Oslo", 1)
    assert trace.last.signals["avg_logprob"] == -0.4
    assert trace.last.signals["answer_frequency"] == 1.0  # The samples' reasoning is not compared.
    shown = trace_view(trace, fingerprint=trace.model, correct=None)
    assert (shown["last"]["reasoning"], shown["steps"][0]["reasoning"]) == (THOUGHT, THOUGHT)
    assert workbench.store.load(trace.id).last.observation.generation.reasoning is None


def test_what_the_server_can_do_is_told(served: Served) -> None:
    http, _, _ = served
    body = http.get("/healthz").json()
    assert body["limits"] == ""
    assert body["abilities"] == (
        "a server, chat completions, raw log-probabilities of the 1 likeliest tokens, also in a stream, "
        "8 samples a request, no token ids, does not score given texts, no JSON schemas"
    )


def test_the_reasoning_is_kept_where_the_whole_question_is(served: Served) -> None:
    _, workbench, _ = served
    workbench.store.privacy = "full"
    trace = workbench.answer("Where does Ada live?")
    kept = workbench.store.load(trace.id).last.observation
    assert [it.reasoning for it in (kept.generation, *kept.samples)] == [THOUGHT, THOUGHT]


def test_the_key_is_nowhere(served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    http, workbench, refusing = served
    workbench.store.privacy = "full"
    with caplog.at_level(logging.DEBUG):
        trace = http.post("/infer", json={"query": "Where does Ada live?"}).json()["trace_id"]
        refusing.refuses = True
        refused = http.post("/infer", json={"query": "And Bob?"})
        streamed = http.post("/infer/stream", json={"query": "And Bob?"})
        workbench.model.engine.unload()
        with pytest.raises(Exception, match="refuses the key in CODEX_TEST_KEY") as raised:
            workbench.model.load()
    assert refused.status_code == 503
    told = [str(raised.value), refused.text, streamed.text, caplog.text]
    paths = http.get("/openapi.json").json()["paths"]
    plain = {path for path, methods in paths.items() if "get" in methods and "{" not in path}
    pages = ("/", "/documents", "/evaluate", "/calibrate", "/tune", "/label", "/sessions", "/monitor", "/sql")
    for path in {*plain, *pages, "/config", f"/traces/{trace}", "/openapi.json"}:
        response = http.get(path)
        told += [response.text, str(response.headers)]
    assert len(plain) > 20
    assert "CODEX_TEST_KEY" in "".join(told)  # The search sees errors and health.
    workbench.close()
    told += [file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file()]
    assert not [text[:80] for text in told if KEY in text or KEY[8:24] in text]
