"""The Responses interface, by OpenAI's client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest

from codex.engines.base import Finished
from codex.types import Message, Token
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Serve, Served, openai_client

QUESTION = "What is the capital of Australia?"
ANSWER = "The capital is Canberra."
LOGPROBS: Any = ["message.output_text.logprobs"]


def test_a_response_says_what_infer_says(sure: Served, client: openai.OpenAI) -> None:
    said = client.responses.create(model="codex", input=QUESTION, include=LOGPROBS, top_logprobs=1)
    assert said.output_text == ANSWER
    assert said.status == "completed"
    told: Any = said.to_dict()
    logprobs = told["output"][0]["content"][0]["logprobs"]
    assert "".join(token["token"] for token in logprobs) == ANSWER
    assert {len(token["top_logprobs"]) for token in logprobs} == {1}
    asked = sure.http.post("/infer", json={"query": QUESTION}).json()
    for name in ("answer", "decision", "confidence", "gate"):
        assert told["codex"][name] == asked[name]
    assert said.usage is not None
    assert said.usage.total_tokens == said.usage.input_tokens + said.usage.output_tokens


def test_instructions_and_messages_are_the_history(serve: Serve) -> None:
    served = serve(Script(["Canberra"]))
    turns: Any = [
        {"role": "user", "content": "What is the capital of Norway?"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Oslo"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "And of Australia?"}]},
    ]
    with openai_client(served) as client:
        client.responses.create(model="codex", input=turns, instructions="Say one word.")
    assert served.scripted.decodes[0] == served.scripted.render(
        [
            Message("system", "Say one word."),
            Message("user", "What is the capital of Norway?"),
            Message("assistant", "Oslo"),
            Message("user", "And of Australia?"),
        ]
    )


@pytest.mark.parametrize("include", [[], LOGPROBS], ids=["text", "logprobs"])
def test_a_stream_has_the_events_of_the_interface(client: openai.OpenAI, include: Any) -> None:
    with client.responses.stream(model="codex", input=QUESTION, include=include) as stream:
        events: list[Any] = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == ANSWER
    assert len(deltas) == (5 if include else 1)
    assert final.output_text == ANSWER
    assert final.to_dict()["codex"]["decision"] == "answer"  # type: ignore[index]


class Cut(ScriptedEngine):
    """Stops at the length."""

    def decode(self, *args: Any, **options: Any) -> Iterator[Token | Finished]:
        for item in super().decode(*args, **options):
            if isinstance(item, Finished):
                item = replace(item, generation=replace(item.generation, finish_reason="length"))
            yield item


def test_an_answer_that_is_cut_is_incomplete(serve: Serve) -> None:
    served = serve(Script(["Canberra"]), kind=Cut)
    with openai_client(served) as client:
        said = client.responses.create(model="codex", input=QUESTION, max_output_tokens=1)
        *_, last = client.responses.create(model="codex", input=QUESTION, max_output_tokens=1, stream=True)
    assert said.status == "incomplete"
    assert said.incomplete_details is not None
    assert said.incomplete_details.reason == "max_output_tokens"
    assert last.type == "response.incomplete"


def test_what_is_not_done_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="previous_response_id"):
        client.responses.create(model="codex", input=QUESTION, previous_response_id="resp_1")
    with pytest.raises(openai.UnprocessableEntityError, match=r"text.format"):
        client.responses.create(model="codex", input=QUESTION, text={"format": {"type": "yaml"}})  # type: ignore[call-overload]
    with pytest.raises(openai.UnprocessableEntityError, match="question is the user's"):
        client.responses.create(model="codex", input=[{"role": "assistant", "content": "Hm."}])


def test_a_fault_in_the_middle_of_a_stream_is_told(serve: Serve) -> None:
    served = serve(Script(["Canberra"]))
    served.scripted.failure = RuntimeError("out of paper")
    with openai_client(served) as client, pytest.raises(openai.APIError, match="Something went wrong"):
        list(client.responses.create(model="codex", input=QUESTION, stream=True))
