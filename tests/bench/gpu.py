"""The huggingface engine on a GPU, on random weights of the shape of a Llama of 7 billion parameters.

A machine with PyTorch and Transformers needs one folder more (40 MiB), made where a registry responds:

    pip install --no-deps --target FOLDER bitsandbytes accelerate psutil gguf pydantic pydantic_core \
        annotated-types typing-inspection typing-extensions httpx httpcore certifi anyio h11 idna rich \
        pygments markdown-it-py mdurl

Of FOLDER/bitsandbytes all libraries but libbitsandbytes_cudaVERSION.so may be deleted. Then, from the
project, `PYTHONPATH=FOLDER python -m tests.bench gpu`. Without a GPU the same runs on a tiny shape, which
shows that it runs and nothing else.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from codex.engines.base import Finished, GenerationParams, seeded
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.types import Generation
from tests.bench.line import Line, median, ratio

PROMPT = "Tell me in detail, in several paragraphs, how a steam engine works."
SAMPLES = 10
ROUNDS = 3
STAYS = 64
"""MiB that may stay after the model is unloaded: workspaces of the matrix library."""


@dataclass(frozen=True)
class Shape:
    """A Llama's sizes."""

    name: str
    hidden: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    new_tokens: int

    @property
    def config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            max_position_embeddings=4096,
            bos_token_id=0,
            eos_token_id=1,
            dtype="bfloat16",
        )


SEVEN_BILLION = Shape("7B", 4096, 11008, 32, 32, 32000, 128)
TINY = Shape("tiny, on a CPU", 512, 1408, 4, 8, 2000, 12)


def measure(home: Path) -> Iterator[Line]:
    """Speed, footprint, log-probabilities, and whether the memory is given back."""
    device: Literal["cuda", "cpu"] = "cuda" if torch.cuda.is_available() else "cpu"
    shape = SEVEN_BILLION if device == "cuda" else TINY
    folder = home / "random-llama"
    _write(shape, folder, device)
    before = _allocated()
    with _loaded(home, folder, device, "none") as engine:
        footprint = engine._ready().model.get_memory_footprint()
        yield _samples_over_greedy(engine, shape)
        yield _share_of_bandwidth(engine, shape, footprint)
        yield from _apart(engine, shape)
    with _loaded(home, folder, device, "nf4") as engine:
        share = engine._ready().model.get_memory_footprint() / footprint
        yield Line(f"gpu: NF4's footprint ({shape.name})", 0.30, share, "of bf16's", "get_memory_footprint")
        yield _samples_over_greedy(engine, shape, "NF4")
    if device == "cuda":
        stays = (_allocated() - before) / 2**20
        yield Line("gpu: memory that stays after both", STAYS, stays, "MiB", "torch.cuda.memory_allocated")


@contextmanager
def _loaded(
    home: Path, folder: Path, device: Literal["cuda", "cpu"], quantization: Literal["none", "nf4"]
) -> Iterator[HuggingFaceEngine]:
    config = HuggingFaceConfig(
        model_path=str(folder), device=device, quantization=quantization, context_size=2048
    )
    engine = HuggingFaceEngine(config, Models(home))
    engine.load()
    # Random weights end an answer by chance; every row is to have the same length.
    object.__setattr__(engine._ready(), "ends", frozenset())
    try:
        yield engine
    finally:
        engine.unload()
        gc.collect()


def _rows(shape: Shape, samples: int) -> list[GenerationParams]:
    greedy = GenerationParams(max_tokens=shape.new_tokens, temperature=0.0)
    sampled = GenerationParams(max_tokens=shape.new_tokens, temperature=1.0, seed=1)
    return [greedy, *seeded(sampled, samples)]


def _decoded(engine: HuggingFaceEngine, rows: Sequence[GenerationParams]) -> list[Generation]:
    items = list(engine.decode(PROMPT, rows))
    return [item.generation for item in items if isinstance(item, Finished)]


def _seconds(engine: HuggingFaceEngine, shape: Shape, samples: int) -> float:
    started = time.perf_counter()
    generations = _decoded(engine, _rows(shape, samples))
    seconds = time.perf_counter() - started
    assert [len(it.tokens) for it in generations] == [shape.new_tokens] * (samples + 1)
    return seconds


def _samples_over_greedy(engine: HuggingFaceEngine, shape: Shape, held: str = "bf16") -> Line:
    how = f"Engine.decode of {SAMPLES + 1} rows over 1, {shape.new_tokens} tokens a row, in turn"
    name = f"gpu: greedy and {SAMPLES} samples over greedy, {held} ({shape.name})"
    return ratio(
        name,
        1.5,
        how,
        lambda: _seconds(engine, shape, SAMPLES),
        lambda: _seconds(engine, shape, 0),
        rounds=ROUNDS,
    )


def _share_of_bandwidth(engine: HuggingFaceEngine, shape: Shape, footprint: int) -> Line:
    """A token of one row reads every weight but the embeddings once; a copy shows what memory can do."""
    read = footprint - shape.vocabulary * shape.hidden * 2
    limit = _bandwidth(engine._ready().model.device) / read
    rates = [shape.new_tokens / _seconds(engine, shape, 0) / limit for _ in range(ROUNDS)]
    how = f"tokens a second of one row, of {limit:.0f} that a copy within the memory would allow"
    return Line(
        f"gpu: decode, bf16 ({shape.name})",
        0.6,
        median("", 0, "", "", rates).got,
        "of the bandwidth",
        how,
        (min(rates), max(rates)),
        at_least=True,
    )


def _bandwidth(device: torch.device) -> float:
    """Bytes a second that are read and written by a copy."""
    source = torch.empty(2**28, dtype=torch.bfloat16, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(5):
        _wait(device)
        started = time.perf_counter()
        target.copy_(source)
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * source.nbytes / best


def _apart(engine: HuggingFaceEngine, shape: Shape) -> Iterator[Line]:
    """The log-probabilities of eleven rows against one pass over each whole text without a cache."""
    model, opening = engine._ready().model, engine._encode(PROMPT)
    apart: list[float] = []
    for generation in _decoded(engine, _rows(shape, SAMPLES)):
        ids = [token.id for token in generation.tokens]
        whole = torch.tensor([[*opening, *ids]], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=whole, use_cache=False).logits[0, len(opening) - 1 : -1]
        truth = logits.float().log_softmax(-1)[range(len(ids)), ids].tolist()
        apart += [
            abs((token.logprob or 0.0) - value) for token, value in zip(generation.tokens, truth, strict=True)
        ]
    how = f"{len(apart)} drawn tokens against a teacher-forced pass in bf16, which rounds both"
    name = f"gpu: log-probabilities apart, bf16 ({shape.name})"
    yield Line(f"{name}, mean", 0.02, sum(apart) / len(apart), "nats", how)
    yield Line(f"{name}, most", 0.15, max(apart), "nats", how)


def _write(shape: Shape, folder: Path, device: str) -> None:
    """Random weights with a tokenizer of as many tokens: bytes, and pairs of bytes."""
    torch.manual_seed(0)
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(shape.config)
    finally:
        torch.set_default_dtype(kept)
    model.save_pretrained(folder)
    del model
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    named = ["<s>", "</s>", *letters]
    pairs = list(islice(product(letters, letters), shape.vocabulary - len(named)))
    vocabulary = {text: at for at, text in enumerate([*named, *map("".join, pairs)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 1, "bos_token_id": 0}))


def _allocated() -> int:
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
