"""Another client of OpenAI's interface, a framework for agents, against a running Codex."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from codex.types import Message
from tests.support.loops import run_async
from tests.support.scripted import JsonEngine, Script
from tests.support.serving import Serve, Served

QUESTION = "What is the capital of Australia?"
ANSWER = "The capital is Canberra."
Kind = type[OpenAIChatModel] | type[OpenAIResponsesModel]
BOTH = pytest.mark.parametrize("kind", [OpenAIChatModel, OpenAIResponsesModel])


class Place(BaseModel):
    """Where something is."""

    city: str


def model(served: Served, kind: Kind = OpenAIChatModel, name: str = "codex") -> Any:
    return kind(name, provider=OpenAIProvider(base_url=f"http://127.0.0.1:{served.port}/v1", api_key="none"))


@BOTH
def test_an_agent_asks_and_asks_on(serve: Serve, kind: Kind) -> None:
    served = serve(Script(["Canberra"]))
    agent = Agent(model(served, kind), instructions="Say one word.")

    async def talk() -> Any:
        first = await agent.run(QUESTION)
        return await agent.run("And of Norway?", message_history=first.all_messages())

    second = run_async(talk)
    assert second.output == "Canberra"
    assert second.usage.output_tokens > 0
    assert served.scripted.decodes[-1] == served.scripted.render(
        [
            Message("system", "Say one word."),
            Message("user", QUESTION),
            Message("assistant", "Canberra"),
            Message("user", "And of Norway?"),
        ]
    )


@BOTH
def test_an_agent_reads_a_stream(sure: Served, kind: Kind) -> None:
    async def read() -> str:
        async with Agent(model(sure, kind)).run_stream(QUESTION) as stream:
            return [text async for text in stream.stream_text()][-1]

    assert run_async(read) == ANSWER


@BOTH
def test_an_agent_gets_an_object_of_its_own_type(serve: Serve, kind: Kind) -> None:
    served = serve(lambda prompt: Script(['{"city": "', "Canberra", '"}']), kind=JsonEngine)
    agent: Any = Agent(model(served, kind), output_type=NativeOutput(Place))
    assert run_async(agent.run, QUESTION).output == Place(city="Canberra")


def test_an_agent_is_told_what_is_not_there(sure: Served) -> None:
    with pytest.raises(ModelHTTPError, match="There is no model 'gpt-9'") as raised:
        run_async(Agent(model(sure, name="gpt-9")).run, QUESTION)
    assert raised.value.status_code == 404
