"""An adapter written into the weights of its model: a model of its own, for any engine that reads folders."""

from __future__ import annotations

from pathlib import Path

import torch

from codex.engines.base import ModelConfig
from codex.engines.huggingface.adapters import MANIFEST, apply_adapter, read_manifest
from codex.engines.huggingface.loading import HuggingFaceConfig, load_model
from codex.engines.models import Models, model_id
from codex.errors import Conflict, TrainingError
from codex.hub import quiet_progress
from codex.outputs import output_folder
from codex.private import make_folder


def merge(adapter: Path, engine: ModelConfig, models: Models, folder: Path) -> None:
    """Write the model of an engine's settings with an adapter in its weights, as a Transformers folder.

    The sum is taken in float32 and kept in float16. Raises AdapterError: no adapter, or one of another model;
    Conflict where the folder is there; ModelError; TrainingError where it cannot be written.
    """
    manifest = read_manifest(adapter)
    if folder.exists():
        raise Conflict(f"{folder} is there already: take another folder.")
    path = models.resolve(engine.model_path)
    how = HuggingFaceConfig(
        model_path=engine.model_path,
        threads=engine.threads,
        quantization="none",
        dtype="float32",
        device="cpu",
    )
    loaded = load_model(how, path, models.cache)
    adapted = apply_adapter(loaded.model, adapter, model_id(engine.model_path, path))
    merged = adapted.merge_and_unload().to(torch.float16)
    try:
        make_folder(folder.parent)
        with output_folder(folder) as made, quiet_progress():
            merged.save_pretrained(made)
            loaded.tokenizer.save_pretrained(made)
            (made / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error
