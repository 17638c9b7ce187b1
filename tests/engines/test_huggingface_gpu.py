"""The huggingface engine on a GPU, where its default is 4-bit NF4."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from codex.engines.base import seeded
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models, default_home
from tests.support.decoding import (
    POEM,
    assert_tokens_match,
    decode,
    greedy,
    sampled,
    teacher_forced,
)


@pytest.fixture(scope="module")
def on_gpu() -> Iterator[HuggingFaceEngine]:
    """The engine as it is set by default, which on a GPU means 4-bit NF4."""
    engine = HuggingFaceEngine(HuggingFaceConfig(), Models(default_home()))
    engine.load()
    yield engine
    engine.unload()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestGpu:
    def test_the_default_is_nf4_on_the_gpu(self, on_gpu: HuggingFaceEngine) -> None:
        model = on_gpu._ready().model
        assert on_gpu.fingerprint == "huggingface:smollm2-135m-instruct:nf4"
        assert model.is_loaded_in_4bit
        assert {it.device.type for it in model.parameters()} == {"cuda"}
        # In bfloat16 all of it takes two bytes a weight; the embeddings, a fifth, still do.
        assert model.get_memory_footprint() < 0.55 * 2 * 134_515_008

    def test_nf4_statistics_are_close_to_a_teacher_forced_pass(self, on_gpu: HuggingFaceEngine) -> None:
        _, generations = decode(on_gpu, POEM, [greedy(32), *seeded(sampled(32), 4)])
        apart = []
        for generation in generations:
            truth = teacher_forced(on_gpu, POEM, [token.id for token in generation.tokens])
            for token, logprobs in zip(generation.tokens, truth, strict=True):
                apart.append(abs(token.logprob - logprobs[token.id].item()))
        # Bfloat16 writes a logit between 16 and 32 in steps of 1/8, and rounds in every layer before.
        assert np.mean(apart) < 0.1
        assert np.max(apart) < 1.0

    def test_float32_statistics_equal_a_teacher_forced_pass(self) -> None:
        config = HuggingFaceConfig(device="cuda", quantization="none", dtype="float32")
        engine = HuggingFaceEngine(config, Models(default_home()))
        _, generations = decode(
            engine, POEM, [greedy(24), sampled(6, seed=1), sampled(24, seed=2, top_p=0.9)]
        )
        for generation in generations:
            truth = teacher_forced(engine, POEM, [token.id for token in generation.tokens])
            assert_tokens_match(generation.tokens, truth)
        engine.unload()

    def test_a_step_waits_for_the_gpu_once(self, on_gpu: HuggingFaceEngine) -> None:
        rows = [greedy(40), *seeded(sampled(40, temperature=1.2), 4)]
        decode(on_gpu, POEM, rows)
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                _, generations = decode(on_gpu, POEM, rows)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        steps = max(len(it.tokens) for it in generations) + 1
        waits = sum("synchroniz" in str(it.message) for it in caught)
        drops = len({len(it.tokens) for it in generations}) - 1
        # The prompt, the random numbers and the parameters go to the GPU at the start, and some of them
        # again whenever a row ends. A second wait in each step would make 80 of them.
        assert steps <= waits <= steps + 12 + 8 * drops

    def test_unload_gives_the_memory_of_the_gpu_back(self) -> None:
        engine = HuggingFaceEngine(HuggingFaceConfig(device="cuda"), Models(default_home()))
        before = torch.cuda.memory_allocated()
        engine.load()
        engine.complete("The capital of France is", greedy(2))
        footprint = engine._ready().model.get_memory_footprint()
        assert torch.cuda.memory_allocated() - before >= footprint
        engine.unload()
        # Workspaces of the matrix library stay, about 8 MiB each.
        assert torch.cuda.memory_allocated() - before < 40 * 2**20
