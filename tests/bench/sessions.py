"""What the list of all traces costs at a million events, and what saving one costs its caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from codex.store import Store
from codex.store.traces.history import Filter
from codex.types import Action, Alternative, Token, Trace
from tests.bench.line import Line, median
from tests.support.traces import make_trace

EVENTS = 1_000_000
ROUNDS = 9
TOKENS = 200
ALTERNATIVES = 10
"""As many as an engine gives by default."""
FIRST_PAGE, FILTER, RECORD = 300.0, 500.0, 5.0
"""Milliseconds."""
QUESTION = "'What is the ' || i || 'th thing that one asks about ' || md5((i * 7)::VARCHAR) || '?'"
MADE = {
    "event_id": "nextval('event_ids')",
    "trace_id": "md5(i::VARCHAR)",
    "session_id": "'s' || (i // 10)",
    "created_at": "created_at + INTERVAL 1 MINUTE * i",
    "question": QUESTION,
    "question_preview": QUESTION,
    "question_sha256": "sha256(i::VARCHAR)",
    "answer": "'It is ' || md5((i * 3)::VARCHAR) || ', as far as I can tell.'",
    "confidence": "random()",
    "action": "['answer', 'abstain', 'defer'][1 + i % 3]",
    "model": "'model ' || (i % 4)",
    "trace_seconds": "10 * random()",
    "trace_generated_tokens": "i % 300",
}
FILTERS: dict[str, Filter] = {
    "decision and confidence": Filter(action=Action.DEFER, high=0.3),
    "model": Filter(model="model 2"),
    "label": Filter(label="correct"),
    "text, frequent": Filter(text="99th THING"),
    "text, in none": Filter(text="nowhere to be found"),
    "whole question": Filter(text="What is the meaning of life?"),
}


def measure(home: Path) -> Iterator[Line]:
    """Pages, filters and orders over synthetic events, and `save` of one with 200 tokens beside them."""
    with Store(home / "sessions" / "codex.duckdb", "full") as store:
        _fill(store)
        how = f"{ROUNDS} times over {EVENTS:,} synthetic events, questions kept"
        first = store.history.page()
        pages: dict[str, Callable[[], object]] = {
            "first page": store.history.page,
            "next page": lambda: store.history.page(after=first.next),
            "first page by confidence": lambda: store.history.page(sort="confidence"),
        }
        for name, run in pages.items():
            yield median(f"sessions: {name}", FIRST_PAGE, "ms", how, _timed(run))
        for name, wanted in FILTERS.items():
            yield median(
                f"sessions: filter by {name}",
                FILTER,
                "ms",
                how,
                _timed(lambda wanted=wanted: store.history.page(wanted)),
            )
        opened = first.traces[0].id
        yield median("sessions: a trace loaded", FIRST_PAGE, "ms", how, _timed(lambda: store.load(opened)))
        yield _recorded(store, f"an event of {TOKENS} tokens recorded among {EVENTS:,}")
    with Store(home / "recording" / "codex.duckdb", "full") as store:
        yield _recorded(store, f"an event of {TOKENS} tokens recorded")


def _recorded(store: Store, name: str) -> Line:
    """Each is in its tables before the next: questions come seconds apart."""
    milliseconds = []
    for number in range(120):
        trace = _trace(f"{name} {number}")
        start = time.perf_counter()
        store.save(trace)
        milliseconds.append(1000 * (time.perf_counter() - start))
        store.load(trace.id)
    how = (
        f"Store.save, {len(milliseconds)} times, {ALTERNATIVES} alternatives a token, durable when it returns"
    )
    return median(f"{name}, p50", RECORD, "ms", how, milliseconds[20:])


def _timed(run: Callable[[], object]) -> list[float]:
    run()
    milliseconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return milliseconds


def _trace(trace_id: str) -> Trace:
    made = make_trace(1)
    tokens = tuple(
        Token(
            id=at,
            bytes=b" token",
            logprob=-1 / (at + 1),
            entropy=1 / (at + 3),
            rank=1,
            alternatives=tuple(Alternative(k, b" other", -1 / (k + at + 1)) for k in range(ALTERNATIVES)),
        )
        for at in range(TOKENS)
    )
    observation = replace(
        made.last.observation,
        generation=replace(made.last.observation.generation, tokens=tokens),
        samples=(),
        similarity=None,
    )
    step = replace(made.last, observation=observation, focus=(True,) * TOKENS)
    return replace(made, id=trace_id, session_id="recorded", steps=(step,))


def _fill(store: Store) -> None:
    """A million traces of one step, made from one that was saved."""
    store.save(make_trace(1, tokens=2, samples=0))
    with store._database.write() as db:
        names = [name for (name, *_) in db.execute("DESCRIBE model_inference_events").fetchall()]
        chosen = ", ".join(f'{MADE.get(name, f"e.{name}")} AS "{name}"' for name in names)
        for start in range(0, EVENTS, 100_000):
            db.execute(
                f"INSERT INTO model_inference_events SELECT {chosen} FROM model_inference_events e,"
                f" range({start}, {start + 100_000}) r(i) WHERE e.trace_id = 'trace-1'"
            )
        db.execute(
            "INSERT INTO traces SELECT trace_id, event_id, event_id FROM model_inference_events"
            " WHERE trace_id <> 'trace-1'"
        )
        db.execute(
            "INSERT INTO labels SELECT '', md5(i::VARCHAR), '', 'correct', '', '', [], [], false,"
            " now()::TIMESTAMP FROM range(0, 100_000, 10) r(i)"
        )
