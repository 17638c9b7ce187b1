"""Clients of OpenAI's interface against a running Codex."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from codex.types import Message
from tests.support.scripted import Script
from tests.support.serving import SURE, Serve, Served, openai_client

QUESTION: Any = [{"role": "user", "content": "What is the capital of Australia?"}]
ANSWER = "The capital is Canberra."


def test_a_completion_says_what_infer_says(sure: Served, client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="codex", messages=QUESTION, logprobs=True, top_logprobs=1)
    (choice,) = said.choices
    assert (choice.message.content, choice.finish_reason) == (ANSWER, "stop")
    assert choice.logprobs is not None
    content = choice.logprobs.content or []
    assert "".join(token.token for token in content) == ANSWER
    assert {len(token.top_logprobs) for token in content} == {1}
    assert said.usage is not None
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens
    told = said.to_dict()["codex"]
    asked = sure.http.post("/infer", json={"query": QUESTION[0]["content"]}).json()
    for name in ("answer", "decision", "confidence", "gate", "confidence_breakdown"):
        assert told[name] == asked[name]
    assert said.id == f"chatcmpl-{told['trace_id']}"
    assert sure.http.get(f"/traces/{told['trace_id']}").json()["answer"] == ANSWER


def test_the_models_are_listed_and_can_be_named(client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    said = client.chat.completions.create(model=model.id, messages=QUESTION)
    assert said.model == model.id
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-9'") as raised:
        client.chat.completions.create(model="gpt-9", messages=QUESTION)
    assert raised.value.body == {
        "message": raised.value.body["message"],  # type: ignore[index]
        "type": "invalid_request_error",
        "param": None,
        "code": "NotFound",
    }


def test_a_stream_brings_the_answer_the_decision_and_the_counts(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="codex",
            messages=QUESTION,
            stream=True,
            logprobs=True,
            stream_options={"include_usage": True},
        )
    )
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces) == ANSWER
    assert len(pieces) > 5
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    told = [chunk.to_dict()["codex"] for chunk in chunks if "codex" in chunk.to_dict()]
    assert [each["decision"] for each in told] == ["answer"]
    assert chunks[-1].usage is not None
    assert len({chunk.id for chunk in chunks}) == 1


def test_n_is_the_answer_and_samples(serve: Serve) -> None:
    served = serve(Script(["Canberra"], samples=["Sydney", "Perth"]))
    with openai_client(served) as client:
        said = client.chat.completions.create(model="codex", messages=QUESTION, n=3)
    assert [choice.message.content for choice in said.choices] == ["Canberra", "Sydney", "Perth"]
    assert [choice.index for choice in said.choices] == [0, 1, 2]


def test_what_is_said_in_place_of_an_answer_has_no_log_probabilities(serve: Serve) -> None:
    served = serve(SURE, "policy.answer_above=1", "policy.abstain_below=1")
    with openai_client(served) as client:
        said = client.chat.completions.create(model="codex", messages=QUESTION, logprobs=True)
    assert said.to_dict()["codex"]["decision"] == "abstain"  # type: ignore[index]
    assert said.choices[0].message.content != ANSWER
    assert said.choices[0].logprobs is None


def test_earlier_messages_are_the_history_and_nothing_is_calibrated_for_them(serve: Serve) -> None:
    served = serve(Script(["Canberra"]))
    turns: Any = [
        {"role": "system", "content": "Say one word."},
        {"role": "user", "content": "What is the capital of Norway?"},
        {"role": "assistant", "content": "Oslo"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "And of "}, {"type": "text", "text": "Australia?"}],
        },
    ]
    with openai_client(served) as client:
        said = client.chat.completions.create(model="codex", messages=turns).to_dict()
    prompt = served.scripted.decodes[0]
    assert prompt == served.scripted.render(
        [
            Message("system", "Say one word."),
            Message("user", "What is the capital of Norway?"),
            Message("assistant", "Oslo"),
            Message("user", "And of Australia?"),
        ]
    )
    told: Any = said["codex"]
    trace = served.http.get(f"/traces/{told['trace_id']}").json()
    assert trace["params"]["prompt"].endswith("+turns")
    assert told["confidence_note"] == "not calibrated"


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        (["user", "assistant"], "last message is of assistant"),
        (["user", "user"], "user has two"),
        (["assistant", "user"], "take turns"),
        (["user", "system", "user"], "put it first"),
    ],
)
def test_messages_that_are_no_conversation(client: openai.OpenAI, roles: list[str], words: str) -> None:
    turns: Any = [{"role": role, "content": "Hm?"} for role in roles]
    with pytest.raises(openai.UnprocessableEntityError, match=words):
        client.chat.completions.create(model="codex", messages=turns)


def test_wrong_values_are_refused_in_openais_shape(sure: Served) -> None:
    refused = sure.http.post("/v1/chat/completions", json={"model": "codex", "messages": [], "n": 0})
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert (error["type"], error["code"], error["param"]) == (
        "invalid_request_error",
        "InvalidInput",
        "messages",
    )
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    refused = sure.http.post("/v1/chat/completions", json={"model": "codex", "messages": image})
    assert refused.status_code == 422


def test_parameters_that_are_not_known_are_ignored(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(
        model="codex", messages=QUESTION, user="somebody", presence_penalty=0.5, stop=["berra"], seed=3
    )
    assert said.choices[0].message.content == "The capital is Can"


def test_a_fault_in_the_middle_of_a_stream_is_told(serve: Serve) -> None:
    served = serve(Script(["Canberra"]))
    served.scripted.failure = RuntimeError("out of paper")
    with openai_client(served) as client, pytest.raises(openai.APIError, match="Something went wrong"):
        list(client.chat.completions.create(model="codex", messages=QUESTION, stream=True))
