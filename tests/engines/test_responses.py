"""The Responses interface: its shapes as documented, and an engine on a server that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine
from codex.engines.openai_api.responses import response_deltas
from codex.engines.openai_api.shapes import Delta
from codex.errors import ModelError
from codex.types import Message
from tests.support.decoding import greedy, sampled
from tests.support.openai_server import Json, Said, Scripted, entry, serving, streamed, whole

QUESTION = [Message("user", "What is the capital of Norway?")]
ANSWER = [entry("It", -0.2, {"It": -0.2, "The": -2.0}), entry(" is", -0.1), entry(" Oslo", -0.4)]
USAGE = {"input_tokens": 9, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 0}}
THOUGHT = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [
        {"type": "summary_text", "text": "Norway's capital."},
        {"type": "summary_text", "text": "Sure."},
    ],
}


def message(text: str, logprobs: list[Json] | None = None) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs or []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def response(*output: Json, **more: object) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": output,
        "usage": USAGE,
    } | more


def bare(token: Json) -> Json:
    """A token of a stream: without its bytes."""
    others = [{"token": it["token"], "logprob": it["logprob"]} for it in token["top_logprobs"]]
    return {"token": token["token"], "logprob": token["logprob"], "top_logprobs": others}


def test_a_whole_response_with_a_summary_of_its_reasoning() -> None:
    reasoning, text, end = response_deltas(response(THOUGHT, message("It is Oslo", ANSWER)))
    assert reasoning == Delta(reasoning="Norway's capital.\n\nSure.")
    assert text.text == "It is Oslo"
    assert [it.bytes for it in text.entries] == [b"It", b" is", b" Oslo"]
    assert end == Delta(finish="stop")


def test_reasoning_text_counts_before_its_summary() -> None:
    item = THOUGHT | {"content": [{"type": "reasoning_text", "text": "Norway? Oslo."}]}
    assert response_deltas(response(item))[0] == Delta(reasoning="Norway? Oslo.")


@pytest.mark.parametrize(
    ("event", "delta"),
    [
        ({"type": "response.created", "response": response(status="in_progress")}, None),
        ({"type": "response.reasoning_text.delta", "delta": "Nor"}, Delta(reasoning="Nor")),
        ({"type": "response.reasoning_summary_text.delta", "delta": "Sum"}, Delta(reasoning="Sum")),
        ({"type": "response.reasoning_summary_part.added", "summary_index": 0}, None),
        ({"type": "response.reasoning_summary_part.added", "summary_index": 1}, Delta(reasoning="\n\n")),
        ({"type": "response.output_text.delta", "delta": "It", "logprobs": []}, Delta(text="It")),
        ({"type": "response.refusal.delta", "delta": "No."}, Delta(text="No.")),
        ({"type": "response.output_text.done", "text": "It is Oslo"}, None),
        ({"type": "response.completed", "response": response()}, Delta(finish="stop")),
        (
            {
                "type": "response.incomplete",
                "response": response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            },
            Delta(finish="length"),
        ),
        (
            {"type": "response.completed", "response": response({"type": "function_call", "name": "f"})},
            Delta(finish="tool_calls"),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_events_of_a_stream(event: Json, delta: Delta | None) -> None:
    assert response_deltas(event) == ([delta] if delta else [])


def test_a_token_of_a_stream_is_spelled_by_the_text() -> None:
    token = {"token": "\\xe2\\x82\\xac", "logprob": -0.5, "top_logprobs": []}
    event = {"type": "response.output_text.delta", "delta": "€", "logprobs": [token]}
    (delta,) = response_deltas(event)
    assert [(it.bytes, it.logprob) for it in delta.entries] == [("€".encode(), -0.5)]


@pytest.mark.parametrize(
    "said",
    [
        {"type": "error", "code": "server_error", "message": "overloaded"},
        response(status="failed", error={"code": "server_error", "message": "overloaded"}),
        {"type": "response.failed", "response": {"status": "failed", "error": {"message": "overloaded"}}},
    ],
    ids=["error", "whole", "event"],
)
def test_a_response_that_failed(said: Json) -> None:
    with pytest.raises(ModelError, match="overloaded"):
        response_deltas(said)


Serve = Callable[..., tuple[OpenAIEngine, Scripted]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """An engine on a scripted server, not loaded."""
    with ExitStack() as stack:

        def make(respond: Callable[[str, Json], Said | None], **config: Any) -> tuple[OpenAIEngine, Scripted]:
            script = Scripted(ANSWER, respond=respond)
            url = stack.enter_context(serving(script))
            engine = OpenAIEngine(ServedConfig(model_path="m", base_url=url, retries=0, **config))
            stack.callback(engine.unload)
            return engine, script

        yield make


def responses_alone(path: str, body: Json) -> Said | None:
    """A server that has no chat completions."""
    if path == "/v1/responses":
        return responding(path, body)
    return whole({"error": {"message": "no such path"}}, 404) if path.endswith("/completions") else None


def responding(path: str, body: Json) -> Said | None:
    """OpenAI's own: it refuses what Responses do not know."""
    if path != "/v1/responses":
        return None
    unknown = body.keys() & {"seed", "n", "stop", "messages", "max_tokens", "stream_options"}
    if unknown or body["max_output_tokens"] < 16 or body["store"]:
        return whole({"error": {"message": f"unsupported: {unknown}"}}, 400)
    asked = body.get("include") == ["message.output_text.logprobs"]
    if not body.get("stream"):
        return whole(response(THOUGHT, message("It is Oslo", ANSWER if asked else None)))
    return streamed(
        [
            {"type": "response.created", "response": response(status="in_progress", usage=None)},
            *(
                {"type": "response.reasoning_summary_text.delta", "delta": it}
                for it in ("Norway's", " capital.")
            ),
            *(
                {
                    "type": "response.output_text.delta",
                    "delta": it["token"],
                    "logprobs": [bare(it)] if asked else [],
                }
                for it in ANSWER
            ),
            {"type": "response.completed", "response": response(message("It is Oslo"))},
        ],
        done=False,
    )


def test_a_server_that_has_responses_alone(serve: Serve) -> None:
    engine, script = serve(responses_alone)
    found = engine.chat(QUESTION, greedy(20))
    assert (found.text, found.reasoning) == ("It is Oslo", "Norway's capital.")
    assert [(it.text, it.logprob) for it in found.tokens] == [("It", -0.2), (" is", -0.1), (" Oslo", -0.4)]
    assert (found.logprobs, found.finish_reason, found.prompt_tokens) == ("raw", "stop", 9)
    assert engine.findings is not None
    assert (engine.findings.interface, engine.findings.streamed, engine.limits) == ("responses", True, "")
    assert not engine.capabilities.prefix
    assert script.seen[-1][0] == "/v1/responses"
    assert [it.text for it in engine.sample(QUESTION, sampled(20), 2)] == ["It is Oslo"] * 2


def test_effort_and_summary_of_reasoning_are_sent(serve: Serve) -> None:
    engine, script = serve(responding, reasoning_effort="low", reasoning_summary="auto")
    assert engine.chat(QUESTION, greedy(2)).text == "It is"
    path, body, _ = script.seen[-1]
    assert (path, body["reasoning"]) == ("/v1/responses", {"effort": "low", "summary": "auto"})


def test_responses_without_log_probabilities_name_the_way_to_them(serve: Serve) -> None:
    def llama_server(path: str, body: Json) -> Said | None:
        return responding(path, {**body, "include": None}) if path == "/v1/responses" else None

    engine, _ = serve(llama_server, interface="responses")
    found = engine.chat(QUESTION, greedy(20))
    assert (found.text, found.logprobs) == ("It is Oslo", "none")
    assert "set engine.interface=chat" in engine.limits


def test_a_reasoning_model_that_takes_no_temperature(serve: Serve) -> None:
    def reasoning(path: str, body: Json) -> Said | None:
        if "temperature" in body:
            return whole({"error": {"message": "Unsupported parameter: 'temperature'"}}, 400)
        if "include" in body:
            return whole({"error": {"message": "logprobs are not supported"}}, 400)
        return responding(path, body)

    engine, _ = serve(reasoning, interface="responses")
    assert engine.chat(QUESTION, greedy(20)).text == "It is Oslo"


def test_a_summary_needs_responses(serve: Serve) -> None:
    engine, _ = serve(lambda path, body: None, reasoning_summary="auto")
    with pytest.raises(ModelError, match="reasoning_summary"):
        engine.load()
    engine, _ = serve(responding, reasoning_summary="auto", interface="chat")
    with pytest.raises(ModelError, match="reasoning_summary"):
        engine.load()
