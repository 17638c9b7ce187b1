"""A Transformers model brought into memory, with every way in which that fails said plainly."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from codex import plugins
from codex.engines.base import ModelConfig
from codex.engines.chat_template import check_template
from codex.engines.huggingface.convert import converted
from codex.engines.huggingface.token_bytes import TokenBytes
from codex.errors import ModelError, PluginError
from codex.hub import quiet_progress
from codex.threads import spin_briefly

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


log = logging.getLogger(__name__)


class HuggingFaceConfig(ModelConfig):
    """Settings of the huggingface engine. `device` takes the place of gpu_layers."""

    quantization: Literal["auto", "none", "nf4"] = "auto"
    """4-bit NF4 through bitsandbytes, or none; auto: nf4 on a GPU, none on a CPU."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the weights that are not 4-bit are held in, and computed with; auto: bfloat16."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: a CUDA device where there is one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how the weights are held, with nothing left to "auto"."""

    device: Literal["cpu", "cuda"]
    quantization: Literal["none", "nf4"]
    dtype: Literal["float32", "bfloat16", "float16"]

    @classmethod
    def of(cls, config: HuggingFaceConfig) -> Placement:
        """auto: CUDA where there is one, 4-bit NF4 there and none on a CPU, bfloat16."""
        device = config.device
        if device == "auto":
            spin_briefly()
            import torch

            device = "cuda" if torch.cuda.is_available() else "cpu"
        quantization = config.quantization
        if quantization == "auto":
            quantization = "nf4" if device == "cuda" else "none"
        return cls(device, quantization, "bfloat16" if config.dtype == "auto" else config.dtype)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to run, and what is needed to speak with it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    spelled: TokenBytes
    ends: frozenset[int]
    """Tokens that end an answer."""
    context: int
    """Tokens of prompt and answer together."""


def load_model(config: HuggingFaceConfig, path: Path, cache: Path) -> LoadedModel:
    """Load a Transformers folder or a GGUF file, which is converted under `cache` once.

    Sets the number of compute threads of the calling thread. Raises ModelError: not a model, damaged, of an
    unknown architecture, no CUDA, 4-bit not supported, not enough memory, a chat
    template that does not end.
    """
    spin_briefly()
    import torch

    torch.set_num_threads(config.threads)
    place = Placement.of(config)
    if place.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device. Set engine.device=cpu (or auto), or engine=llama_cpp.")
    with _told_plainly(path, place), quiet_progress():
        model, tokenizer = _read(_folder(path, cache), place)
    said = tokenizer.chat_template or ""
    check_template(said if isinstance(said, str) else "".join(said.values()), path.name)
    ends = model.generation_config.eos_token_id if model.generation_config else None
    named = ends if isinstance(ends, list) else [ends]
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        spelled=TokenBytes(tokenizer),
        ends=frozenset(it for it in [*named, tokenizer.eos_token_id] if it is not None),
        context=min(config.context_size, longest or config.context_size),
    )


def _folder(path: Path, cache: Path) -> Path:
    if path.is_file():
        if path.suffix != ".gguf":
            raise ModelError(
                f"{path} is a single file. The huggingface engine takes a Transformers folder or a GGUF file."
            )
        return converted(path, cache)
    if not (path / "config.json").is_file():
        raise ModelError(f"{path} is not a Transformers model folder: it has no config.json.")
    return path


def _read(folder: Path, place: Placement) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedTokenizerFast

    from codex.engines.huggingface.attention import use_own_attention
    from codex.engines.huggingface.few_rows import use_few_rows

    options: dict[str, Any] = {"dtype": getattr(torch, place.dtype), "device_map": {"": place.device}}
    if place.quantization == "nf4":
        if importlib.util.find_spec("bitsandbytes") is None:
            raise ModelError(
                "4-bit weights need the package bitsandbytes, which is not installed. "
                "Install it, or set engine.quantization=none."
            )
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
    _know_architecture(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelError(f"{folder} has no tokenizer.json, which the huggingface engine needs.")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, **options
    )
    use_few_rows(model)
    use_own_attention(model)
    return model.eval(), tokenizer


def _know_architecture(folder: Path) -> None:
    """Import the models of plug-ins where Transformers does not know a folder's: they register their own."""
    from transformers import CONFIG_MAPPING

    if json.loads((folder / "config.json").read_bytes()).get("model_type") in CONFIG_MAPPING:
        return
    for plugin in plugins.found("models"):
        try:
            plugins.imported(plugin)
        except PluginError as error:
            log.warning("%s", error)


@contextmanager
def _told_plainly(path: Path, place: Placement) -> Iterator[None]:
    """Turns what Transformers, safetensors, torch and bitsandbytes raise into a ModelError."""
    import torch
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise ModelError(
            f"The weights in {path} are damaged or cut short ({error}). Fetch the model again."
        ) from error
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{path} does not fit in the memory of the GPU. Set engine.quantization=nf4, "
            "take a smaller model, or set engine.device=cpu."
        ) from error
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        remedy = "Set engine.quantization=none if 4-bit is the cause." if place.quantization == "nf4" else ""
        raise ModelError(f"{path} cannot be loaded: {error} {remedy}".rstrip()) from error
