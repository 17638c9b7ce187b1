"""What a workbench said that it has done, and what of it is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.soak.line import Line
from tests.soak.workbench import Process

DATASET = "capitals"
QUESTIONS = 60
LONGEST_PAUSE = 0.6
"""Seconds between two works of a client."""
INDEXED = 120.0
"""Seconds after the last start until every document has been indexed."""
FAILED = (429, 503, 409)
"""Statuses of a workbench that cannot do it now, or has something else to end before."""


@dataclass
class Acknowledged:
    """Each field has one writer."""

    answers: list[str] = field(default_factory=list)
    """Ids of traces."""
    labels: dict[str, bool] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    """Their texts."""
    runs: dict[str, int] = field(default_factory=dict)
    """How many answers each was seen to have."""
    calibrators: set[str] = field(default_factory=set)
    probes: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    """Errors that a user can act on, by type."""
    unclear: list[str] = field(default_factory=list)
    """Other errors."""
    cut: list[str] = field(default_factory=list)
    """Requests without a response."""

    def lines(self, part: str) -> Iterator[Line]:
        """How much it is."""
        for name, count in (
            ("answers", len(self.answers)),
            ("labels", len(self.labels)),
            ("documents", len(self.documents)),
            ("answers of runs", sum(self.runs.values())),
            ("calibrators", len(self.calibrators)),
            ("trained probes", len(self.probes)),
        ):
            yield Line.told(part, f"{name} acknowledged", count)


Work = Callable[[httpx.Client, Acknowledged, random.Random], None]


def ask(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """A question; its answer is acknowledged with the id of its trace."""
    response = client.post("/infer", json={"query": f"Say {chance.randrange(10**9)}."})
    if _done(response, known):
        known.answers.append(response.json()["trace_id"])


def label(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """A label of one of the answers."""
    if not known.answers:
        return
    trace, correct = chance.choice(known.answers), chance.random() < 0.5
    # Until it is acknowledged either label may stand.
    known.labels.pop(trace, None)
    if _done(client.put(f"/traces/{trace}/label", json={"correct": correct}), known):
        known.labels[trace] = correct


def index(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """A document, which is indexed later."""
    name = f"{chance.randrange(100)}/{chance.randrange(10**9)}.txt"
    text = f"The word of {name} is {chance.randrange(10**12)}."
    if _done(client.put(f"/documents/{name}", content=text.encode()), known):
        known.documents[name] = text


def evaluate(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """A run over a data set: started, or resumed where it was interrupted."""
    runs = _listed(client, "/evaluations", known)
    for each in runs:
        known.runs[each["id"]] = max(known.runs.get(each["id"], 0), each["done"])
    unfinished = [each["id"] for each in runs if each["state"] in ("cancelled", "interrupted", "failed")]
    if unfinished:
        _done(client.post(f"/evaluations/{unfinished[0]}/resume"), known)
    elif not any(each["state"] == "running" for each in runs):
        body = {"dataset": DATASET, "limit": QUESTIONS, "name": f"run {chance.randrange(10**6)}"}
        _done(client.post("/evaluations", json=body), known)


def calibrate(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """A calibrator on a run that is done."""
    _fit(client, known, chance, "/calibrators/fit")
    known.calibrators |= {each["version"] for each in _listed(client, "/calibrators", known)}


def train(client: httpx.Client, known: Acknowledged, chance: random.Random) -> None:
    """Probes of hidden states on a run that is done."""
    _fit(client, known, chance, "/probes/train")
    known.probes |= {each["version"] for each in _listed(client, "/probes", known)}


def _fit(client: httpx.Client, known: Acknowledged, chance: random.Random, path: str) -> None:
    runs = [each["id"] for each in _listed(client, "/evaluations", known) if each["state"] == "done"]
    if runs:
        body = {"runs": [chance.choice(runs)], "name": f"fit {chance.randrange(10**6)}"}
        _done(client.post(path, json=body), known)


def _listed(client: httpx.Client, path: str, known: Acknowledged) -> list[dict[str, object]]:
    response = client.get(path)
    return response.json() if _done(response, known) else []


def _done(response: httpx.Response, known: Acknowledged) -> bool:
    if response.is_success:
        return True
    kind = response.json()["error"]["type"] if "error" in response.text else ""
    if response.status_code not in FAILED or not kind:
        known.unclear.append(f"{response.request.method} {response.request.url.path}: {response.text[:300]}")
    elif response.status_code != 409 and not int(response.headers.get("retry-after", 0)):
        known.unclear.append(f"no Retry-After: {response.text[:300]}")
    known.refused[kind] += 1
    return False


WORKS: tuple[Work, ...] = (ask, label, index, evaluate, calibrate, train)


@contextmanager
def working(process: Process, known: Acknowledged, chance: random.Random) -> Iterator[None]:
    """All works at once, again and again while the block runs."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(work, process, known, random.Random(chance.random()), over))
        for work in WORKS
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _repeat(
    work: Work, process: Process, known: Acknowledged, chance: random.Random, over: threading.Event
) -> None:
    with process.http as client:
        while not over.is_set():
            try:
                work(client, known, chance)
            except httpx.HTTPError as error:
                # A response that was cut off acknowledges nothing.
                known.cut.append(f"{work.__name__}: {error!r}")
            # Questions of a run wait while somebody asks.
            over.wait(chance.uniform(0, LONGEST_PAUSE))


def lost(client: httpx.Client, home: Path, known: Acknowledged) -> list[str]:
    """What was acknowledged and is not there."""
    missing = [
        f"answer {trace}" for trace in known.answers if client.get(f"/traces/{trace}").status_code != 200
    ]
    labels: dict[str, bool] = {}
    while page := client.get("/labels", params={"limit": 1000, "offset": len(labels)}).json():
        labels |= {each["trace_id"]: each["correct"] for each in page}
    missing += [
        f"label {trace}" for trace, correct in known.labels.items() if labels.get(trace) is not correct
    ]
    until = time.monotonic() + INDEXED
    for name, text in known.documents.items():
        file = home / "documents" / name
        if not file.is_file() or file.read_text() != text:
            missing.append(f"document {name}")
        elif not _is_found(client, text, until):
            missing.append(f"passages of {name}")
    runs = {each["id"]: each["done"] for each in client.get("/evaluations").json()}
    missing += [
        f"{done - runs.get(run, 0)} answers of {run}"
        for run, done in known.runs.items()
        if runs.get(run, 0) < done
    ]
    for path, versions in (("/calibrators", known.calibrators), ("/probes", known.probes)):
        there = {each["version"] for each in client.get(path).json()}
        missing += [f"{path} {version}" for version in versions - there]
    return missing


def _is_found(client: httpx.Client, text: str, until: float) -> bool:
    while True:
        found = client.get("/passages", params={"query": text, "k": 5})
        if found.status_code == 200 and any(each["text"] == text for each in found.json()):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
