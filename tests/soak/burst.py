"""Hundreds of questions at the same moment: each gets its own answer, or is told when to come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx

from tests.soak.engine import DELAY
from tests.soak.line import Line
from tests.soak.workbench import Process

PART = "burst"


def run(home: Path, at_once: int) -> Iterator[Line]:
    """From connections of their own: once as one client, once as so many."""
    process = Process(home, "ask.n_samples=1", environment={DELAY: "0.02"})
    process.start()
    try:
        for whose in ("one client", "as many clients"):
            clients = [process.http for _ in range(at_once)]
            if whose != "one client":
                # The first answer brings a cookie, by which a client is known.
                found = Counter(_asked(client, number) for number, client in enumerate(clients))
                assert found == {"answered": at_once}, found
            found = _at_once(clients)
            for client in clients:
                client.close()
            name = f"{at_once} at once of {whose}"
            for kind in ("answered", "told to come back"):
                yield Line.told(PART, f"{name}: {kind}", found.pop(kind, 0))
            for kind, count in found.items():
                print(kind, count)
            yield Line.at_most(PART, f"{name}: lost, mixed up or failed", 0, sum(found.values()))
    finally:
        process.stop()


def _at_once(clients: list[httpx.Client]) -> Counter[str]:
    barrier = Barrier(len(clients))

    def ask(number: int) -> str:
        barrier.wait()
        return _asked(clients[number], number)

    with ThreadPoolExecutor(len(clients)) as pool:
        return Counter(pool.map(ask, range(len(clients))))


def _asked(client: httpx.Client, number: int) -> str:
    try:
        response = client.post("/infer", json={"query": f"Say {number:06} now."})
    except httpx.HTTPError as error:
        return f"lost: {type(error).__name__}"
    if response.status_code in (429, 503):
        return "told to come back" if int(response.headers.get("retry-after", 0)) else "without Retry-After"
    if response.status_code != 200:
        return f"status {response.status_code}"
    return "answered" if f" {number:06}." in response.json()["model_answer"] else "mixed up"
