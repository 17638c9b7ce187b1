"""One adapter on both engines: on for the call that names it, and never for another one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codex import prompts
from codex.engines.base import GenerationParams, ModelConfig
from codex.engines.huggingface.activated import write_activated
from codex.engines.huggingface.adapters import CONFIG, AdapterManifest
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.internals import decoder_layers
from codex.engines.huggingface.switched import linear_layers
from codex.engines.llama_cpp.adapters import GGUF, gguf_of
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.errors import AdapterError
from codex.prompts import judging
from codex.types import Generation, Message, Token

PROMPT = judging.verify(prompts.ask("What is the capital of France?"), "Lyon")
UPPER = 20
"""The first adapted layer of SmolLM2's thirty, counted from 0."""


@pytest.fixture(scope="module")
def adapter(hf: HuggingFaceEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random one, large enough to move every log-probability."""
    torch.manual_seed(0)
    model = hf.loaded().model
    names = {module: name for name, module in model.named_modules()}
    weights = {
        names[module]: (
            0.08 * torch.randn(8, module.in_features),
            0.08 * torch.randn(module.out_features, 8),
        )
        for layer in list(decoder_layers(model))[UPPER:]
        for module in linear_layers(layer).values()
    }
    manifest = AdapterManifest(
        kind="verifier",
        name="random",
        base=DEFAULT_MODEL,
        base_sha256="",
        prompt="",
        settings={},
        data_sha256="",
        rows=0,
        steps=0,
        metrics={},
        created_at="",
        versions={},
    )
    folder = tmp_path_factory.mktemp("adapter") / "random"
    write_activated(folder, weights, 16, hf.token_ids(PROMPT)[-12:], manifest)
    return folder


@pytest.fixture(scope="module")
def adapted(adapter: Path) -> Iterator[LlamaCppEngine]:
    """SmolLM2 by llama.cpp, loaded with the adapter."""
    engine = LlamaCppEngine(ModelConfig(threads=1), Models(default_home()))
    engine.use_adapters([adapter])
    yield engine
    engine.unload()


def logprobs(token: Token) -> dict[int, float]:
    return {each.id: each.logprob for each in token.alternatives}


def apart(one: Token, other: Token) -> float:
    """The largest difference among the five likeliest of the first."""
    first, second = logprobs(one), logprobs(other)
    return max(abs(first[at] - second.get(at, -30.0)) for at in list(first)[:5])


def test_llama_cpp_computes_what_transformers_does(
    hf: HuggingFaceEngine, adapted: LlamaCppEngine, adapter: Path
) -> None:
    theirs, ours = hf.adapted_token(PROMPT, adapter), adapted.adapted_token(PROMPT, adapter)
    # Q4_1 weights times activations of 8 bits move the base's by as much.
    assert apart(theirs, ours) < 0.5
    assert apart(adapted.next_token(PROMPT), ours) > 1.0
    assert apart(hf.next_token(PROMPT), theirs) > 1.0


def test_a_model_that_was_loaded_with_an_adapter_answers_as_without(
    llama: LlamaCppEngine, adapted: LlamaCppEngine, adapter: Path
) -> None:
    conversation = [Message("user", "Name three colours.")]
    rows = [GenerationParams(max_tokens=8), GenerationParams(max_tokens=8, temperature=1.0, seed=3)]

    def asked(engine: LlamaCppEngine) -> list[Generation]:
        return [replace(each, seconds=0.0) for each in engine._batch(conversation, rows)]

    expected = asked(llama)
    assert asked(adapted) == expected
    adapted.adapted_token(judging.verify(conversation, expected[0].text), adapter)
    assert asked(adapted) == expected


def test_what_the_adapter_left_in_the_cache_is_never_taken_for_the_model_s_own(
    llama: LlamaCppEngine, adapted: LlamaCppEngine, adapter: Path
) -> None:
    expected = logprobs(llama.next_token(PROMPT))
    for _ in range(2):
        own = adapted.adapted_token(PROMPT, adapter)
        found = logprobs(adapted.next_token(PROMPT))
        assert max(abs(found[at] - expected[at]) for at in list(expected)[:5]) < 0.05
        assert apart(adapted.adapted_token(PROMPT, adapter), own) < 0.05


def test_an_adapter_is_loaded_when_a_call_names_it(adapter: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(adapter, tmp_path / "adapter", ignore=shutil.ignore_patterns(GGUF))
    engine = LlamaCppEngine(ModelConfig(threads=1), Models(default_home()))
    before = engine.next_token(PROMPT)
    own = engine.adapted_token(PROMPT, copied)
    assert (copied / GGUF).is_file()
    assert apart(before, own) > 1.0
    with pytest.raises(AdapterError, match="end in other tokens"):
        engine.adapted_token(prompts.ask("What?"), copied)
    engine.unload()


def test_what_is_no_adapter_of_this_model_is_an_error(adapter: Path, tmp_path: Path) -> None:
    model = Models(default_home()).resolve(DEFAULT_MODEL, gguf=True)
    with pytest.raises(AdapterError, match=f"trained for {DEFAULT_MODEL}, and the model is other@0"):
        gguf_of(adapter, model, "other@0")
    with pytest.raises(AdapterError, match="is not there"):
        gguf_of(tmp_path / "nowhere", model, DEFAULT_MODEL)
    copied = shutil.copytree(adapter, tmp_path / "adapter", ignore=shutil.ignore_patterns(GGUF))
    (copied / CONFIG).write_text("{}")
    with pytest.raises(AdapterError, match="switched on for some tokens"):
        gguf_of(copied, model, DEFAULT_MODEL)
    assert not (copied / GGUF).exists()
