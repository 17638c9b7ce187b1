"""Sixteen questions at once against one after another, and against what the engine can do at that batch.

python -m tests.bench throughput
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codex import prompts
from codex.ask.workbench import Workbench
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.llama_cpp.server import SLOTS
from tests.bench.line import Line
from tests.bench.raw_server import RawServer, Rows

CALLERS = 16
SAMPLES = 5
NEW_TOKENS = 32
ROUNDS = 3
QUESTIONS = [
    f"Tell me in detail, in several sentences, what the number {n} is known for." for n in range(20, 36)
]
"""Most answers to them have more than NEW_TOKENS."""
ROWS = CALLERS * (1 + SAMPLES)


@dataclass(frozen=True, slots=True)
class _Round:
    lone: list[float]
    """Seconds of each question, one after another."""
    together: list[float]
    """Seconds of each question, all at once."""
    wall: float
    """Seconds until all of those were answered."""
    tokens: int
    """Of all rows of those. Not quite CALLERS x (1 + SAMPLES) x NEW_TOKENS: a few rows end early."""
    bare: float
    """Tokens a second of the bare engine with as many rows of NEW_TOKENS."""


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
            bench.model.load()
            yield from _lines(engine, least, bench)
        finally:
            bench.close()


def _lines(name: str, least: float, bench: Workbench) -> Iterator[Line]:
    engine = bench.model.engine
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
    yield _median(
        f"{name}: share of the bare engine's rate", 0.85, [r.tokens / r.wall / r.bare for r in rounds], how
    )
    late = [float(np.quantile(r.together, 0.95)) / statistics.median(r.lone) for r in rounds]
    yield Line(
        f"{name}: p95 at once over alone", 3, statistics.median(late), "x", how, (min(late), max(late))
    )


def _median(name: str, bound: float, figures: list[float], how: str) -> Line:
    return Line(
        name, bound, statistics.median(figures), "x", how, (min(figures), max(figures)), at_least=True
    )


def _round(bench: Workbench, bare: Callable[[], float]) -> _Round:
    lone = [_answered(bench, question)[0] for question in QUESTIONS]
    began = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        answered = list(callers.map(lambda question: _answered(bench, question), QUESTIONS))
    wall = time.perf_counter() - began
    tokens = sum(count for _, count in answered)
    return _Round(lone, [seconds for seconds, _ in answered], wall, tokens, ROWS * NEW_TOKENS / bare())


def _answered(bench: Workbench, question: str) -> tuple[float, int]:
    """The seconds that an answer with its samples took, and the tokens of all its rows."""
    params = bench.settings.engine.params.model_copy(update={"max_tokens": NEW_TOKENS})
    began = time.perf_counter()
    seen = bench.answer(question, n_samples=SAMPLES, params=params).last.observation
    seconds = time.perf_counter() - began
    return seconds, sum(len(row.tokens) for row in (seen.generation, *seen.samples))


def _waves(raw: RawServer) -> float:
    """The answers to all questions at once, then their samples, as many as the server has slots at a time.

    As the server can share a prompt only within a request, each of those waves is one question's.
    """
    answers = raw.seconds(*(Rows(question, 1, NEW_TOKENS, sampled=False) for question in QUESTIONS))
    waves = CALLERS * SAMPLES // SLOTS
    return answers + sum(raw.seconds(Rows(QUESTIONS[at], SLOTS, NEW_TOKENS)) for at in range(waves))


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
