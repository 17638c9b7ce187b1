"""What monitoring costs: the first rollup of a million steps, the next one, and the quantiles of a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from codex.signals import REGISTRY
from codex.store import Store
from codex.store.monitoring.monitoring import MOST_ANSWERS
from codex.store.monitoring.rollups import Window
from tests.bench.line import Line, median
from tests.support.traces import make_trace

STEPS = 1_000_000
TRACES = 9 * STEPS // 10
"""Every tenth step is a second one of its trace."""
FILL = """
INSERT INTO model_inference_events BY NAME
SELECT i + 2 AS event_id, md5((i - (i % 10 = 9)::INT)::VARCHAR) AS trace_id, 's' || (i // 50) AS session_id,
       (i % 10 = 9)::INT AS step, i % 10 <> 8 AS ends_trace,
       CASE WHEN i % 10 = 9 THEN 'retrieve' ELSE 'ask' END AS kind,
       TIMESTAMP '2026-01-01' + INTERVAL (i // 20) MINUTE AS created_at,
       'llama_cpp:model:' || (i // 10 % 2) AS model, 'default@' || (i // 10 % 3) AS policy,
       ['answer', 'defer', 'abstain'][1 + i % 3] AS action, random() AS confidence,
       10 * random() AS trace_seconds, 120 AS prompt_tokens, 24 AS answer_tokens, 120 AS sample_tokens,
       {signals} AS signals,
       e.* EXCLUDE (event_id, trace_id, session_id, step, ends_trace, kind, created_at, model, policy, action,
                    confidence, trace_seconds, prompt_tokens, answer_tokens, sample_tokens, signals)
FROM range({n}) t(i), (FROM model_inference_events WHERE event_id = 1) e
"""
ROUNDS = 5


def measure(home: Path) -> Iterator[Line]:
    """A store of a million steps, made by SQL; the rollups of it begin from nothing each time."""
    path = home / "monitoring.duckdb"
    with Store(path) as store:
        trace = make_trace(1, samples=0, tokens=1)
        store.save(replace(trace, created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    names = ", ".join(f"'{name}'" for name in REGISTRY)
    values = ", ".join("random()" for _ in REGISTRY)
    # Signals fill the disk, and a rollup does not read them: the newest answers alone have all of them.
    with duckdb.connect(path, config={"memory_limit": "2GB"}) as db:
        db.execute(FILL.format(n=STEPS - MOST_ANSWERS, signals="MAP{'entropy': random()}"))
        db.execute(
            FILL.format(n=MOST_ANSWERS, signals=f"MAP([{names}], [{values}])").replace(
                f"range({MOST_ANSWERS})", f"range({STEPS - MOST_ANSWERS}, {STEPS})"
            )
        )
    with Store(path) as store:
        yield median(
            f"the first rollup of {STEPS:,} steps",
            1.0,
            "s",
            f"{ROUNDS} times, from an empty rollup: {TRACES:,} traces, 2 models, 3 policies, 833 hours",
            [_first(store) for _ in range(ROUNDS)],
        )
        counted = sum(total.answers for total in store.monitoring.totals(Window()))
        assert counted == TRACES + 1, counted
        yield median(
            "a rollup with nothing new",
            0.05,
            "s",
            f"after {STEPS:,} steps",
            [_timed(lambda: store.monitoring.roll_up()) for _ in range(ROUNDS)],
        )
        yield median(
            "all rollups of 35 days, read",
            1.0,
            "s",
            "by hour, model and policy: what the page and the metrics read",
            [_timed(lambda: store.monitoring.hours(Window())) for _ in range(ROUNDS)],
        )
        yield median(
            f"quantiles of {len(REGISTRY)} signals",
            2.0,
            "s",
            f"over the newest {MOST_ANSWERS:,} answers",
            [
                _timed(lambda: store.monitoring.distributions(Window(), tuple(REGISTRY)))
                for _ in range(ROUNDS)
            ],
        )


def _first(store: Store) -> float:
    with store._database.write() as db:
        for table in ("monitoring_hours", "monitoring_series"):
            db.execute(f"DELETE FROM {table}")
        db.execute("UPDATE monitoring_progress SET event_id = 0")
    return _timed(lambda: store.monitoring.roll_up())


def _timed(work: object) -> float:
    assert callable(work)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
