"""Answers of servers that are held to a JSON schema: found out at the start, and checked at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codex.engines.base import GenerationParams, JsonParams
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine
from codex.errors import CapabilityError, ModelError
from codex.types import Message
from tests.support.decoding import greedy, sampled
from tests.support.openai_server import Json, Said, Scripted, entry, serving, streamed, whole

WHERE = [Message("user", "What is the capital of Japan?")]
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "million": {"type": "integer"}},
        "required": ["city", "million"],
        "additionalProperties": False,
    }
)
FORCED = '{"n": 7}'
"""The one answer that the probe's schema leaves."""

Serve = Callable[..., OpenAIEngine]


def held(params: GenerationParams) -> JsonParams:
    return JsonParams(**params.model_dump(), json_schema=SCHEMA)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """An engine on a scripted server, loaded."""
    with ExitStack() as stack:

        def make(script: Scripted, **config: Any) -> OpenAIEngine:
            url = stack.enter_context(serving(script))
            engine = OpenAIEngine(ServedConfig(model_path="m", base_url=(url,), retries=0, **config))
            stack.callback(engine.unload)
            engine.load()
            return engine

        yield make


def tokens(text: str, logprob: float) -> list[Json]:
    return [entry(word, logprob, {word: logprob, "x": -3.0}) for word in text.replace(" ", " \0").split("\0")]


class Holding(Scripted):
    """Takes schemas: gives the probe what it forces, and then its script."""

    def __init__(self, answer: str, forced: float = -0.5) -> None:
        """forced: the log-probability of each token that the schema alone leaves."""
        super().__init__(tokens(answer, -0.5))
        self.forced = Scripted(tokens(FORCED, forced))
        self.respond = self.hold_to

    def hold_to(self, path: str, body: Json) -> Said | None:
        form = (body.get("response_format") or {}).get("json_schema")
        return self.forced._chat(body) if form and "n" in form["schema"]["properties"] else None


def test_llama_server_holds_to_a_schema_by_its_raw_distribution(
    served: OpenAIEngine, llama: LlamaCppEngine
) -> None:
    assert served.findings is not None
    assert served.findings.json_schema == "raw"
    assert "JSON schemas" in served.abilities
    assert served.capabilities.json_schema
    over_http, own = served.chat(WHERE, held(greedy(60))), llama.chat(WHERE, held(greedy(60)))
    assert json.loads(over_http.text).keys() == json.loads(own.text).keys() == {"city", "million"}
    assert over_http.logprobs == "raw"
    assert b"".join(token.bytes for token in over_http.tokens).decode() == over_http.text
    # The first mark was forced: the model itself would have begun a sentence.
    for first in (over_http.tokens[0].logprob, own.tokens[0].logprob):
        assert first is not None
        assert first < -5


def test_samples_of_one_request_are_held_to_it_too(served: OpenAIEngine) -> None:
    texts = [it.text for it in served.sample(WHERE, held(sampled(60, seed=3)), 3)]
    assert [json.loads(text).keys() for text in texts] == [{"city", "million"}] * 3


def ignore(path: str, body: Json) -> Said | None:
    return None


def refuse(path: str, body: Json) -> Said | None:
    if "response_format" not in body:
        return None
    return whole({"error": {"message": "response_format is not supported"}}, 400)


def invent(path: str, body: Json) -> Said | None:
    """JSON, but of no schema."""
    return Scripted(tokens('{"colour": "blue"}', -0.5))._chat(body) if "response_format" in body else None


@pytest.mark.parametrize("respond", [ignore, refuse, invent])
def test_a_server_that_does_not_hold_to_a_schema_is_not_asked_to(
    serve: Serve, respond: Callable[[str, Json], Said | None]
) -> None:
    engine = serve(Scripted(tokens("It is Tokyo.", -0.5), respond=respond))
    assert "no JSON schemas" in engine.abilities
    assert not engine.capabilities.json_schema
    with pytest.raises(CapabilityError, match="JSON schema"):
        engine.chat(WHERE, held(greedy(30)))
    assert engine.chat(WHERE, greedy(30)).text == "It is Tokyo."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("It is Tokyo.", "not JSON"),
        ('{"city": "Tokyo", "million": "37"}', r"\$\.million does not match"),
        ('{"city": "Tokyo"}', "does not match"),
    ],
)
def test_an_answer_that_breaks_its_schema_is_an_error_and_has_no_confidence(
    serve: Serve, answer: str, says: str
) -> None:
    engine = serve(Holding(answer))
    assert engine.capabilities.json_schema
    with pytest.raises(ModelError, match=says):
        engine.chat(WHERE, held(greedy(30)))


def test_an_answer_that_is_cut_is_told_as_cut(serve: Serve) -> None:
    script = Holding('{"city": "Tokyo", "million": 37}')
    engine = serve(script)
    script.tokens, script.finish = tokens('{"city": "Tok', -0.5), "length"
    assert engine.chat(WHERE, held(greedy(30))).finish_reason == "length"


def test_log_probabilities_that_the_schema_has_shaped_are_told_apart(serve: Serve) -> None:
    """As vLLM gives them: a token that alone is left is certain."""
    engine = serve(Holding('{"city": "Tokyo", "million": 37}', forced=0.0))
    assert engine.findings is not None
    assert engine.findings.json_schema == "processed"
    assert engine.findings.logprobs == "raw"
    assert "JSON schemas with processed log-probabilities" in engine.abilities
    assert engine.chat(WHERE, held(greedy(30))).logprobs == "processed"
    assert engine.chat(WHERE, greedy(30)).logprobs == "raw"


def test_the_schema_is_sent_in_the_form_of_the_interface(serve: Serve) -> None:
    def respond(path: str, body: Json) -> Said | None:
        if path != "/v1/responses":
            return None if path == "/v1/models" else whole({"error": {"message": "no"}}, 404)
        form = (body.get("text") or {}).get("format")
        text = FORCED if form and "n" in form["schema"]["properties"] else '{"city": "Oslo", "million": 1}'
        message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
        response = {"status": "completed", "output": [message], "usage": {"input_tokens": 7}}
        if not body.get("stream"):
            return whole(response)
        deltas = [{"type": "response.output_text.delta", "delta": text}]
        return streamed([*deltas, {"type": "response.completed", "response": response}], done=False)

    script = Scripted(respond=respond)
    engine = serve(script)
    assert engine.findings is not None
    assert (engine.findings.interface, engine.findings.json_schema) == ("responses", "none")
    assert json.loads(engine.chat(WHERE, held(greedy(30))).text) == {"city": "Oslo", "million": 1}
    form = script.seen[-1][1]["text"]["format"]
    assert (form["type"], form["strict"], form["schema"]) == ("json_schema", True, json.loads(SCHEMA))
