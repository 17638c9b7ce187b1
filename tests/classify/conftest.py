"""The default model, loaded once for the package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex.engines.base import ModelConfig
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models, default_home


@pytest.fixture(scope="package")
def llama() -> Iterator[LlamaCppEngine]:
    """SmolLM2 as it is shipped, Q4_1."""
    engine = LlamaCppEngine(ModelConfig(threads=1, context_size=1024), Models(default_home()))
    yield engine
    engine.unload()


@pytest.fixture(scope="package")
def hf() -> Iterator[HuggingFaceEngine]:
    """SmolLM2 in float32, so that only rounding stands between two ways to compute a thing."""
    config = HuggingFaceConfig(dtype="float32", device="cpu", threads=2)
    engine = HuggingFaceEngine(config, Models(default_home()))
    yield engine
    engine.unload()
