"""A clock that is set an hour or a day ahead and back, under a workbench that people use."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from codex.access import Access
from codex.access.sign_ins import IDLE_SECONDS
from tests.soak.line import Line
from tests.soak.serve import OFFSET
from tests.soak.workbench import Process

PART = "clock"
HOUR, DAY = 3600.0, 24 * 3600.0
PER_MINUTE = 600
"""Requests of one client; the campaign stays below it."""
BUSY = 500
"""Requests of one client before the first jump: a limit that counted them by that clock would last a day."""
USER, PASSWORD = "ada", "four quiet brown otters"
BOUND = 120.0
"""Seconds for a job."""


@dataclass
class _People:
    """Those who use it."""

    client: httpx.Client
    """With a key."""
    browser: httpx.Client
    """Signed in."""
    seen: list[str] = field(default_factory=list)
    """Ids of the traces so far."""
    by: float = 0.0
    """Seconds by which the clock is off."""
    jump: float = 0.0
    """Seconds by which it was set the last time."""


def run(home: Path, jumps: int, seed: int = 0) -> Iterator[Line]:
    """So many jumps, and what works after each."""
    chance = random.Random(seed)
    home.mkdir()
    access = Access(home)
    access.users.create(USER, "admin", PASSWORD)
    key = access.keys.create("soak", ["ask", "read", "label", "evaluate"])[1]
    access.close()
    offset = home.parent / "clock"
    limits = ("grounding.verify=false", "server.auth=required", f"server.requests_per_minute={PER_MINUTE}")
    process = Process(home, "ask.n_samples=1", *limits, environment={OFFSET: str(offset)})
    process.start()
    failed: Counter[str] = Counter()
    try:
        with process.http as client:
            client.headers["Authorization"] = f"Bearer {key}"
            people = _People(client, _signed_in(client))
            for _ in range(BUSY if jumps > len(CHECKS) else 0):
                client.get("/me")
            away = [HOUR, -HOUR, DAY, -DAY, 0.0]
            for number in range(jumps):
                by = away[number] if number < len(away) else chance.choice(away) * chance.random()
                _set(process, offset, by)
                people.jump, people.by = by - people.by, by
                for name, check in CHECKS.items():
                    try:
                        check(people)
                    except (AssertionError, httpx.HTTPError) as error:
                        failed[name] += 1
                        print(f"{name} with the clock {by:+.0f} s off: {error}")
    finally:
        process.stop()
    for name in CHECKS:
        yield Line.at_most(PART, f"{name}: failed after {jumps} jumps", 0, failed[name])


def _set(process: Process, offset: Path, seconds: float) -> None:
    offset.write_text(str(seconds))
    os.kill(process.pid, signal.SIGUSR1)
    until = time.monotonic() + BOUND
    while offset.exists():
        assert time.monotonic() < until, "the clock was not set"
        time.sleep(0.01)


def _signed_in(client: httpx.Client) -> httpx.Client:
    """A browser that has just signed in."""
    browser = httpx.Client(base_url=client.base_url, timeout=BOUND, trust_env=False, verify=False)
    form = {"name": USER, "password": PASSWORD}
    response = browser.post("/sign-in", data=form, headers={"Origin": str(client.base_url).rstrip("/")})
    assert response.status_code == 303, response.text[-500:]
    return browser


def _sign_in(people: _People) -> None:
    fresh = _signed_in(people.client)
    assert fresh.get("/me").json()["name"] == USER


def _stay(people: _People) -> None:
    # An idle sign-in ends after 12 hours; by then a new one takes its place.
    if people.browser.get("/me").status_code == 401 and abs(people.jump) > IDLE_SECONDS:
        people.browser = _signed_in(people.client)
    assert people.browser.get("/me").json()["name"] == USER


def _ask(people: _People) -> None:
    response = people.client.post("/infer", json={"query": "Say 7."})
    assert response.status_code == 200, response.text
    people.seen.append(response.json()["trace_id"])
    for trace in people.seen:
        assert people.client.get(f"/traces/{trace}").status_code == 200, trace


def _list(people: _People) -> None:
    listed = people.client.get("/traces", params={"size": 100}).json()["traces"]
    assert {each["id"] for each in listed} == set(people.seen), listed


def _label(people: _People) -> None:
    for correct in (True, False):
        response = people.client.put(f"/traces/{people.seen[0]}/label", json={"correct": correct})
        assert response.status_code == 204, response.text
        (label,) = (
            each for each in people.client.get("/labels").json() if each["trace_id"] == people.seen[0]
        )
        assert label["correct"] is correct, label


def _evaluate(people: _People) -> None:
    started = people.client.post("/evaluations", json={"dataset": "capitals", "limit": 5})
    assert started.status_code == 202, started.text
    until = time.monotonic() + BOUND
    while (run := people.client.get(f"/evaluations/{started.json()['id']}").json())["state"] == "running":
        assert time.monotonic() < until, run
        time.sleep(0.2)
    assert (run["state"], run["done"]) == ("done", 5), run


def _monitor(people: _People) -> None:
    for path in ("/monitoring/hours", "/monitoring/alerts", "/metrics"):
        response = people.client.get(path)
        assert response.status_code == 200, response.text


CHECKS: dict[str, Callable[[_People], None]] = {
    "a new sign-in": _sign_in,
    "an earlier sign-in": _stay,
    "a question and all answers so far": _ask,
    "the list of answers": _list,
    "a label, changed": _label,
    "an evaluation": _evaluate,
    "monitoring": _monitor,
}
