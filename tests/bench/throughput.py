"""Sixteen questions at once against one after another, and against what the engine can do at that batch.

python -m tests.bench throughput
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codex import prompts
from codex.ask.workbench import Workbench
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.llama_cpp.server import SLOTS
from codex.types import Trace
from tests.bench.line import Line
from tests.bench.raw_server import RawServer

CALLERS = 16
SAMPLES = 5
NEW_TOKENS = 32
ROUNDS = 3
QUESTIONS = [
    f"Tell me in detail, in several sentences, what the number {n} is known for." for n in range(20, 36)
]
"""Answers to them have more than NEW_TOKENS."""
ROWS = CALLERS * (1 + SAMPLES)


@dataclass(frozen=True, slots=True)
class _Round:
    lone: list[float]
    """Seconds of each question, one after another."""
    together: list[float]
    """Seconds of each question, all at once."""
    wall: float
    """Seconds until all of those were answered."""
    bare: float
    """Seconds that the bare engine takes for as many rows of as many tokens."""


def measure(home: Path) -> Iterator[Line]:
    """Lines for each engine that runs in this process."""
    for engine, least in (("llama_cpp", 4.0), ("huggingface", 3.0)):
        bench = Workbench.open(
            [
                f"home={home}",
                f"engine={engine}",
                f"ask.max_waiting={2 * CALLERS}",
                "ask.reflect=false",
                "grounding.verify=false",
            ]
        )
        try:
            bench.load()
            yield from _lines(engine, least, bench)
        finally:
            bench.close()


def _lines(name: str, least: float, bench: Workbench) -> Iterator[Line]:
    engine = bench.engine
    if isinstance(engine, LlamaCppEngine):
        with RawServer(engine) as raw:
            rounds = [_round(bench, lambda: _waves(raw)) for _ in range(ROUNDS)]
    else:
        assert isinstance(engine, HuggingFaceEngine)
        rounds = [_round(bench, lambda: _generate(engine)) for _ in range(ROUNDS)]
    how = f"{CALLERS} questions, {SAMPLES} samples, {NEW_TOKENS} tokens a row, {ROUNDS} rounds in turn"
    yield _median(
        f"{name}: at once over one after another", least, [sum(r.lone) / r.wall for r in rounds], how
    )
    yield _median(f"{name}: share of the bare engine's rate", 0.85, [r.bare / r.wall for r in rounds], how)
    late = [float(np.quantile(r.together, 0.95)) / statistics.median(r.lone) for r in rounds]
    yield Line(
        f"{name}: p95 at once over alone", 3, statistics.median(late), "x", how, (min(late), max(late))
    )


def _median(name: str, bound: float, figures: list[float], how: str) -> Line:
    return Line(
        name, bound, statistics.median(figures), "x", how, (min(figures), max(figures)), at_least=True
    )


def _round(bench: Workbench, bare: Callable[[], float]) -> _Round:
    lone = [_seconds(bench, question) for question in QUESTIONS]
    together = [0.0] * CALLERS

    def caller(at: int) -> None:
        together[at] = _seconds(bench, QUESTIONS[at])

    threads = [threading.Thread(target=caller, args=(at,)) for at in range(CALLERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _Round(lone, together, time.perf_counter() - began, bare())


def _seconds(bench: Workbench, question: str) -> float:
    params = bench.settings.engine.params.model_copy(update={"max_tokens": NEW_TOKENS})
    began = time.perf_counter()
    trace: Trace = bench.answer(question, n_samples=SAMPLES, params=params)
    seconds = time.perf_counter() - began
    assert len(trace.last.observation.generation.tokens) == NEW_TOKENS, "it ended early"
    return seconds


def _waves(raw: RawServer) -> float:
    """As many rows as the server has slots at a time, one wave after another."""
    return sum(raw.seconds(QUESTIONS[at], SLOTS, NEW_TOKENS) for at in range(ROWS // SLOTS))


def _generate(engine: HuggingFaceEngine) -> float:
    """Plain `generate` of all rows of one prompt."""
    import torch

    loaded = engine._ready()
    ids = torch.tensor([engine._encode(prompts.ask(QUESTIONS[0]))])
    began = time.perf_counter()
    loaded.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        top_k=0,
        min_new_tokens=NEW_TOKENS,
        max_new_tokens=NEW_TOKENS,
        num_return_sequences=ROWS,
        pad_token_id=0,
    )
    return time.perf_counter() - began
