"""GGUF files made into Transformers folders, on a model small enough to convert in every test."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFWriter, dequantize, quantize
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from codex.engines.base import GenerationParams
from codex.engines.huggingface import convert
from codex.engines.huggingface.convert import converted
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models, identity
from codex.errors import ModelError, PromptTooLong

HIDDEN, HEADS, FEED = 64, 2, 96
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write_gguf(
    path: Path, architecture: str = "llama", split: str = "smollm", seed: int = 0
) -> dict[str, np.ndarray]:
    """A one-layer model of random Q8_0 weights over the 256 bytes; returns the weights as stored."""
    tokens = [*SPECIALS, *sorted(bytes_to_unicode().values()), "12"]
    writer = GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(1)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(7)  # MOSTLY_Q8_0
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIALS) + [1] * (len(tokens) - len(SPECIALS)))
    writer.add_token_merges(["1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    shapes = {
        "token_embd": (len(tokens), HIDDEN),
        "blk.0.attn_q": (HIDDEN, HIDDEN),
        "blk.0.attn_k": (HIDDEN, HIDDEN),
        "blk.0.attn_v": (HIDDEN, HIDDEN),
        "blk.0.attn_output": (HIDDEN, HIDDEN),
        "blk.0.ffn_gate": (FEED, HIDDEN),
        "blk.0.ffn_up": (FEED, HIDDEN),
        "blk.0.ffn_down": (HIDDEN, FEED),
    }
    kind, random = GGMLQuantizationType.Q8_0, np.random.default_rng(seed)
    stored = {}
    for name, shape in shapes.items():
        packed = quantize(random.normal(0, 0.3, shape).astype(np.float32), kind)
        writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
        stored[name] = dequantize(packed, kind)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return stored


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    write_gguf(path)
    return path


def test_the_folder_holds_the_weights_of_the_file(tmp_path: Path) -> None:
    gguf = tmp_path / "tiny.gguf"
    stored = write_gguf(gguf)
    weights = load_file(converted(gguf, tmp_path / "cache") / "model.safetensors")
    for name, there in (("token_embd", "embed_tokens"), ("blk.0.ffn_down", "layers.0.mlp.down_proj")):
        kept = weights[f"model.{there}.weight"]
        assert kept.dtype == torch.float16
        # Half a unit in the last of eleven bits.
        assert np.allclose(kept.float().numpy(), stored[name], rtol=2**-11, atol=1e-7)


def test_the_folder_loads_as_a_model_that_answers(gguf: Path, tmp_path: Path) -> None:
    folder = converted(gguf, tmp_path / "cache")
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.generation_config.eos_token_id == [0, 2], "as llama.cpp, not only the one the file names"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.decode(tokenizer.encode("Γειά 12!")) == "Γειά 12!"
    engine = HuggingFaceEngine(
        HuggingFaceConfig(model_path=str(gguf), device="cpu", threads=2), Models(tmp_path)
    )
    assert len(engine.embed("a")) == HIDDEN
    with pytest.raises(PromptTooLong) as caught:
        engine.complete("a" * 128, GenerationParams(max_tokens=1))
    assert caught.value.room == 127, "the model's own context is smaller than the one that is set"
    assert engine.fingerprint == f"huggingface:tiny@{identity(gguf)}:bfloat16"
    engine.unload()


def test_digits_stand_apart_where_the_vocabulary_says_so(gguf: Path, tmp_path: Path) -> None:
    apart = AutoTokenizer.from_pretrained(converted(gguf, tmp_path / "cache"))
    other = tmp_path / "gpt2.gguf"
    write_gguf(other, split="gpt-2")
    together = AutoTokenizer.from_pretrained(converted(other, tmp_path / "cache"))
    assert apart.tokenize("12") == ["1", "2"]
    assert together.tokenize("12") == ["12"]


def test_an_unknown_vocabulary_is_used_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "odd.gguf"
    write_gguf(path, split="never-heard-of")
    with caplog.at_level(logging.WARNING, logger="codex"):
        converted(path, tmp_path / "cache")
    assert "never-heard-of" in caplog.text


def test_a_file_is_converted_once_also_when_many_ask(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversions = []
    real = convert._convert
    monkeypatch.setattr(
        convert, "_convert", lambda source, folder: (conversions.append(source), real(source, folder))
    )
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(converted(gguf, tmp_path / "cache"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(folders) == 4
    assert len(set(folders)) == 1
    assert conversions == [gguf]


def test_other_weights_under_the_same_name_are_converted_again(gguf: Path, tmp_path: Path) -> None:
    first = converted(gguf, tmp_path / "cache")
    write_gguf(gguf, seed=1)
    assert converted(gguf, tmp_path / "cache") != first


def test_an_interrupted_conversion_is_never_taken_for_a_model(
    gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(source: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(convert, "_convert", die)
        with pytest.raises(KeyboardInterrupt):
            converted(gguf, tmp_path / "cache")
    shelf = tmp_path / "cache" / "huggingface"
    # What a power cut leaves, which no `finally` cleans up.
    (shelf / ".convert-killed" / "model").mkdir(parents=True)
    folder = converted(gguf, tmp_path / "cache")
    assert (folder / "model.safetensors").is_file()
    assert [it.name for it in shelf.iterdir() if it.is_dir()] == [folder.name]


def test_a_truncated_file_is_refused(gguf: Path, tmp_path: Path) -> None:
    gguf.write_bytes(gguf.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="cut short"):
        converted(gguf, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_architecture_transformers_cannot_read_names_the_other_engine(tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    write_gguf(path, architecture="plamo")
    with pytest.raises(ModelError, match=r"plamo.*engine=llama_cpp"):
        converted(path, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(ModelError, match="could not be converted under"):
        converted(gguf, tmp_path / "cache")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="Transformers folder or a GGUF file"):
        HuggingFaceEngine(HuggingFaceConfig(model_path=str(path)), Models(tmp_path)).load()
