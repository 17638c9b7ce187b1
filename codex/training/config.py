"""What can be set of a training, and of the data that it reads."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from hydra.errors import HydraException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codex.errors import SettingsError

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of Llama, Qwen and their kin, by the last part of their names."""
PREFIX = "train."
"""Of the settings of a training on the command line."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Lora(_Settings):
    """Low-rank adaptation: the weights stay, a product of two small matrices is added to each layer.

    Hu et al. 2021, arXiv:2106.09685.
    """

    rank: int = Field(16, ge=1, le=1024)
    """Of the product that is added to a layer."""
    alpha: float = Field(32.0, gt=0.0)
    """The product is scaled by alpha / rank."""
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """Share of a layer's inputs that the product does not see, at random, while it is trained."""
    targets: tuple[str, ...] = Field(TARGETS, min_length=1)
    """The layers that are adapted, by the last part of their names."""


class DataConfig(_Settings):
    """Which rows are trained on."""

    validation: float = Field(0.1, ge=0.0, lt=1.0)
    """Share of the calibration half of the split that is not trained on, and measures the training; the test
    half is never read."""
    overlong: Literal["leave_out", "cut"] = "leave_out"
    """A row of more than max_tokens is left out, or the end of its answer is cut; both are counted."""
    shortest: int = Field(1, ge=1)
    """Characters of an answer or a text below which its row is left out."""
    duplicates: bool = Field(False, strict=True)
    """Whether rows are kept that say the same as an earlier one, but for case, punctuation and spaces."""
    redact: tuple[Literal["secrets", "emails", "phones"], ...] = ("secrets", "emails", "phones")
    """What is replaced in every text: keys and passwords, e-mail addresses, phone numbers."""


class TrainConfig(_Settings):
    """How a model is trained; the same for both engines."""

    engine: Literal["loop", "hf"] = "loop"
    """Codex's own loop, or the Trainer of Transformers; their losses agree."""
    epochs: float = Field(3.0, gt=0.0)
    """Passes over the rows; a part of one is possible."""
    steps: int | None = Field(None, ge=1)
    """Updates of the weights in all, in place of epochs; none: by epochs."""
    batch_size: int = Field(4, ge=1)
    """Rows that pass the model at once."""
    accumulate: int = Field(4, ge=1)
    """Batches whose gradients are summed for one update: fewer rows at once, the same result."""
    learning_rate: float = Field(2e-4, gt=0.0)
    """Its largest value."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """How the learning rate falls after the warmup: not at all, in a line to 0, along a cosine to 0."""
    warmup: float = Field(0.03, ge=0.0, lt=1.0)
    """Share of the updates during which the learning rate rises from 0."""
    weight_decay: float = Field(0.0, ge=0.0)
    """Of matrices; biases and norms have none."""
    clip: float | None = Field(1.0, gt=0.0)
    """Longest gradient, by the 2-norm; a longer one is scaled down. none: as it is."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """What is computed in; what is trained stays fp32. auto: bf16 where the processor has it, else fp32.
    fp16, with a scaler of the loss, needs a GPU."""
    lora: Lora | None = Lora()
    """none: all weights are trained."""
    quantization: Literal["none", "nf4"] = "none"
    """Whether the weights under the adapter are held in 4 bits (QLoRA, arXiv:2305.14314)."""
    gradient_checkpointing: bool = Field(False, strict=True)
    """Whether activations are computed again on the way back: less memory, a third more time."""
    packing: bool = Field(False, strict=True)
    """Whether several short rows share one of max_tokens, without seeing each other."""
    max_tokens: int = Field(1024, ge=8)
    """Tokens of a row, its question with its answer; at most the model's context."""
    evaluate_every: int | None = Field(None, ge=1)
    """Updates between two looks at the validation rows; none: at the end of each epoch."""
    generate_every: int = Field(0, ge=0)
    """Updates between two rounds of greedy answers to held-out questions, which are graded; 0: none."""
    generate: int = Field(64, ge=1)
    """Held-out questions that are answered in a round, drawn by their text."""
    generate_tokens: int = Field(64, ge=1)
    """The longest such answer."""
    patience: int | None = Field(None, ge=1)
    """Evaluations in a row without a lower loss after which training stops; none: it never does."""
    save_every: int = Field(100, ge=1)
    """Updates between two checkpoints; each evaluation writes one too."""
    keep: int = Field(1, ge=1)
    """Best checkpoints that are kept, by the validation loss, beside the newest."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Of the order of the rows, the adapter's first weights, and dropout."""
    deterministic: bool = Field(False, strict=True)
    """Whether only deterministic operations are used; on a CPU a training then repeats bit by bit."""
    threads: int | None = Field(None, ge=1)
    """Compute threads; none: engine.threads."""
    tracker: Literal["none", "tensorboard", "mlflow", "wandb"] = "none"
    """Where metrics are written beside metrics.ndjson and metrics.csv; each needs the extra of its name."""
    data: DataConfig = DataConfig()
    """Which rows are trained on."""


def configured(overrides: Sequence[str]) -> tuple[TrainConfig, list[str]]:
    """The settings of a training, from `train.KEY=VALUE`, and the overrides that are not about it.

    `train.lora=null` trains all weights. Raises SettingsError naming the key, the value and the nearest key.
    """
    values: dict[str, Any] = {}
    others: list[str] = []
    for text in overrides:
        if text.startswith(PREFIX):
            _put(values, text)
        else:
            others.append(text)
    try:
        return TrainConfig.model_validate(values), others
    except ValidationError as error:
        wrong = error.errors()
        keys = [PREFIX + ".".join(map(str, each["loc"])) for each in wrong]
        parts = [_in_words(key, each) for key, each in zip(keys, wrong, strict=True)]
        raise SettingsError("Wrong setting: " + " ".join(parts), keys) from error


def keys(model: type[BaseModel] = TrainConfig, prefix: str = PREFIX) -> dict[str, tuple[object, str]]:
    """Every setting with its default and what it is, by its name on the command line."""
    found: dict[str, tuple[object, str]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            found |= keys(type(field.default), f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = (field.default, " ".join((field.description or "").split()))
    return found


def _put(values: dict[str, Any], text: str) -> None:
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException as error:
        raise SettingsError(f"Cannot read the setting {text!r}: write it as key=value.", [text]) from error
    if override.type is not OverrideType.CHANGE or override.is_sweep_override():
        raise SettingsError(f"Cannot read the setting {text!r}: write it as key=value.", [text])
    *groups, name = override.key_or_group.removeprefix(PREFIX).split(".")
    held = values
    for group in groups:
        held = held.setdefault(group, {})
        if not isinstance(held, dict):
            raise SettingsError(f"{PREFIX}{group} is none: {text!r} has no effect.", [text])
    held[name] = override.value()


def _in_words(key: str, error: Any) -> str:
    if error["type"] == "extra_forbidden":
        known = [*keys(), "train.lora"]
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
        return f"there is no {key}" + (f"; did you mean {near[0]}?" if near else ".")
    return f"{key} = {error['input']!r}: {error['msg'].removeprefix('Value error, ')}."
