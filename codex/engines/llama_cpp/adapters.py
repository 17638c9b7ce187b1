"""Activated LoRA adapters for llama.cpp, which reads them as GGUF: written from PEFT's format."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.engines.gguf_header import read_header
from codex.engines.huggingface.adapters import CONFIG, AdapterManifest, read_manifest, read_weights
from codex.errors import AdapterError

GGUF = "adapter.gguf"
"""In an adapter's folder, beside what it was written from."""
PERMUTED = ("llama",)
"""Architectures whose query and key rows llama.cpp holds in another order than Transformers."""


def gguf_of(folder: Path, model: Path, base: str) -> Path:
    """The adapter in a folder as GGUF, written there the first time.

    model: the GGUF file of the base. base: the same, by `models.model_id`. Raises AdapterError: no adapter,
    damaged, of another base, not an activated one, or for layers that the file does not have.
    """
    manifest = read_manifest(folder)
    if manifest.base != base:
        raise AdapterError(
            f"The adapter {manifest.name} in {folder} was trained for {manifest.base}, and the model is "
            f"{base}: on another model its weights mean nothing. Load its own model."
        )
    path = folder / GGUF
    if not path.is_file():
        _write(folder, manifest, model, path)
    return path


def invocation_of(folder: Path) -> list[int]:
    """The tokens that invoke an adapter. Raises AdapterError."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        return [int(each) for each in config["alora_invocation_tokens"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise AdapterError(
            f"{folder / CONFIG} is not that of an adapter that is switched on for some tokens ({error!r}). "
            "Train it again."
        ) from error


def _write(folder: Path, manifest: AdapterManifest, model: Path, path: Path) -> None:
    import gguf

    header, invocation = read_header(model), invocation_of(folder)
    alpha = float(json.loads((folder / CONFIG).read_bytes())["lora_alpha"])
    architectures = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}
    if header.architecture not in architectures or not header.layers:
        raise AdapterError(f"How llama.cpp names the layers of {header.architecture} is not known.")
    names = gguf.get_tensor_name_map(architectures[header.architecture], header.layers)
    partial = path.with_suffix(f".{os.getpid()}.part")
    writer = gguf.GGUFWriter(partial, header.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    kinds, key = gguf.GGUFValueType, gguf.Keys.Adapter.ALORA_INVOCATION_TOKENS
    writer.add_key_value(key, invocation, kinds.ARRAY, sub_type=kinds.UINT32)
    for each, weights in read_weights(folder, manifest).items():
        layer, letter = each.removeprefix("base_model.model.").removesuffix(".weight").split(".lora_")
        name, value = names.get_name(f"{layer}.weight", (".weight",)), weights.float().numpy()
        if name is None:
            raise AdapterError(f"The adapter in {folder} is for {layer}, which {model} does not have.")
        if letter == "B" and header.architecture in PERMUTED and layer.endswith(("q_proj", "k_proj")):
            value = _permuted(value, header.heads if layer.endswith("q_proj") else header.key_heads)
        writer.add_tensor(f"{name}.lora_{letter.lower()}", np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


def _permuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """[outputs, rank] in llama.cpp's order: of each head the two halves of its rotary pairs interleaved."""
    outputs, rank = rows.shape
    return rows.reshape(heads, 2, outputs // heads // 2, rank).swapaxes(1, 2).reshape(outputs, rank)
