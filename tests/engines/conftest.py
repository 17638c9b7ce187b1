"""Fixtures of the engines: each model is loaded once a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codex.engines.base import ModelConfig
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models, default_home
from codex.engines.openai_api.config import ServedConfig
from codex.engines.openai_api.engine import OpenAIEngine


@pytest.fixture(scope="session")
def hf() -> Iterator[HuggingFaceEngine]:
    """SmolLM2 in float32 on the CPU, so that only rounding stands between two ways to compute a thing.

    Converted under the user's own cache, as the model is fetched there: once a machine.
    """
    config = HuggingFaceConfig(dtype="float32", device="cpu", threads=2)
    engine = HuggingFaceEngine(config, Models(default_home()))
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="session")
def llama() -> Iterator[LlamaCppEngine]:
    """SmolLM2 as it is shipped, Q4_1."""
    engine = LlamaCppEngine(ModelConfig(threads=1), Models(default_home()))
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="session")
def served(llama: LlamaCppEngine) -> Iterator[OpenAIEngine]:
    """An engine on the HTTP port of the same llama.cpp that `llama` uses in this process."""
    server = llama._ready().server
    name = str(llama._models.resolve(llama.config.model_path, gguf=True))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CODEX_TEST_KEY", server._key)
        config = ServedConfig(
            model_path=name, base_url=f"http://{server._address}/v1", api_key_env="CODEX_TEST_KEY"
        )
        engine = OpenAIEngine(config)
        engine.load()
        yield engine
        engine.unload()
