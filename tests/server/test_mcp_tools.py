"""The tools for agents, by a real client of the Model Context Protocol over HTTP."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.types import CallToolResult

from codex.server.bodies import PassageBody
from codex.types import Passage
from tests.support.loops import run_async
from tests.support.scripted import Script
from tests.support.serving import SURE, Serve, Served, eventually

QUESTION = "What is the capital of Australia?"
ANSWER = "The capital is Canberra."


def talk(served: Served, ask: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
    """What a client gets that is connected to the server."""

    async def talked() -> Any:
        async with Client(f"http://127.0.0.1:{served.port}/mcp") as client:
            return await ask(client)

    return run_async(talked)


def called(served: Served, tool: str, **arguments: object) -> CallToolResult:
    result = talk(served, lambda client: client.call_tool(tool, arguments))
    assert isinstance(result, CallToolResult)
    return result


def said(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def words(result: CallToolResult) -> str:
    assert result.is_error
    return " ".join(getattr(part, "text", "") for part in result.content)


def test_the_tools_are_listed_with_types_and_descriptions(sure: Served) -> None:
    listed = talk(sure, lambda client: client.list_tools())
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"ask", "search", "get_trace", "score"}
    for tool in tools.values():
        assert len(tool.description) > 50
        assert "ctx" not in tool.input_schema["properties"]
        assert tool.output_schema
    assert tools["ask"].input_schema["required"] == ["question"]
    assert tools["score"].input_schema["required"] == ["question", "answer"]
    assert tools["search"].annotations.read_only_hint


def test_ask_answers_as_infer_does_and_the_trace_can_be_read(sure: Served) -> None:
    asked = said(called(sure, "ask", question=QUESTION, n_samples=2))
    inferred = sure.http.post("/infer", json={"query": QUESTION, "n_samples": 2}).json()
    for name in ("answer", "decision", "confidence", "gate", "n_samples"):
        assert asked[name] == inferred[name]
    read = said(called(sure, "get_trace", trace_id=asked["trace_id"]))
    assert read["response"]["model_answer"] == ANSWER
    assert read["question"] is None, "another client reads what was kept: the SHA-256 alone"
    assert len(read["samples"]) == 2


def test_search_tells_the_passages_that_the_index_finds(
    sure: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Passage("p", "d", "atlas.txt", "Canberra is the capital.", 0, 24, scores={"bm25": 1.5})
    asked = []

    def search(query: str, k: int | None) -> list[Passage]:
        asked.append((query, k))
        return [found]

    monkeypatch.setattr(sure.workbench.index, "search", search)
    (told,) = said(called(sure, "search", query="capital", k=1))["passages"]
    assert asked == [("capital", 1)]
    assert told == PassageBody.model_validate(found).model_dump()


def test_score_says_what_the_route_says(sure: Served) -> None:
    tool = said(called(sure, "score", question=QUESTION, answer=ANSWER))
    route = sure.http.post("/score", json={"question": QUESTION, "answer": ANSWER}).json()
    assert tool["logprob"] == pytest.approx(route["logprob"])
    assert tool["confidence"] == pytest.approx(route["confidence"])
    assert [each["text"] for each in tool["weakest"]] == ["The", " capital", " is", " Canberra", "."]


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("ask", {}, "question"),
        ("ask", {"question": " "}, "question is empty"),
        ("ask", {"question": QUESTION, "n_samples": 0}, "n_samples"),
        ("search", {"query": "x", "k": 100_000}, "less than or equal"),
        ("get_trace", {"trace_id": "none"}, "none"),
        ("score", {"question": QUESTION, "answer": "  "}, "answer is empty"),
        ("conjure", {}, "conjure"),
    ],
    ids=["missing", "blank", "none drawn", "too many", "no trace", "no answer", "no tool"],
)
def test_a_bad_argument_is_told_to_the_agent(
    sure: Served, tool: str, arguments: dict[str, Any], why: str
) -> None:
    assert why in words(called(sure, tool, **arguments))


def test_a_full_house_says_when_to_come_back(serve: Serve) -> None:
    served = serve(SURE, "ask.max_waiting=1")
    with served.workbench.model.places.taken(None, 1, threading.Event()):
        assert "Try again in 5 seconds" in words(called(served, "ask", question=QUESTION))


def test_a_client_that_goes_away_stops_the_work(serve: Serve) -> None:
    served = serve(Script([" word"] * 2000), delay=0.01)
    call = {"name": "ask", "arguments": {"question": QUESTION}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(
            b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Accept: application/json, text/event-stream\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        assert eventually(lambda: served.scripted.running == 1, 10)
    assert eventually(lambda: served.scripted.running == 0, 5)
    assert served.http.get("/traces").json()["traces"] == []


def test_the_applications_log_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    level = logging.getLogger().level
    called(serve(SURE), "ask", question=QUESTION)
    assert logging.getLogger().handlers == []
    assert logging.getLogger().level == level


def test_other_web_pages_and_other_hosts_are_kept_out(sure: Served) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    url = f"http://127.0.0.1:{sure.port}/mcp"
    assert httpx.post(url, json=body, headers=accept).status_code == 200
    assert httpx.post(url, json=body, headers=accept | {"Origin": "http://evil.example"}).status_code == 403
    assert httpx.post(url, json=body, headers=accept | {"Host": "evil.example"}).status_code == 421
    read = httpx.get(url, headers=accept)
    assert (read.status_code, read.headers["Allow"]) == (405, "POST")
    text = httpx.post(url, content=b"{}", headers=accept | {"Content-Type": "text/plain"})
    assert text.status_code == 415
