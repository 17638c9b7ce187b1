"""What the product adds to the time of the bare engines."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from codex import prompts
from codex.ask.workbench import Workbench
from codex.engines.base import GenerationParams, seeded
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.types import Token, Trace
from tests.bench.line import Line, ratio
from tests.bench.raw_server import RawServer, Rows
from tests.support.browsing import serving

LONG_QUESTIONS = (
    "Tell me in detail, in several paragraphs, how a steam engine works.",
    "Write a long story about a fisherman and a storm.",
)
"""Answers to them have more than NEW_TOKENS."""
NEW_TOKENS = 48
ONE_STEP = ("ask.reflect=false", "grounding.verify=false")
"""So that both sides of a ratio ask the model for the same rows."""


def llama_cpp(home: Path) -> Iterator[Line]:
    """A whole `ask`, and its first row alone, over llama.cpp's server by itself at its best settings."""
    workbench = Workbench.open([f"home={home}", "engine=llama_cpp", *ONE_STEP])
    try:
        workbench.model.load()
        engine = workbench.model.engine
        assert isinstance(engine, LlamaCppEngine)
        with RawServer(engine) as raw:
            yield _whole_ask(workbench, raw, samples=10, bound=1.15)
            yield _one_row(engine, raw, bound=1.15)
            yield _chat(workbench, raw, bound=1.1)
    finally:
        workbench.close()


def huggingface(home: Path) -> Iterator[Line]:
    """Greedy and ten samples over one plain `generate` of eleven sequences, same model, same lengths."""
    workbench = Workbench.open([f"home={home}", "engine=huggingface", *ONE_STEP])
    try:
        workbench.model.load()
        yield _over_generate(workbench, samples=10, bound=1.3)
        yield _largest_tensor(workbench, samples=10)
    finally:
        workbench.close()


def _ask(workbench: Workbench, question: str, samples: int) -> Trace:
    params = workbench.settings.engine.params.model_copy(update={"max_tokens": NEW_TOKENS})
    return workbench.answer(question, n_samples=samples, params=params)


def _whole_ask(workbench: Workbench, raw: RawServer, samples: int, bound: float) -> Line:
    """A greedy answer that streams and its samples, over one request of as many rows of as many tokens."""

    def whole() -> float:
        started = time.perf_counter()
        observed = [_ask(workbench, question, samples).last.observation for question in LONG_QUESTIONS]
        seconds = time.perf_counter() - started
        tokens = [len(row.tokens) for each in observed for row in (each.generation, *each.samples)]
        # A row that ends early would leave less to do than the raw server has.
        assert sum(tokens) >= 0.98 * NEW_TOKENS * len(tokens), tokens
        return seconds

    def plain() -> float:
        return sum(raw.seconds(Rows(question, samples + 1, NEW_TOKENS)) for question in LONG_QUESTIONS)

    how = f"Workbench.answer over one n={samples + 1} request, {NEW_TOKENS} tokens a row, in turn"
    return ratio(f"llama_cpp: whole ask, {samples} samples", bound, how, whole, plain, rounds=5)


def _one_row(engine: LlamaCppEngine, raw: RawServer, bound: float) -> Line:
    params = GenerationParams(max_tokens=NEW_TOKENS)

    def ours() -> float:
        started = time.perf_counter()
        for question in LONG_QUESTIONS:
            engine.chat(prompts.ask(question), params)
        return time.perf_counter() - started

    def plain() -> float:
        return sum(raw.seconds(Rows(question, 1, NEW_TOKENS, sampled=False)) for question in LONG_QUESTIONS)

    how = f"Engine.chat over one request, {NEW_TOKENS} tokens, in turn"
    return ratio("llama_cpp: one row", bound, how, ours, plain, rounds=9)


def _chat(workbench: Workbench, raw: RawServer, bound: float) -> Line:
    """A chat completion over HTTP, for which an answer and a sample are drawn, over the same two rows."""
    body = {
        "model": "codex",
        "n": 1,
        "max_tokens": NEW_TOKENS,
        "logprobs": True,
        "codex": {"n_samples": 1, "adaptive": False},
    }

    def plain() -> float:
        answers = [Rows(question, 1, NEW_TOKENS, sampled=False) for question in LONG_QUESTIONS]
        samples = [Rows(question, 1, NEW_TOKENS) for question in LONG_QUESTIONS]
        return sum(raw.seconds(answer, sample) for answer, sample in zip(answers, samples, strict=True))

    with serving(workbench) as url, httpx.Client(base_url=url, timeout=120) as client:

        def ours() -> float:
            started = time.perf_counter()
            for question in LONG_QUESTIONS:
                message = {"role": "user", "content": question}
                said = client.post("/v1/chat/completions", json={**body, "messages": [message]})
                assert said.json()["usage"]["completion_tokens"] >= 2 * NEW_TOKENS - 4, said.text
            return time.perf_counter() - started

        how = f"POST /v1/chat/completions, over a greedy and a sampled row, {NEW_TOKENS} tokens, in turn"
        return ratio("llama_cpp: a chat completion", bound, how, ours, plain, rounds=9)


def _over_generate(workbench: Workbench, samples: int, bound: float) -> Line:
    """Questions that no row answers in fewer than NEW_TOKENS: the end is taken out of both loops."""
    import torch

    from codex.engines.huggingface.engine import HuggingFaceEngine

    engine = workbench.model.engine
    assert isinstance(engine, HuggingFaceEngine)
    loaded = engine._ready()
    ids = torch.tensor([engine._encode(prompts.ask(LONG_QUESTIONS[0]))], device=loaded.model.device)
    object.__setattr__(loaded, "ends", frozenset())

    def whole() -> float:
        started = time.perf_counter()
        trace = _ask(workbench, LONG_QUESTIONS[0], samples)
        assert all(len(s.tokens) == NEW_TOKENS for s in trace.last.observation.samples)
        return time.perf_counter() - started

    def generate() -> None:
        with torch.inference_mode():
            loaded.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                num_return_sequences=samples + 1,
                min_new_tokens=NEW_TOKENS,
                max_new_tokens=NEW_TOKENS,
            )

    def plain() -> float:
        started = time.perf_counter()
        # On the engine's own thread, so that both loops have the same compute threads.
        engine._worker.submit(generate).result()
        return time.perf_counter() - started

    how = f"Workbench.answer over generate(num_return_sequences={samples + 1}), {NEW_TOKENS} tokens, in turn"
    return ratio(f"huggingface: whole ask, {samples} samples", bound, how, whole, plain, rounds=5)


def _largest_tensor(workbench: Workbench, samples: int) -> Line:
    """The largest live tensor with the vocabulary among its sides, in rows of the vocabulary."""
    import torch

    from codex.engines.huggingface.engine import HuggingFaceEngine

    engine = workbench.model.engine
    assert isinstance(engine, HuggingFaceEngine)
    model = engine._ready().model
    weights = {id(weight) for weight in model.parameters()}
    vocabulary = model.config.vocab_size
    params = GenerationParams(max_tokens=NEW_TOKENS)
    rows = [params, *seeded(params.model_copy(update={"temperature": 1.0}), samples)]
    largest = 0
    for number, item in enumerate(engine.decode(prompts.ask(LONG_QUESTIONS[0]), rows)):
        if isinstance(item, Token) and number % 8 == 7:
            held = (it for it in gc.get_objects() if isinstance(it, torch.Tensor) and id(it) not in weights)
            largest = max([largest, *(it.numel() // vocabulary for it in held if vocabulary in it.shape)])
    how = f"live tensors seen between the steps of {NEW_TOKENS}; a step's logits have a row for each answer"
    return Line("huggingface: distributions held at once", samples + 1, largest, "rows", how)
