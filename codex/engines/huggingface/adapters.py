"""Adapters: folders with low-rank weights for one base model, checked before they have any effect."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from codex.errors import AdapterError
from codex.outputs import file_sha256, output_folder
from codex.private import make_folder

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor
    from transformers import PreTrainedModel

MANIFEST = "codex.json"
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_AGAIN = "Train it again, or take another folder."


class AdapterManifest(BaseModel):
    """What an adapter is, how it was trained, and for which model."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    format: int = 1
    """Raised when a newer manifest means something else."""
    kind: str
    """What it was trained for: "answerer", "verifier"."""
    name: str
    """What people call it."""
    base: str
    """The base model by `models.model_id`, as engines' fingerprints name it."""
    base_sha256: str
    """Of the base model's file, or of its weights in the order of their names."""
    prompt: str
    """The fingerprint of the prompt templates that it was trained under."""
    settings: dict[str, Any]
    """Of the training."""
    data_sha256: str
    """Of the rows that it was trained on, with their order and the tokenizer."""
    rows: int
    """Trained on."""
    steps: int
    """Updates of the weights that these weights have seen."""
    metrics: dict[str, float]
    """Of the validation rows, by name."""
    created_at: str
    """ISO 8601, in UTC."""
    versions: dict[str, str]
    """Of the packages that trained it."""
    weights_sha256: str = ""
    """Of the file of weights; written by `save_adapter`."""


def save_adapter(model: PeftModel, folder: Path, manifest: AdapterManifest) -> AdapterManifest:
    """Write the active adapter with its manifest into a folder, whole or not at all.

    An adapter that is there is replaced. Returns the manifest as written. Raises AdapterError: the weights
    have no effect or are not finite, or the disk is full.
    """
    from peft import get_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    name = str(model.active_adapter)
    held = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    weights = {key: value.detach().cpu().contiguous() for key, value in held.items()}
    check_effect(weights, folder)
    config = copy.copy(model.peft_config[name])
    config.inference_mode, config.base_model_name_or_path = True, manifest.base
    try:
        make_folder(folder.parent)
        with output_folder(folder) as made:
            save_file(weights, made / WEIGHTS, metadata={"format": "pt"})
            config.save_pretrained(str(made))
            manifest = manifest.model_copy(update={"weights_sha256": file_sha256(made / WEIGHTS)})
            (made / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise AdapterError(
            f"{folder} cannot be written: {why}. What was there before is kept; make room, and save it again."
        ) from error
    return manifest


def read_manifest(folder: Path) -> AdapterManifest:
    """What an adapter's folder says of itself. Raises AdapterError: no adapter, or one cut off."""
    missing = [name for name in (MANIFEST, CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        there = "has no " + ", ".join(missing) if folder.is_dir() else "is not there"
        raise AdapterError(f"{folder} is no adapter: it {there}. {_AGAIN}")
    try:
        return AdapterManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (ValidationError, OSError) as error:
        raise AdapterError(f"{folder / MANIFEST} cannot be read: {error}. {_AGAIN}") from error


def apply_adapter(
    model: PreTrainedModel,
    folder: Path,
    base_fingerprint: str,
    *,
    name: str = "default",
    trainable: bool = False,
) -> PeftModel:
    """The model with an adapter on it, in place and switched on.

    base_fingerprint: of the model, by `models.model_id`. name: under which it is switched on and off; a model
    that has adapters takes another one beside them. Raises AdapterError, and the model stays as it was: the
    folder is no adapter, damaged, empty, made for another model, or fits no layer of this one.
    """
    manifest = read_manifest(folder)
    if manifest.base != base_fingerprint:
        raise AdapterError(
            f"The adapter {manifest.name} in {folder} was trained for {manifest.base}, and the model is "
            f"{base_fingerprint}: on another model its weights mean nothing. Load its own model."
        )
    weights = read_weights(folder, manifest)
    config = _config(folder, trainable)
    _check_targets(model, weights, folder)
    return _applied(model, folder, config, weights, name, trainable)


def base_sha256(path: Path) -> str:
    """Of a model's file; of a folder one digest over its weights, in the order of their names."""
    if path.is_file():
        return file_sha256(path)
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.safetensors")):
        digest.update(f"{file.name} {file_sha256(file)}\n".encode())
    return digest.hexdigest()


@contextmanager
def quiet_peft() -> Iterator[None]:
    """peft calls what Transformers deprecates, and a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def read_weights(folder: Path, manifest: AdapterManifest) -> dict[str, Tensor]:
    """The weights of an adapter by PEFT's names. Raises AdapterError: damaged, empty, without effect."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if file_sha256(folder / WEIGHTS) != manifest.weights_sha256:
        raise AdapterError(f"{folder / WEIGHTS} is not the file that was written: damaged. {_AGAIN}")
    try:
        weights = load_file(str(folder / WEIGHTS))
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{folder / WEIGHTS} cannot be read: {error}. {_AGAIN}") from error
    check_effect(weights, folder)
    return weights


def check_effect(weights: dict[str, Tensor], folder: Path) -> None:
    """Raises AdapterError where an adapter changes nothing, or breaks everything."""
    if not weights:
        raise AdapterError(f"The adapter for {folder} is empty: it has no weights. {_AGAIN}")
    if any(not value.isfinite().all() for value in weights.values()):
        raise AdapterError(f"The adapter for {folder} holds values that are not finite. {_AGAIN}")
    outer = [value for key, value in weights.items() if "lora_B" in key]
    if outer and not any(value.any() for value in outer):
        raise AdapterError(f"The adapter for {folder} has no effect: it was never trained. {_AGAIN}")


def _config(folder: Path, trainable: bool) -> Any:
    from peft import PeftConfig

    try:
        config = PeftConfig.from_pretrained(str(folder))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise AdapterError(f"{folder / CONFIG} cannot be read: {error}. {_AGAIN}") from error
    config.inference_mode = not trainable
    return config


def _check_targets(model: PreTrainedModel, weights: dict[str, Tensor], folder: Path) -> None:
    """Raises AdapterError unless each adapted layer is there: what peft would leave out would do nothing."""
    layers = {_layer(key.split(".lora_")[0]) for key in weights if ".lora_" in key}
    if not layers:
        raise AdapterError(f"The adapter in {folder} has weights for no layer. {_AGAIN}")
    absent = sorted(layers - {_layer(part.replace(".base_layer", "")) for part, _ in model.named_modules()})
    if absent:
        raise AdapterError(
            f"The adapter in {folder} is for layers that the model does not have, such as {absent[0]}. "
            "Load the model that it was trained on."
        )


def _layer(name: str) -> str:
    return name.removeprefix("base_model.model.")


def _applied(
    model: PreTrainedModel, folder: Path, config: Any, weights: dict[str, Tensor], name: str, trainable: bool
) -> PeftModel:
    from peft import PeftModel, set_peft_model_state_dict

    adapted: PeftModel | None = model if isinstance(model, PeftModel) else None
    try:
        if adapted is not None:
            adapted.add_adapter(name, config)
        else:
            with quiet_peft():
                adapted = PeftModel(model, config, adapter_name=name)
        found: Any = set_peft_model_state_dict(adapted, weights, adapter_name=name)
        missing = [key for key in found.missing_keys if "lora_" in key and f".{name}." in key]
        if missing or found.unexpected_keys:
            odd = (missing or list(found.unexpected_keys))[0]
            raise ValueError(f"the weights {odd} are {'missing' if missing else 'not those of a layer'}")
    except (ValueError, RuntimeError, KeyError) as error:
        _taken_off(model, name)
        raise AdapterError(f"The adapter in {folder} does not fit the model: {error}. {_AGAIN}") from error
    adapted.set_adapter(name)
    for key, value in adapted.named_parameters():
        if "lora_" in key and f".{name}." in key:
            value.requires_grad_(trainable)
    return adapted.train(trainable)


def _taken_off(model: PreTrainedModel, name: str) -> None:
    """Undo what peft injected before it failed."""
    from peft import PeftModel
    from peft.tuners.tuners_utils import BaseTunerLayer

    if isinstance(model, PeftModel):
        if name in model.peft_config:
            model.delete_adapter(name)
        return
    for part, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, own = part.rpartition(".")
            setattr(model.get_submodule(parent), own, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config
