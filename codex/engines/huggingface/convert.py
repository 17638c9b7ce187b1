"""GGUF to a Transformers folder: done once, kept under the cache, and then loaded like any other."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from codex.engines.gguf_header import read_header
from codex.engines.models import identity
from codex.errors import ModelError
from codex.private import FILE, make_folder, tighten

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

log = logging.getLogger(__name__)

FORMAT = 1
"""Raised whenever the conversion writes something else, so that older folders are made again."""

DIGITS_APART = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
"""Vocabularies (tokenizer.ggml.pre) split as GPT-2's with every digit on its own; llama-vocab.cpp."""

GPT2_SPLIT = frozenset({"gpt-2", "mpt", "olmo", "jais", "trillion", "granite-docling"})
"""Vocabularies split by GPT-2's own expression, which is what Transformers takes without being told."""

END_OF_GENERATION = frozenset(
    {
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<|fim_pad|>",
        "<fim-pad>",
        "<fim_pad>",
        "<PAD>",
        "<|fim_repo|>",
        "<|repo_name|>",
        "<fim-repo>",
        "<REPO>",
        "<reponame>",
        "<|file_sep|>",
    }
)
"""Control tokens at which llama.cpp ends an answer, by their text; a GGUF file itself names only one."""


def converted(gguf: Path, cache: Path) -> Path:
    """The Transformers folder that holds what a GGUF file holds, written at the first call.

    Quantized weights are kept as float16, which is exact to 1/50 of a 4-bit step or better; others in
    their own type. An interrupted conversion leaves nothing that would be taken for a model.
    Raises ModelError: not a whole GGUF file, an architecture Transformers cannot read, disk full.
    """
    read_header(gguf)
    converted = cache / "huggingface"
    target = converted / f"{gguf.stem}-{identity(gguf)}-{FORMAT}"
    if target.is_dir():
        return target
    try:
        make_folder(converted)
        with FileLock(converted / ".convert.lock", mode=FILE):
            if not target.is_dir():
                for left in converted.glob(".convert-*/"):
                    shutil.rmtree(left, ignore_errors=True)
                with tempfile.TemporaryDirectory(prefix=".convert-", dir=converted) as work:
                    folder = Path(work) / "model"
                    _convert(gguf, folder)
                    _flush(folder)
                    tighten(folder, deep=True)
                    folder.replace(target)
    except OSError as error:
        raise ModelError(
            f"{gguf.name} could not be converted under {converted}: {error.strerror or error}."
        ) from error
    return target


def _convert(gguf: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, GgufConfig, PreTrainedTokenizerFast
    from transformers.integrations.gguf.reader import read_gguf_metadata

    metadata, _ = read_gguf_metadata(str(gguf), ("tokenizer.ggml.tokens",))
    try:
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent,
            gguf_file=gguf.name,
            dtype=_dtype(gguf),
            quantization_config=GgufConfig(dequantize=True),
        )
        tokenizer = PreTrainedTokenizerFast.from_pretrained(gguf.parent, gguf_file=gguf.name)
    except (ValueError, NotImplementedError, KeyError) as error:
        raise ModelError(
            f"{gguf.name} cannot be read by Transformers: {error} Use engine=llama_cpp for it."
        ) from error
    model.generation_config.eos_token_id = _ends(metadata)
    _split_as_llama_cpp_does(tokenizer, metadata)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _dtype(gguf: Path) -> torch.dtype:
    """The smallest type that keeps the file's values."""
    import torch

    return {"F32": torch.float32, "BF16": torch.bfloat16}.get(read_header(gguf).quantization, torch.float16)


def _ends(metadata: dict[str, object]) -> list[int]:
    """The ids that end an answer: the one the file names, and those llama.cpp knows by their text."""
    tokens = metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, list)
    named = metadata.get("tokenizer.ggml.eos_token_id")
    ends = {at for at, token in enumerate(tokens) if token in END_OF_GENERATION}
    return sorted(ends | ({named} if isinstance(named, int) else set()))


def _split_as_llama_cpp_does(tokenizer: PreTrainedTokenizerFast, metadata: dict[str, object]) -> None:
    """Transformers knows only some of the ways in which byte-level vocabularies split words and numbers."""
    from tokenizers import pre_tokenizers
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    if metadata["tokenizer.ggml.model"] != "gpt2":
        return
    split = metadata.get("tokenizer.ggml.pre", "default")
    if split in DIGITS_APART:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    elif split not in GPT2_SPLIT and split not in GGUF_PRE_TOKENIZER_SPLITS:
        log.warning("Unknown vocabulary %r: words may be split otherwise than llama.cpp splits them.", split)


def _flush(folder: Path) -> None:
    """Bring the files to the disk before they get their name, so that a power cut leaves all or nothing."""
    for file in folder.iterdir():
        with file.open("rb") as data:
            os.fsync(data.fileno())
