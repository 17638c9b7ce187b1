"""Where text comes from: one contract, several engines."""

from __future__ import annotations

import ctypes
from typing import Literal, get_args

from codex import plugins
from codex.engines.base import Engine, EngineConfig, ModelConfig
from codex.engines.models import Models

EngineName = Literal["llama_cpp", "huggingface", "openai_api"]
"""The engines that ship with Codex; plug-ins add more."""


def preferred_engine() -> EngineName:
    """huggingface where there is a CUDA device, else llama_cpp.

    Asks the driver, not torch: importing torch costs seconds and memory that llama_cpp never needs.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "llama_cpp"
    count = ctypes.c_int(0)
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return "huggingface" if found and count.value > 0 else "llama_cpp"


def create(name: str, config: EngineConfig, models: Models, key: str | None = None) -> Engine:
    """An engine, not loaded yet. An engine's own packages are imported only when it is the one chosen.

    name: one that ships, or a plug-in's. key: of a server; None: the one that the configuration names.
    Raises PluginError.
    """
    if name == "huggingface":
        from codex.engines.huggingface.engine import HuggingFaceEngine
        from codex.engines.huggingface.loading import HuggingFaceConfig

        return HuggingFaceEngine(HuggingFaceConfig.model_validate(config, from_attributes=True), models)
    if name == "openai_api":
        from codex.engines.openai_api.config import ServedConfig
        from codex.engines.openai_api.engine import OpenAIEngine

        return OpenAIEngine(ServedConfig.model_validate(config, from_attributes=True), key)
    if name in plugins.names("engines") and name not in get_args(EngineName):
        from codex.engines.added import make

        return make(name, config, models)
    from codex.engines.llama_cpp.engine import LlamaCppEngine

    return LlamaCppEngine(ModelConfig.model_validate(config, from_attributes=True), models)
