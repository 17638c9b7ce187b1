"""A random Llama of a few thousand weights, with a tokenizer of its own: trained in milliseconds."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
END = 2
"""The token that ends an answer."""


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens, and three control tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=259, special_tokens=SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=TEMPLATE,
    )


def tiny_llama(vocabulary: int = 259, seed: int = 0, hidden: int = 16) -> LlamaForCausalLM:
    """Two layers, random, in float32."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=1024,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=END,
    )
    return LlamaForCausalLM(config).eval()


def tiny_folder(folder: Path, sharp: float = 1.0) -> Path:
    """The model and its tokenizer as a Transformers folder.

    sharp: what its logits are multiplied by; at 1 all tokens are about as likely, whatever is trained below.
    """
    model = tiny_llama()
    with torch.no_grad():
        model.lm_head.weight.mul_(sharp)
    model.generation_config.eos_token_id = END
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


class TinyRows:
    """Random rows of 4 to `longest` tokens, of which the second half is trained on."""

    def __init__(self, n: int, vocabulary: int = 259, longest: int = 12, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.lengths: NDArray[np.int64] = rng.integers(4, longest + 1, n)
        self._ids = [rng.integers(3, vocabulary, length).astype(np.int32) for length in self.lengths]

    def ids(self, row: int) -> NDArray[np.int32]:
        return self._ids[row]

    def start(self, row: int) -> int:
        return len(self._ids[row]) // 2


def random_questions(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Sums that no two rows share."""
    seeded = random.Random(seed)
    numbers = seeded.sample(range(10 * n), n)
    return [{"question": f"What is {it} plus one?", "answer": str(it + 1)} for it in numbers]
