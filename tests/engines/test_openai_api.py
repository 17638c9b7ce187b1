"""The openai_api engine: against llama.cpp's own server, and against one that does what servers do wrong."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codex.engines.base import Finished, GenerationParams
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine
from codex.errors import Busy, CapabilityError, CodexError, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, Message, Token
from tests.support.decoding import POEM, greedy, sampled
from tests.support.openai_server import Json, Said, Scripted, entry, serving, streamed, whole

TOKYO = [Message("user", "What is the capital of Japan?")]
KEY = "sk-test-0123456789abcdef"


Serve = Callable[..., tuple[OpenAIEngine, Scripted]]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """An engine on a scripted server, not loaded."""
    with ExitStack() as stack:

        def make(script: Scripted, **config: Any) -> tuple[OpenAIEngine, Scripted]:
            monkeypatch.setenv("CODEX_TEST_KEY", KEY)
            url = stack.enter_context(serving(script))
            chosen = {"model_path": "m", "base_url": url, "api_key_env": "CODEX_TEST_KEY", "retries": 0}
            engine = OpenAIEngine(ServedConfig(**{**chosen, **config}))
            stack.callback(engine.unload)
            return engine, script

        yield make


ANSWER = [
    entry("It", -0.2, {"It": -0.2, "The": -2.0}),
    entry(" is", -0.1),
    entry(" Oslo", -0.4),
    entry(".", -0.01),
]


class TestRealServer:
    def test_what_it_can_is_found_out(self, served: OpenAIEngine) -> None:
        found = served.findings
        assert found is not None
        assert (found.kind, found.logprobs, found.alternatives) == ("llama.cpp", "raw", 20)
        assert (found.streamed, found.token_ids, found.choices, found.vocabulary) == (True, True, 16, 49152)
        assert served.limits == ""
        assert served.capabilities.prefix

    def test_it_says_what_the_engine_in_this_process_says(
        self, served: OpenAIEngine, llama: LlamaCppEngine
    ) -> None:
        over_http, own = served.chat(TOKYO, greedy(30)), llama.chat(TOKYO, greedy(30))
        assert over_http.text == own.text == "The capital of Japan is Tokyo."
        assert [it.id for it in over_http.tokens] == [it.id for it in own.tokens]
        assert [it.logprob for it in over_http.tokens] == pytest.approx(
            [it.logprob for it in own.tokens], abs=0.2
        )
        assert [it.entropy for it in over_http.tokens] == pytest.approx(
            [it.entropy for it in own.tokens], abs=0.3
        )
        assert (over_http.finish_reason, over_http.logprobs) == ("stop", "raw")
        assert over_http.prompt_tokens > 30

    def test_samples_are_one_request_and_differ(self, served: OpenAIEngine) -> None:
        texts = [it.text for it in served.sample(POEM, sampled(12, seed=3), 5)]
        assert len(texts) == 5
        assert len(set(texts)) > 1

    def test_the_text_ends_before_a_stop_string(self, served: OpenAIEngine) -> None:
        found = served.chat(TOKYO, greedy(30, stop=("Tokyo",)))
        assert (found.text, found.finish_reason) == ("The capital of Japan is ", "stop")

    def test_an_answer_that_has_begun_is_continued(self, served: OpenAIEngine) -> None:
        begun = served.chat(TOKYO, greedy(4))
        assert begun.finish_reason == "length"
        whole_answer = served.chat(TOKYO, greedy(30), begun.tokens)
        assert whole_answer.text == "The capital of Japan is Tokyo."
        assert whole_answer.prefix_tokens == 4

    def test_plain_text_and_its_next_token(self, served: OpenAIEngine) -> None:
        assert served.complete("The capital of Japan is", greedy(1)).text == " Tokyo"
        token = served.next_token("The capital of Japan is")
        assert (token.text, len(token.alternatives)) == (" Tokyo", 20)

    def test_cancelling_ends_every_row(self, served: OpenAIEngine) -> None:
        cancel, seen = threading.Event(), []
        rows = [greedy(400), *(sampled(400, seed=seed) for seed in range(3))]
        for item in served.decode(POEM, rows, cancel=cancel):
            seen.append(item)
            if len(seen) == 3:
                cancel.set()
        done = [it.generation for it in seen if isinstance(it, Finished)]
        assert [it.finish_reason for it in done] == ["cancelled"] * 4
        assert len(done[0].tokens) < 400

    def test_closing_the_iterator_ends_the_request(self, served: OpenAIEngine) -> None:
        events = served.decode(POEM, [greedy(400)])
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert not served._running

    def test_a_question_that_is_too_long(self, served: OpenAIEngine) -> None:
        with pytest.raises(PromptTooLong):
            served.chat([Message("user", "word " * 20_000)], greedy(4))

    def test_an_empty_prompt_is_refused(self, served: OpenAIEngine) -> None:
        with pytest.raises(InvalidInput, match="empty"):
            served.complete("", greedy(4))


def test_streamed_tokens_are_those_of_the_answer(serve: Serve) -> None:
    engine, _ = serve(Scripted(ANSWER))
    items = list(engine.decode(TOKYO, [greedy(20)]))
    tokens = [it for it in items if isinstance(it, Token)]
    (done,) = [it for it in items if isinstance(it, Finished)]
    assert done.generation.text == "It is Oslo."
    assert done.generation.tokens == tuple(tokens)
    assert done.generation.prompt_tokens == 7


def test_the_key_is_sent_to_the_server_and_none_where_none_is_set(serve: Serve) -> None:
    engine, script = serve(Scripted(ANSWER))
    engine.chat(TOKYO, greedy(5))
    assert {headers["authorization"] for _, _, headers in script.seen} == {f"Bearer {KEY}"}
    engine, script = serve(Scripted(ANSWER), api_key_env="")
    engine.chat(TOKYO, greedy(5))
    assert not any("authorization" in headers for _, _, headers in script.seen)


def test_a_server_of_one_row_a_request_gets_many_requests(serve: Serve) -> None:
    def once(path: str, body: Json) -> Said | None:
        if body.get("n", 1) > 1:
            return whole({"error": {"message": "only one"}}, 400)
        return None

    engine, script = serve(Scripted(ANSWER, respond=once))
    assert [it.text for it in engine.sample(TOKYO, sampled(5, seed=7), 3)] == ["It is Oslo."] * 3
    seeds = [body["seed"] for _, body, _ in script.seen if body.get("stream") and "seed" in body]
    assert sorted(seeds) == [7, 8, 9]


def test_a_server_without_log_probabilities_has_texts_and_says_so(serve: Serve) -> None:
    def bare(path: str, body: Json) -> Said | None:
        if body.get("logprobs"):
            return whole({"error": {"message": "logprobs are not supported"}}, 400)
        return None

    engine, _ = serve(Scripted(ANSWER, respond=bare))
    found = engine.chat(TOKYO, greedy(20))
    assert (found.text, found.logprobs) == ("It is Oslo.", "none")
    assert {it.logprob for it in found.tokens} == {None}
    assert "no log-probabilities" in engine.limits


def test_log_probabilities_only_in_whole_responses(serve: Serve) -> None:
    def unstreamed(path: str, body: Json) -> Said | None:
        if body.get("stream"):
            return streamed([{"choices": [{"delta": {"content": "It"}, "finish_reason": "stop"}]}])
        return None

    engine, _ = serve(Scripted(ANSWER, respond=unstreamed))
    found = engine.chat(TOKYO, greedy(20))
    assert (found.text, found.logprobs) == ("It is Oslo.", "raw")
    assert found.tokens[0].logprob == -0.2


def test_a_processed_distribution_is_recognised(serve: Serve) -> None:
    def cooled(path: str, body: Json) -> Said | None:
        if path.endswith("completions") and not body.get("stream") and body.get("temperature"):
            scripted.tokens = [entry("It", -0.9, {"It": -0.9, "The": -1.0})]
        return None

    scripted = Scripted(ANSWER, respond=cooled)
    engine, _ = serve(scripted)
    engine.load()
    assert engine.capabilities.logprobs == "processed"


def test_zeros_of_drafted_tokens_are_not_scored(serve: Serve) -> None:
    engine, _ = serve(Scripted([entry(f" {at}", 0.0, {}) for at in range(12)]))
    found = engine.chat(TOKYO, greedy(20))
    assert (found.logprobs, {it.logprob for it in found.tokens}) == ("none", {None})
    assert found.text == "".join(f" {at}" for at in range(12))


def test_tokens_of_the_reasoning_are_not_of_the_answer(serve: Serve) -> None:
    thinking = [entry("Nor", -3.0), entry("way?", -3.0)]
    engine, _ = serve(Scripted([*thinking, *ANSWER], content="It is Oslo.", reasoning="Norway?"))
    found = engine.chat(TOKYO, greedy(20))
    assert [it.text for it in found.tokens] == ["It", " is", " Oslo", "."]
    assert found.reasoning == "Norway?"
    thought = [entry("<think>", -1.0), entry("Norway?", -3.0), entry("</think>", -1.0), entry("\n\n", 0.0)]
    engine, _ = serve(Scripted([*thought, *ANSWER]))
    found = engine.chat(TOKYO, greedy(20))
    assert [it.text for it in found.tokens] == ["It", " is", " Oslo", "."]
    assert (found.text, found.reasoning) == ("It is Oslo.", "Norway?")


def html(path: str, body: Json) -> Said:
    return Said(b"<html><body>Welcome</body></html>", kind="text/html")


def redirected(path: str, body: Json) -> Said:
    return Said(status=307, headers={"Location": "http://elsewhere.test/v1/models?token=secret"})


def refused(path: str, body: Json) -> Said:
    return whole({"error": {"message": f"Incorrect API key provided: {KEY}."}}, 401)


def half(path: str, body: Json) -> Said:
    return Said(b'{"data": [{"id"', kind="application/json")


def cut_off(path: str, body: Json) -> Said:
    return Said(b'{"data": [', cut=True)


def failing(path: str, body: Json) -> Said:
    return whole({"error": {"message": "out of memory"}}, 500)


@pytest.mark.parametrize(
    ("respond", "kind", "words"),
    [
        (html, ModelError, "no OpenAI-compatible interface"),
        (redirected, ModelError, "redirects to http://elsewhere.test/v1/models: if"),
        (refused, ModelError, "refuses the key in CODEX_TEST_KEY"),
        (half, ModelError, "not JSON"),
        (cut_off, ModelError, "failed"),
        (failing, ModelError, r"failed \(500\): out of memory"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_that_cannot_be_used_is_told_apart(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    respond: Callable[[str, Json], Said],
    kind: type[CodexError],
    words: str,
) -> None:
    engine, script = serve(Scripted(ANSWER, respond=respond))
    with caplog.at_level(logging.DEBUG), pytest.raises(kind, match=words) as raised:
        engine.load()
    assert not engine.is_loaded
    assert KEY not in str(raised.value)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert KEY not in caplog.text
    assert {path for path, _, _ in script.seen} == {"/v1/models"}


def test_nobody_is_there() -> None:
    with serving(Scripted()) as url:
        pass
    before = set(threading.enumerate())
    engine = OpenAIEngine(ServedConfig(model_path="m", base_url=url, retries=0))
    with pytest.raises(ModelError, match=r"connection to .* failed.*Start the server"):
        engine.load()
    assert set(threading.enumerate()) <= before


def test_an_unknown_model_is_told_with_those_there_are(serve: Serve) -> None:
    engine, _ = serve(Scripted(ANSWER, models=("large", "small")))
    with pytest.raises(ModelError, match="no model 'm'; it has: large, small"):
        engine.load()
    engine, _ = serve(Scripted(ANSWER, models=("large", "small")), model_path="")
    with pytest.raises(ModelError, match=r"engine.model_path.*large, small"):
        engine.load()


def test_a_key_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEX_TEST_KEY", raising=False)
    engine = OpenAIEngine(ServedConfig(model_path="m", api_key_env="CODEX_TEST_KEY"))
    with pytest.raises(ModelError, match="CODEX_TEST_KEY holds no key"):
        engine.load()
    monkeypatch.setenv("CODEX_TEST_KEY_FILE", "/nowhere/key")
    with pytest.raises(ModelError, match="/nowhere/key, which cannot be read"):
        engine.load()


def test_too_much_to_do_is_tried_again_when_the_server_says(serve: Serve) -> None:
    turns = iter([429, 503])

    def crowded(path: str, body: Json) -> Said | None:
        if not body.get("stream") or (status := next(turns, None)) is None:
            return None
        return whole({"error": {"message": "slow down"}}, status, retry_after_ms="1")

    engine, _ = serve(Scripted(ANSWER, respond=crowded), retries=3)
    assert engine.chat(TOKYO, greedy(20)).text == "It is Oslo."
    assert next(turns, None) is None


def test_a_server_that_stays_crowded_is_busy(serve: Serve) -> None:
    def crowded(path: str, body: Json) -> Said | None:
        return whole({"error": {"message": "slow down"}}, 429, retry_after="70") if "seed" in body else None

    engine, _ = serve(Scripted(ANSWER, respond=crowded))
    with pytest.raises(Busy, match="slow down") as raised:
        engine.chat(TOKYO, greedy(20))
    assert raised.value.retry_after == 70


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        (None, "broke off in the middle"),
        ("content_filter", "content filter"),
        ("tool_calls", "calls a tool"),
        ("whatever", "'whatever'"),
    ],
)
def test_an_answer_that_did_not_end_is_no_answer(serve: Serve, finish: str | None, words: str) -> None:
    engine, script = serve(Scripted(ANSWER))
    engine.load()
    script.finish = finish
    with pytest.raises(ModelError, match=words):
        engine.chat(TOKYO, greedy(20))


def test_an_unknown_word_for_an_end_that_is_one(serve: Serve) -> None:
    engine, _ = serve(Scripted(ANSWER, finish="eos_token"))
    assert engine.chat(TOKYO, greedy(20)).finish_reason == "stop"


def test_a_slow_stream_is_cancelled_at_once(serve: Serve) -> None:
    engine, script = serve(Scripted(ANSWER))
    engine.load()
    script.hold = threading.Event()
    cancel = threading.Event()
    found: list[Token | Finished] = []
    for item in engine.decode(TOKYO, [greedy(20)], cancel=cancel):
        found.append(item)
        cancel.set()
    (done,) = [it.generation for it in found if isinstance(it, Finished)]
    assert (done.text, done.finish_reason) == ("It", "cancelled")
    assert not script.hold.is_set()


def test_unloading_ends_what_is_under_way_and_the_next_call_opens_again(serve: Serve) -> None:
    engine, script = serve(Scripted(ANSWER))
    engine.load()
    script.hold = threading.Event()
    found: list[Generation] = []

    def ask() -> None:
        for item in engine.decode(TOKYO, [greedy(20)]):
            if isinstance(item, Finished):
                found.append(item.generation)
            else:
                begun.set()

    begun = threading.Event()
    asker = threading.Thread(target=ask)
    asker.start()
    assert begun.wait(20)
    engine.unload()
    asker.join(20)
    assert [it.finish_reason for it in found] == ["cancelled"]
    assert not engine.is_loaded
    script.hold = None
    assert engine.chat(TOKYO, greedy(20)).text == "It is Oslo."


def test_unloading_waits_for_no_caller_that_stopped_reading(serve: Serve) -> None:
    engine, script = serve(Scripted(ANSWER))
    engine.load()
    script.hold = threading.Event()
    events = engine.decode(TOKYO, [greedy(20)])
    assert isinstance(next(events), Token)
    engine.unload()
    (done,) = events
    assert isinstance(done, Finished)
    assert (done.generation.text, done.generation.finish_reason) == ("It", "cancelled")
    assert not engine._running


def test_an_answer_is_not_continued_inside_a_character(served: OpenAIEngine) -> None:
    half = Token(1, "é".encode()[:1], None)
    with pytest.raises(CapabilityError, match="inside a character"):
        served.chat(TOKYO, greedy(1), prefix=[half])


def test_parameters_that_a_server_does_not_know_are_refused(serve: Serve) -> None:
    engine, _ = serve(Scripted(ANSWER))
    with pytest.raises(InvalidInput, match="top_k"):
        engine.chat(TOKYO, greedy(5, top_k=3))
    with pytest.raises(CapabilityError, match="cannot continue"):
        engine.chat(TOKYO, greedy(5), [Token(1, b"It", -0.1)])
    with pytest.raises(CapabilityError):
        engine.tokenize("It")
    assert engine.render(TOKYO) is None


def test_no_more_requests_at_once_than_are_set(serve: Serve) -> None:
    under_way, most = [0], [0]
    counting = threading.Lock()

    def counted(path: str, body: Json) -> Said | None:
        if body.get("n", 1) > 1:
            return whole({"error": {"message": "only one"}}, 400)
        with counting:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        try:
            return scripted._chat(body) if path.endswith("/chat/completions") else None
        finally:
            with counting:
                under_way[0] -= 1

    scripted = Scripted(ANSWER, respond=counted)
    engine, _ = serve(scripted, concurrency=2)
    rows = [GenerationParams(max_tokens=5, temperature=1.0, seed=seed * 2) for seed in range(9)]
    assert sum(isinstance(it, Finished) for it in engine.decode(TOKYO, rows)) == 9
    assert most[0] <= 2
