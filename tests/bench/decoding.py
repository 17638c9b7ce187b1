"""What the product adds to the time of the bare engines."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from codex import prompts
from codex.engines.base import GenerationParams, seeded
from codex.types import Token, Trace
from codex.workbench import Workbench
from tests.bench.line import Line, ratio

QUESTIONS = (
    "Who wrote the play Romeo and Juliet, and in which century was it first performed?",
    "What is the capital of Australia?",
    "Why is the sky blue?",
)
NEW_TOKENS = 64
ONE_ASKING = ("ask.reflect=false", "grounding.verify=false")
"""So that both sides of a ratio ask the model for the same rows."""


def llama_cpp(home: Path) -> Iterator[Line]:
    """A whole `ask` over the same rows decoded by xllamacpp called by hand, its answers thrown away."""
    workbench = Workbench.open([f"home={home}", "engine=llama_cpp", *ONE_ASKING])
    try:
        workbench.load()
        yield _whole_ask(workbench, samples=5, bound=1.10)
    finally:
        workbench.close()


def huggingface(home: Path) -> Iterator[Line]:
    """Greedy and ten samples over one plain `generate` of eleven sequences, same model, same lengths."""
    workbench = Workbench.open([f"home={home}", "engine=huggingface", *ONE_ASKING])
    try:
        workbench.load()
        yield _over_generate(workbench, samples=10, bound=1.3)
        yield _largest_tensor(workbench, samples=10)
    finally:
        workbench.close()


def _ask(workbench: Workbench, question: str, samples: int) -> Trace:
    params = workbench.settings.engine.params.model_copy(update={"max_tokens": NEW_TOKENS})
    return workbench.answer(question, n_samples=samples, params=params)


def _whole_ask(workbench: Workbench, samples: int, bound: float) -> Line:
    from codex.engines.continuation import Call
    from codex.engines.llama_cpp import LlamaCppEngine, _request, _waves
    from codex.engines.llama_rows import Row

    engine = workbench.engine
    assert isinstance(engine, LlamaCppEngine)
    server = engine._ready().server
    params = GenerationParams(max_tokens=NEW_TOKENS)
    rows = [params, *seeded(params.model_copy(update={"temperature": 1.0}), samples)]
    requests = []
    for question in QUESTIONS:
        ids = server.tokenize(server.render([asdict(m) for m in prompts.ask(question)]), special=True)
        call = Call(ids, rows, (), threading.Event())
        for wave in _waves(call, server.cells):
            batch = [Row(at, rows[at], ids, (), server.vocabulary) for at in wave]
            requests.append(_request(batch, wave.start > 0, server.context))

    def whole() -> float:
        started = time.perf_counter()
        for question in QUESTIONS:
            _ask(workbench, question, samples)
        return time.perf_counter() - started

    def raw() -> float:
        started = time.perf_counter()
        for request in requests:
            server._server.handle_completions({**request, "stream": True}, lambda chunk: False)
        return time.perf_counter() - started

    how = f"Workbench.answer over xllamacpp's handle_completions of the same {samples + 1} rows, in turn"
    return ratio(f"llama_cpp: whole ask, {samples} samples", bound, how, whole, raw, rounds=9)


def _over_generate(workbench: Workbench, samples: int, bound: float) -> Line:
    """Questions that no row answers in fewer than NEW_TOKENS: the end is taken out of both loops."""
    import torch

    from codex.engines.huggingface import HuggingFaceEngine

    engine = workbench.engine
    assert isinstance(engine, HuggingFaceEngine)
    loaded = engine._ready()
    ids = torch.tensor([engine._encode(prompts.ask(QUESTIONS[0]))], device=loaded.model.device)
    object.__setattr__(loaded, "ends", frozenset())

    def whole() -> float:
        started = time.perf_counter()
        trace = _ask(workbench, QUESTIONS[0], samples)
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

    from codex.engines.huggingface import HuggingFaceEngine

    engine = workbench.engine
    assert isinstance(engine, HuggingFaceEngine)
    model = engine._ready().model
    weights = {id(weight) for weight in model.parameters()}
    vocabulary = model.config.vocab_size
    params = GenerationParams(max_tokens=NEW_TOKENS)
    rows = [params, *seeded(params.model_copy(update={"temperature": 1.0}), samples)]
    largest = 0
    for number, item in enumerate(engine.decode(prompts.ask(QUESTIONS[0]), rows)):
        if isinstance(item, Token) and number % 8 == 7:
            held = (it for it in gc.get_objects() if isinstance(it, torch.Tensor) and id(it) not in weights)
            largest = max([largest, *(it.numel() // vocabulary for it in held if vocabulary in it.shape)])
    how = f"live tensors seen between the steps of {NEW_TOKENS}; a step's logits have a row for each answer"
    return Line("huggingface: distributions held at once", samples + 1, largest, "rows", how)
