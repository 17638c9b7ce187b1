"""Far more requests at once than there are places."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import pytest

from codex.engines.base import Finished
from codex.types import Token
from tests.support.loops import run_async
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Serve, Served, eventually

CLIENTS = 200
WAITING = 50
"""Questions of one client: half of the places, and more than the 40 threads that a server has unasked."""


@dataclass
class Gated(ScriptedEngine):
    """Answers each prompt with its own number, once the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    most: int = 0
    """Decodes under way at once."""
    counting: threading.Lock = field(default_factory=threading.Lock)

    def decode(self, *args: Any, **options: Any) -> Iterator[Token | Finished]:
        with self.counting:
            self.most = max(self.most, self.running + 1)
        for item in super().decode(*args, **options):
            assert self.gate.wait(60)
            yield item


def echo(prompt: str) -> Script:
    number = prompt.rpartition("number ")[2].partition("?")[0]
    return Script([f"It is {number}."], samples=[f"It is {number}."])


def all_at_once(served: Served, refused_enough: int) -> list[httpx.Response]:
    """Every client's response, by its number; the gate opens when so many have been refused."""
    assert isinstance(served.scripted, Gated)
    gate, responses, refused = served.scripted.gate, {}, []

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        question = f"What is number {number}?"
        if number % 2:
            body: Any = {"query": question, "n_samples": 1}
            response = await client.post("/infer", json=body)
        else:
            body = {"model": "codex", "messages": [{"role": "user", "content": question}]}
            response = await client.post("/v1/chat/completions", json=body | {"codex": {"n_samples": 1}})
        responses[number] = response
        refused.extend([number] if response.status_code != 200 else [])
        if len(refused) >= refused_enough:
            gate.set()

    async def ask_all() -> None:
        limits = httpx.Limits(max_connections=None)
        base = f"http://127.0.0.1:{served.port}"
        async with (
            httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(CLIENTS):
                group.start_soon(ask, client, number)

    if not refused_enough:
        gate.set()
    run_async(ask_all)
    return [responses[number] for number in range(CLIENTS)]


def test_other_routes_answer_while_many_questions_wait(serve: Serve) -> None:
    served = serve(echo, "ask.max_waiting=100", kind=Gated)
    assert isinstance(served.scripted, Gated)
    engine, statuses = served.scripted, list[int]()

    def ask(number: int) -> None:
        body = {"query": f"What is number {number}?", "n_samples": 1}
        with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
            statuses.append(client.post("/infer", json=body).status_code)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(WAITING)]
    try:
        for thread in threads:
            thread.start()
        assert eventually(lambda: len(engine.decodes) == WAITING, 60)
        assert served.http.get("/healthz").status_code == 200
        assert served.workbench.traces.under_way == WAITING
    finally:
        engine.gate.set()
        for thread in threads:
            thread.join(60)
    assert statuses == [200] * WAITING


def said(response: httpx.Response) -> str:
    told = response.json()
    return str(told["choices"][0]["message"]["content"] if "choices" in told else told["answer"])


@pytest.mark.parametrize("places", [3, 400])
def test_each_request_gets_its_own_answer_or_is_told_to_come_back(serve: Serve, places: int) -> None:
    served = serve(echo, f"ask.max_waiting={places}", "policy.rules=[]", "grounding.verify=false", kind=Gated)
    answered = min(places, CLIENTS)
    responses = all_at_once(served, CLIENTS - answered)
    mine = [number for number, response in enumerate(responses) if response.status_code == 200]
    assert len(mine) == answered
    for number in mine:
        assert said(responses[number]) == f"It is {number}."
    for response in (each for each in responses if each.status_code != 200):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "already under way" in response.json()["error"]["message"]
    assert isinstance(served.scripted, Gated)
    assert served.scripted.most <= places
    assert served.workbench.traces.under_way == 0
    assert served.http.get("/traces").json()["total"] == answered
