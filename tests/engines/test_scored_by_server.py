"""Log-probabilities of an answer that is there already, of servers that tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine
from codex.engines.openai_api.shapes import ending, prompt_entries
from codex.errors import CapabilityError, ModelError
from codex.types import Message
from tests.support.openai_server import Json, Said, Scripted, entry, serving, whole

TOKENS = [entry("It", -0.2, {"It": -0.2, "The": -2.0})]
QUESTION = [Message("user", "What is the capital of Norway?")]


def told(pieces: list[str]) -> list[Json | None]:
    """vLLM's form: None for the first token; each other one is the second likeliest."""
    found: list[Json | None] = [None]
    for at, piece in enumerate(pieces[1:], 1):
        own = {"logprob": -float(at), "rank": 2, "decoded_token": piece}
        found.append({str(at): own, "99": {"logprob": -0.5, "rank": 1, "decoded_token": " other"}})
    return found


def pieces(text: str) -> list[str]:
    """Words with the space before them."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def vllm(path: str, body: Json) -> Said | None:
    """Tells the log-probabilities of prompts."""
    if body.get("prompt_logprobs"):
        text = "<user>" + body["messages"][-1]["content"]
        return whole(
            {"choices": [{"message": {"content": "."}}], "prompt_logprobs": told(["<bos>", *pieces(text)])}
        )
    if body.get("echo"):
        words = [*pieces(body["prompt"]), "."]
        logprobs = {
            "tokens": words,
            "token_logprobs": [None, *(-float(at) for at in range(1, len(words)))],
            "top_logprobs": [None, *({word: -float(at)} for at, word in enumerate(words[1:], 1))],
        }
        return whole({"choices": [{"text": body["prompt"] + ".", "logprobs": logprobs}]})
    return None


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str, Json], Said | None]], OpenAIEngine]]:
    with ExitStack() as stack:

        def make(respond: Callable[[str, Json], Said | None]) -> OpenAIEngine:
            url = stack.enter_context(serving(Scripted(TOKENS, respond=respond)))
            engine = OpenAIEngine(ServedConfig(model_path="m", base_url=url, retries=0))
            stack.callback(engine.unload)
            engine.load()
            return engine

        yield make


Serve = Callable[[Callable[[str, Json], Said | None]], OpenAIEngine]


def test_the_shape_of_vllm_has_the_prompts_own_token_first() -> None:
    found = prompt_entries({"prompt_logprobs": told(["<bos>", "Oslo"])})
    (token,) = [it.token(1000) for it in found]
    assert (token.id, token.bytes, token.logprob, token.rank) == (1, b"Oslo", -1.0, 2)
    assert [it.logprob for it in token.alternatives] == [-0.5, -1.0]
    assert prompt_entries({"choices": [{"logprobs": None}]}) == ()


def test_an_answer_is_the_end_of_its_prompt() -> None:
    found = prompt_entries({"prompt_logprobs": told(["<bos>", "Say:", " It", " is"])})
    assert [it.bytes for it in ending(found, " It is") or ()] == [b" It", b" is"]
    assert ending(found, "t is") is None
    assert ending(found, "It is") is None
    assert ending((), "It") is None


def test_an_answer_after_a_conversation_is_scored(serve: Serve) -> None:
    engine = serve(vllm)
    assert engine.capabilities.score
    found = engine.score(QUESTION, " It is Oslo")
    assert (found.text, [it.text for it in found.tokens]) == (" It is Oslo", [" It", " is", " Oslo"])
    assert [it.logprob for it in found.tokens] == [-2.0, -3.0, -4.0]
    assert (found.logprobs, found.prompt_tokens, found.end_logprob) == ("raw", 1, None)


def test_a_text_after_a_text_is_scored(serve: Serve) -> None:
    found = serve(vllm).score("The capital is", " Oslo.")
    assert [(it.text, it.logprob) for it in found.tokens] == [(" Oslo.", -3.0)]


def test_an_answer_that_the_template_changes_is_not_scored(serve: Serve) -> None:
    with pytest.raises(ModelError, match="do not spell"):
        serve(vllm).score(QUESTION, "It is Oslo")


def test_a_server_that_tells_none_is_named(serve: Serve) -> None:
    engine = serve(lambda path, body: None)
    assert not engine.capabilities.score
    with pytest.raises(CapabilityError, match="vLLM"):
        engine.score(QUESTION, "It is Oslo")
