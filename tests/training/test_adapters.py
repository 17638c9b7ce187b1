"""Adapters change what they are meant to change, or are an error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from codex.engines.huggingface.adapters import (
    CONFIG,
    MANIFEST,
    WEIGHTS,
    AdapterManifest,
    apply_adapter,
    read_manifest,
    save_adapter,
)
from codex.errors import AdapterError, InvalidInput
from codex.outputs import file_sha256
from codex.training.base_model import with_adapter
from codex.training.config import Lora
from tests.support.full_disk import file_size_limit
from tests.support.tiny_llama import tiny_llama

BASE = "tiny@0123456789ab"
IDS = torch.arange(3, 23)[None]
LORA = Lora(rank=4, targets=("q_proj", "down_proj"))


def manifest(**other: object) -> AdapterManifest:
    told = {
        "kind": "answerer",
        "name": "sums",
        "base": BASE,
        "base_sha256": "0" * 64,
        "prompt": "p",
        "settings": {},
        "data_sha256": "1" * 64,
        "rows": 3,
        "steps": 2,
        "metrics": {"validation_loss": 0.5},
        "created_at": "2026-11-29T12:00:00+00:00",
        "versions": {"peft": "0.21.0"},
    }
    return AdapterManifest.model_validate(told | other)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter with effect."""
    model = with_adapter(tiny_llama(), LORA, seed=1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.1)
    save_adapter(model, tmp_path / "adapter", manifest())
    return tmp_path / "adapter"


def logits(model: torch.nn.Module) -> Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits


def rewritten(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Weights of somebody's own making, with a manifest that says they are whole."""
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)
    told = json.loads((folder / MANIFEST).read_bytes()) | {"weights_sha256": file_sha256(folder / WEIGHTS)}
    (folder / MANIFEST).write_text(json.dumps(told))


def test_an_adapter_that_was_saved_is_the_one_that_is_applied(adapter: Path, tmp_path: Path) -> None:
    plain = tiny_llama()
    before = logits(plain)
    model = apply_adapter(plain, adapter, BASE)
    assert (logits(model) - before).abs().max() > 1e-3
    save_adapter(model, tmp_path / "again", manifest())
    one, other = load_file(adapter / WEIGHTS), load_file(tmp_path / "again" / WEIGHTS)
    assert all(torch.equal(one[name], other[name]) for name in one)
    with model.disable_adapter():
        assert torch.equal(logits(model), before)


def test_merging_equals_applying(adapter: Path) -> None:
    applied = logits(apply_adapter(tiny_llama(), adapter, BASE))
    merged = logits(apply_adapter(tiny_llama(), adapter, BASE).merge_and_unload())
    assert (applied - merged).abs().max() < 1e-3


def test_applying_changes_no_weight_of_the_base(adapter: Path) -> None:
    model = tiny_llama()
    before = {name: value.clone() for name, value in model.named_parameters()}
    adapted = apply_adapter(model, adapter, BASE)
    after = {name.replace(".base_layer", ""): value for name, value in model.named_parameters()}
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not any(value.requires_grad for name, value in adapted.named_parameters() if "lora" in name)


def test_a_second_adapter_stands_beside_the_first(adapter: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(adapter, other)
    rewritten(other, lambda held: {name: -value for name, value in held.items()})
    model = apply_adapter(tiny_llama(), adapter, BASE, name="one")
    first = logits(model)
    model = apply_adapter(model, other, BASE, name="two")
    second = logits(model)
    model.set_adapter("one")
    assert torch.equal(logits(model), first)
    # The product of two matrices, both negated, is the same; so it is a copy in effect.
    assert torch.allclose(first, second, atol=1e-6)
    with pytest.raises(AdapterError, match="trained for"):
        apply_adapter(model, other, "another", name="three")
    assert set(model.peft_config) == {"one", "two"}


def _missing(folder: Path) -> None:
    shutil.rmtree(folder)


def _empty_folder(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def _cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-8])


def _no_weights(folder: Path) -> None:
    rewritten(folder, lambda held: {})


def _zero(folder: Path) -> None:
    rewritten(folder, lambda held: {name: torch.zeros_like(value) for name, value in held.items()})


def _nan(folder: Path) -> None:
    rewritten(folder, lambda held: {name: value * float("nan") for name, value in held.items()})


def _other_layers(folder: Path) -> None:
    rewritten(folder, lambda held: {name.replace("q_proj", "c_attn"): it for name, it in held.items()})


def _one_layer_fewer(folder: Path) -> None:
    rewritten(folder, lambda held: {name: it for name, it in held.items() if "layers.1." not in name})


def _other_rank(folder: Path) -> None:
    rewritten(folder, lambda held: {name: it[:2] if "lora_A" in name else it for name, it in held.items()})


def _no_targets(folder: Path) -> None:
    told = json.loads((folder / CONFIG).read_bytes()) | {"target_modules": ["c_attn"]}
    (folder / CONFIG).write_text(json.dumps(told))


def _broken_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"kind": "answerer"')


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_missing, "is not there"),
        (_empty_folder, f"has no {WEIGHTS}"),
        (_cut, "damaged"),
        (_no_weights, "empty"),
        (_zero, "no effect"),
        (_nan, "not finite"),
        (_other_layers, r"layers that the model does not have, such as .*c_attn"),
        (_one_layer_fewer, "missing"),
        (_other_rank, "does not fit"),
        (_no_targets, "does not fit"),
        (_broken_manifest, "cannot be read"),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)
def test_an_adapter_without_its_effect_is_an_error(
    adapter: Path, harm: Callable[[Path], None], told: str
) -> None:
    harm(adapter)
    model = tiny_llama()
    before = logits(model)
    with pytest.raises(AdapterError, match=told):
        apply_adapter(model, adapter, BASE)
    assert torch.equal(logits(model), before)
    assert not hasattr(model, "peft_config")
    assert not any("lora" in name for name, _ in model.named_modules())


def test_an_adapter_for_another_model_is_an_error(adapter: Path) -> None:
    with pytest.raises(AdapterError, match=f"trained for {BASE}, and the model is other@1"):
        apply_adapter(tiny_llama(), adapter, "other@1")
    wider = tiny_llama(hidden=32)
    with pytest.raises(AdapterError, match="does not fit"):
        apply_adapter(wider, adapter, BASE)


def test_an_adapter_that_was_never_trained_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="never trained"):
        save_adapter(with_adapter(tiny_llama(), LORA, 0), tmp_path / "adapter", manifest())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_the_adapter_that_was_there(adapter: Path) -> None:
    before = read_manifest(adapter)
    model = apply_adapter(tiny_llama(), adapter, BASE)
    with file_size_limit(1000), pytest.raises(AdapterError, match="cannot be written"):
        save_adapter(model, adapter, manifest(name="new"))
    assert read_manifest(adapter) == before
    assert [path.name for path in adapter.parent.iterdir()] == ["adapter"]


def test_layers_that_the_model_does_not_have_are_named() -> None:
    with pytest.raises(InvalidInput, match=r"no layer 'c_attn' to adapt.*down_proj"):
        with_adapter(tiny_llama(), Lora(targets=("q_proj", "c_attn")), 0)
