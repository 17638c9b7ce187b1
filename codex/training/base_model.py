"""The model that is trained: loaded for it, with an adapter on it, and how it is named afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from codex.engines.base import EngineConfig, ModelConfig
from codex.engines.huggingface.adapters import base_sha256, quiet_peft
from codex.engines.huggingface.loading import HuggingFaceConfig, LoadedModel, load_model
from codex.engines.models import Models, model_id
from codex.errors import InvalidInput
from codex.training.config import Lora, TrainConfig
from codex.training.state import computed_in, seed_all
from codex.training.tokenizer_checks import check_fit

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Base:
    """A model before it is trained."""

    loaded: LoadedModel
    fingerprint: str
    """By `models.model_id`: the same whatever its weights are held in."""
    sha256: str
    """Of its file, or its weights."""
    name: str
    """What the user calls it."""

    @property
    def identity(self) -> Mapping[str, object]:
        """What makes a training one of this model."""
        return {"base": self.fingerprint, "base_sha256": self.sha256}


def of_this_machine(engine: EngineConfig) -> ModelConfig:
    """The settings of an engine that holds its model itself. Raises InvalidInput for a server's."""
    if not isinstance(engine, ModelConfig):
        raise InvalidInput("A model behind a server cannot be trained: set engine=huggingface.", ["engine"])
    return engine


def load_base(engine: ModelConfig, models: Models, config: TrainConfig) -> Base:
    """Load the model of an engine's settings for training; a GGUF file is converted once.

    Its weights are held in the precision of the training under an adapter, in float32 where they are trained
    themselves. Raises ModelError; InvalidInput where 4-bit weights would be trained.
    """
    if config.quantization == "nf4" and config.lora is None:
        raise InvalidInput(
            "4-bit weights cannot be trained, only an adapter on them: leave train.lora as it is, or set "
            "train.quantization=none.",
            ["train.quantization"],
        )
    device = getattr(engine, "device", "auto")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = computed_in(config, torch.device(device))
    dtype = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}[precision]
    how = HuggingFaceConfig(
        model_path=engine.model_path,
        context_size=max(engine.context_size, config.max_tokens),
        threads=config.threads or engine.threads,
        quantization=config.quantization,
        dtype="float32" if config.lora is None else dtype,
        device=device,
    )
    path = models.resolve(engine.model_path)
    loaded = load_model(how, path, models.cache)
    check_fit(loaded.tokenizer, loaded.model.config, loaded.model.generation_config, engine.model_path)
    if config.gradient_checkpointing:
        loaded.model.activation_checkpointing_enable({"use_reentrant": False})
    return Base(loaded, model_id(engine.model_path, path), base_sha256(path), engine.model_path)


def trainable(model: PreTrainedModel, config: TrainConfig) -> nn.Module:
    """The model as it is trained: with a new adapter alone, or with all its weights.

    Raises InvalidInput for an adapter of layers that the model does not have.
    """
    if config.lora is None:
        model.requires_grad_(True)
        return model
    return with_adapter(model, config.lora, config.seed)


def with_adapter(model: PreTrainedModel, lora: Lora, seed: int) -> PeftModel:
    """The model with a new adapter, which changes nothing yet; its weights are frozen.

    Raises InvalidInput for layers that the model does not have.
    """
    from peft import LoraConfig, get_peft_model

    seed_all(seed)
    how = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type="CAUSAL_LM",
    )
    absent = [each for each in lora.targets if not _has_layer(model, each)]
    if absent:
        there = sorted({name.rpartition(".")[2] for name, it in model.named_modules() if _is_linear(it)})
        raise InvalidInput(
            f"The model has no layer {absent[0]!r} to adapt. Set train.lora.targets=[…] to some of: "
            f"{', '.join(there)}.",
            ["train.lora.targets"],
        )
    with quiet_peft():
        adapted = get_peft_model(model, how)
    return cast("PeftModel", adapted)


def _has_layer(model: nn.Module, target: str) -> bool:
    return any(name.rpartition(".")[2] == target or name == target for name, _ in model.named_modules())


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, torch.nn.Linear)
