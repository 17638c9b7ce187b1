"""Activated LoRA: an adapter that is on from the tokens that invoke it; what comes before is the base's own.

Greenewald et al. 2025, arXiv:2504.12397. So the states of a conversation serve the model and its adapter
alike, and an adapter costs the pass over the invoking tokens. In PEFT's format, with its
`alora_invocation_tokens`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from codex.engines.huggingface.adapters import (
    CONFIG,
    MANIFEST,
    WEIGHTS,
    AdapterManifest,
    check_effect,
    read_manifest,
    read_weights,
)
from codex.engines.huggingface.switched import Pair, Switched
from codex.errors import AdapterError
from codex.outputs import file_sha256

KEPT = 12
"""Adapters of a model that stay in memory: two verifiers with their folds."""
_PREFIX = "base_model.model."
"""Of the names that PEFT gives to a model's modules."""


@dataclass(frozen=True, slots=True)
class Activated:
    """An adapter, ready to be switched on."""

    switched: Switched
    invocation: list[int]
    """A prompt that it is meant for ends with these tokens, and it is on for them alone."""


def write_activated(
    made: Path,
    weights: Mapping[str, Pair],
    alpha: int,
    invocation: Sequence[int],
    manifest: AdapterManifest,
) -> AdapterManifest:
    """Write an adapter into a folder that is being made. Returns the manifest as written.

    weights: A and B by the name of the linear layer. Raises AdapterError where they have no effect; OSError.
    """
    from peft import LoraConfig
    from safetensors.torch import save_file

    named = {
        f"{_PREFIX}{name}.lora_{letter}.weight": weight.detach().float().cpu().contiguous()
        for name, pair in weights.items()
        for letter, weight in zip("AB", pair, strict=True)
    }
    check_effect(named, made)
    config = LoraConfig(
        r=next(iter(weights.values()))[0].shape[0],
        lora_alpha=alpha,
        target_modules=sorted(weights),
        task_type="CAUSAL_LM",
        base_model_name_or_path=manifest.base,
        alora_invocation_tokens=list(invocation),
        inference_mode=True,
    )
    made.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(str(made))
    save_file(named, str(made / WEIGHTS), metadata={"format": "pt"})
    manifest = manifest.model_copy(update={"weights_sha256": file_sha256(made / WEIGHTS)})
    (made / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


def load_activated(folder: Path, model: PreTrainedModel, base: str) -> Activated:
    """Read an adapter for a model, whose layers stay as they are.

    base: the model, by `models.model_id`. Raises AdapterError: no adapter, damaged, without effect, of
    another base, not an activated one, or not of this model's layers.
    """
    manifest = read_manifest(folder)
    if manifest.base != base:
        raise AdapterError(
            f"The adapter {manifest.name} in {folder} was trained for {manifest.base}, and the model is "
            f"{base}: on another model its weights mean nothing. Load its own model."
        )
    weights = read_weights(folder, manifest)
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        invocation = [int(each) for each in config["alora_invocation_tokens"]]
        scaling = float(config["lora_alpha"]) / int(config["r"])
        if not invocation:
            raise ValueError("alora_invocation_tokens is empty")
    except (OSError, ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise AdapterError(
            f"{folder / CONFIG} is not that of an adapter that is switched on for some tokens ({error!r}). "
            "Train it again."
        ) from error
    return Activated(Switched(_pairs(weights, model, folder), scaling), invocation)


def _pairs(weights: Mapping[str, Tensor], model: PreTrainedModel, folder: Path) -> dict[nn.Module, Pair]:
    """Each weight must have its counterpart, and a linear layer of its size. Raises AdapterError."""
    modules = dict(model.named_modules())
    left = dict(weights)
    pairs: dict[nn.Module, Pair] = {}
    for key in weights:
        if not key.endswith(".lora_A.weight"):
            continue
        name = key.removesuffix(".lora_A.weight")
        module = modules.get(name.removeprefix(_PREFIX))
        if not isinstance(module, nn.Linear):
            raise AdapterError(
                f"The adapter in {folder} is for {name.removeprefix(_PREFIX)}, and the model has no such "
                "linear layer. Load the model that it was trained on."
            )
        a, b = left.pop(key), left.pop(f"{name}.lora_B.weight", None)
        if b is None or a.ndim != 2 or b.shape != (module.out_features, a.shape[0]):
            raise AdapterError(f"In the adapter in {folder} {name}.lora_B is missing or of another size.")
        if a.shape[1] != module.in_features:
            raise AdapterError(
                f"The adapter in {folder} has {a.shape[1]} inputs for {name.removeprefix(_PREFIX)}, which "
                f"has {module.in_features}. Load the model that it was trained on."
            )
        device = module.weight.device
        pairs[module] = a.to(device, torch.float32), b.to(device, torch.float32)
    if left or not pairs:
        odd = next(iter(left), "nothing")
        raise AdapterError(f"The adapter in {folder} holds {odd}, which belongs to no layer. Train it again.")
    return pairs


class Adapters:
    """Those of one loaded model, each read once. Not thread-safe."""

    def __init__(self, model: PreTrainedModel, base: str) -> None:
        """base: the model, by `models.model_id`."""
        self._model, self._base = model, base
        self._read: dict[Path, Activated] = {}

    def get(self, folder: Path) -> Activated:
        """An adapter by its folder, which is not written to any more. Raises AdapterError."""
        if folder not in self._read:
            self._read[folder] = load_activated(folder, self._model, self._base)
            while len(self._read) > KEPT:
                del self._read[next(iter(self._read))]
        return self._read[folder]
