"""Random models of a few layers with SmolLM2's tokenizer: made in a second, as small as models can be."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

from codex.engines.huggingface.convert import converted
from codex.engines.models import DEFAULT_MODEL, Models, default_home

VOCABULARY = 49152
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}


def tiny_model(folder: Path, layers: int = 4, seed: int = 0, kind: str = "llama") -> Path:
    """A folder with a model in float32.

    Its weights are larger than a fresh model's, so that a prompt changes what comes after it.
    """
    torch.manual_seed(seed)
    made: PreTrainedModel
    if kind == "qwen2":
        made = Qwen2ForCausalLM(Qwen2Config(**SIZES, num_hidden_layers=layers))
    else:
        made = LlamaForCausalLM(LlamaConfig(**SIZES, num_hidden_layers=layers))
    with torch.no_grad():
        made.get_input_embeddings().weight.mul_(40)
        for name, weight in made.named_parameters():
            if "layers" in name and weight.ndim == 2:
                weight.mul_(12 if "attn" in name else 8)
    made.save_pretrained(folder)
    shelf = Models(default_home())
    source = converted(shelf.resolve(DEFAULT_MODEL), shelf.cache)
    for file in source.iterdir():
        if file.name.startswith(("tokenizer", "special_tokens", "chat_template", "generation_config")):
            shutil.copy(file, folder / file.name)
    return folder
