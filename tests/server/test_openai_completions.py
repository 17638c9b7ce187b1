"""Completions of a text, by OpenAI's client."""

from __future__ import annotations

import math
from typing import Any

import openai
import pytest

from tests.support.scripted import Script
from tests.support.serving import Serve, Served, openai_client

PROMPT = "The capital of Australia"
ANSWER = "The capital is Canberra."


def test_the_prompt_is_continued_as_it_stands_and_nothing_is_kept(serve: Serve) -> None:
    served = serve(Script([" is", " Canberra", "."]))
    with openai_client(served) as client:
        said = client.completions.create(model="codex", prompt=PROMPT, max_tokens=2, logprobs=2)
    assert served.scripted.decodes == [PROMPT]
    (choice,) = said.choices
    assert (choice.text, choice.finish_reason) == (" is Canberra", "stop")
    assert choice.logprobs is not None
    assert choice.logprobs.tokens == [" is", " Canberra"]
    assert choice.logprobs.token_logprobs == pytest.approx([math.log(0.95)] * 2)
    assert choice.logprobs.text_offset == [0, 3]
    assert [len(top) for top in choice.logprobs.top_logprobs or []] == [2, 2]
    told: Any = choice.to_dict()["codex"]
    assert told["signals"]["avg_logprob"] == pytest.approx(math.log(0.95))
    assert told["signals"]["answer_frequency"] is None
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (7, 2)
    assert served.http.get("/traces").json()["traces"] == []


def test_each_prompt_has_its_own_texts_in_order(serve: Serve) -> None:
    served = serve(lambda prompt: Script([f"after {prompt}"], samples=[f"sample {prompt}"]))
    with openai_client(served) as client:
        said = client.completions.create(model="codex", prompt=["one", "two"], n=2)
    assert [choice.text for choice in said.choices] == ["after one", "sample one", "after two", "sample two"]
    assert [choice.index for choice in said.choices] == [0, 1, 2, 3]


@pytest.mark.parametrize("logprobs", [None, 1])
def test_a_stream_brings_the_text_as_it_comes(serve: Serve, logprobs: int | None) -> None:
    pieces: list[str | bytes] = ["Grüße ", "你".encode()[:1], "你".encode()[1:], " und", " mehr"]
    served = serve(Script(pieces))
    with openai_client(served) as client:
        chunks = list(
            client.completions.create(
                model="codex",
                prompt="x",
                stop="ehr",
                logprobs=logprobs,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    parts = [choice for chunk in chunks for choice in chunk.choices]
    assert [part.text for part in parts] == ["Grüße ", "你", " und", " m"]
    if logprobs:
        tokens = [part.logprobs.tokens for part in parts if part.logprobs]
        assert [len(each or []) for each in tokens] == [1, 2, 1, 1]
        assert [(part.logprobs.text_offset or [])[0] for part in parts if part.logprobs] == [0, 6, 7, 11]
    assert [part.finish_reason for part in parts] == [None, None, None, "stop"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 5


def test_a_fault_in_the_middle_of_a_stream_is_told(serve: Serve) -> None:
    served = serve(Script(["one"]))
    with openai_client(served) as client:
        said = client.completions.create(model="codex", prompt=["x", "y"], stream=True)
        next(iter(said))
        served.scripted.failure = RuntimeError("out of paper")
        with pytest.raises(openai.APIError, match="Something went wrong"):
            list(client.completions.create(model="codex", prompt=["x", "y"], stream=True))


@pytest.mark.parametrize(
    "options", [{"echo": True}, {"suffix": "x"}, {"prompt": []}, {"prompt": ["x"] * 17}, {"logprobs": 21}]
)
def test_what_is_not_done_is_refused(client: openai.OpenAI, options: dict[str, Any]) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        client.completions.create(**({"model": "codex", "prompt": PROMPT} | options))
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="gpt-9", prompt=PROMPT)


def test_a_full_house_refuses_completions_too(sure: Served) -> None:
    total = sure.workbench.model.places._total
    sure.workbench.model.places._total = 0
    try:
        refused = sure.http.post("/v1/completions", json={"model": "codex", "prompt": PROMPT})
    finally:
        sure.workbench.model.places._total = total
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json()["error"]["type"] == "server_error"
