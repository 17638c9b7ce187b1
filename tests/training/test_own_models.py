"""New models and tokenizers of plug-ins: made once, checked, and trained as any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from codex import plugins
from codex.engines.huggingface.adapters import base_sha256, read_manifest
from codex.engines.huggingface.loading import HuggingFaceConfig, load_model
from codex.engines.models import Models
from codex.errors import InvalidInput, ModelError, PluginError, TrainingError
from codex.training import own_models
from codex.training.own_models import new_model, take, tokenizer_of
from tests.support.command import Codex
from tests.support.plugged import install, packages
from tests.support.tiny_llama import tiny_folder, tiny_tokenizer

SIZES = "hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2"
MODULE = f"""
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from tests.support.tiny_llama import tiny_tokenizer

class MineConfig(LlamaConfig):
    model_type = "mine"

class Mine(LlamaForCausalLM):
    config_class = MineConfig

AutoConfig.register("mine", MineConfig, exist_ok=True)
AutoModelForCausalLM.register(MineConfig, Mine, exist_ok=True)

class Unregistered(LlamaForCausalLM):
    pass

def small(size): return Mine(MineConfig(vocab_size=size, {SIZES}))
def fixed(): return LlamaForCausalLM(LlamaConfig(vocab_size=259, {SIZES}))
def few(): return LlamaForCausalLM(LlamaConfig(vocab_size=100, {SIZES}))
def unregistered(size): return Unregistered(LlamaConfig(vocab_size=size, {SIZES}))
def fails(): return 1 / 0
def word(): return "model"
number = 3
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "my_models.py").write_text(MODULE)
    with packages(folder):
        yield folder


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path / "home")


@pytest.fixture
def reads(tmp_path: Path) -> str:
    """The folder of a tokenizer."""
    tiny_tokenizer().save_pretrained(tmp_path / "reads")
    return str(tmp_path / "reads")


def made(model: str, tokenizer: str, models: Models, seed: int = 0) -> Path:
    take(model, tokenizer)
    return new_model(model, tokenizer, models, seed)


def loaded(folder: Path) -> object:
    how = HuggingFaceConfig(model_path=str(folder), dtype="float32", device="cpu", quantization="none")
    return load_model(how, folder, folder).model


def test_the_command_trains_a_model_of_a_package_with_a_tokenizer_of_it(
    codex: Codex, tmp_path: Path, data: Path, site: Path
) -> None:
    points = {"models": {"small": "my_models:small"}, "tokenizers": {"bytes": "my_models:tiny_tokenizer"}}
    install(site, "modelling", points)
    out = tmp_path / "out"
    words = ("train", "answerer", "--data", str(data), "-o", str(out), "--model", "small")
    quick = ("train.steps=3", "train.precision=fp32", "train.threads=1", "train.learning_rate=0.01")
    for _ in range(2):  # The second time it finds the model, and the training at its end.
        said = codex(*words, "--tokenizer", "bytes", *quick)
        assert said.status == 0, said.err
    (base,) = (tmp_path / "home" / "models").iterdir()
    kept = json.loads((out / "training.json").read_text())
    assert (kept["base_sha256"], kept["settings"]["lora"]) == (base_sha256(base), None)
    assert json.loads((out / "model" / "codex.json").read_text())["base"].startswith(base.name)
    model = loaded(out / "model")
    assert type(model).__name__ == "Mine"
    assert not torch.equal(model.lm_head.weight, loaded(base).lm_head.weight)  # type: ignore[attr-defined]
    listed = {(each["kind"], each["name"]): each["error"] for each in codex("plugins", "--json").json}
    assert listed == {("models", "small"): None, ("tokenizers", "bytes"): None}
    said = codex(*words, "--tokenizer", "byts", *quick)
    assert said.status == 1
    assert "no tokenizer 'byts', and no such folder; did you mean 'bytes'?" in said.err


def test_an_adapter_of_a_new_model_is_trained_where_it_is_said(
    codex: Codex, tmp_path: Path, data: Path, site: Path, reads: str
) -> None:
    words = ("train", "answerer", "--data", str(data), "-o", str(tmp_path / "out"), "train.lora.rank=2")
    said = codex(*words, "--model", "my_models:fixed", "--tokenizer", reads, "train.steps=1")
    assert said.status == 0, said.err
    assert read_manifest(tmp_path / "out" / "adapter").base.startswith("my_models-fixed-")


def test_a_model_is_made_once_and_again_when_anything_of_it_changes(
    site: Path, models: Models, reads: str
) -> None:
    one = made("my_models:small", reads, models)
    assert made("my_models:small", reads, models) == one
    assert made("my_models:fixed", reads, models) != one
    other = made("my_models:small", reads, models, seed=1)
    assert other != one
    assert base_sha256(other) != base_sha256(one)
    config = json.loads((one / "config.json").read_text())
    assert (config["vocab_size"], config["eos_token_id"], config["pad_token_id"]) == (259, 2, 0)
    (site / "my_models.py").write_text(MODULE + "\n# changed")
    assert made("my_models:small", reads, models) != one
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(reads)
    wider = made("my_models:small", reads, models)
    assert json.loads((wider / "config.json").read_text())["vocab_size"] == 260


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("few", "does not fit the tokenizer .*up to number 258, and the model embeds 100 tokens"),
        ("unregistered", "gives a Unregistered, which AutoModelForCausalLM does not load: register it"),
        ("fails", "cannot be made: ZeroDivisionError"),
        ("word", "gives a str, and no transformers.PreTrainedModel"),
        ("number", "is no class or function that makes a model"),
        ("smal", r"is not there: my_models has no 'smal' \(did you mean 'small'"),
    ],
)
def test_a_model_that_cannot_be_trained_names_itself_and_leaves_nothing(
    site: Path, models: Models, reads: str, name: str, told: str
) -> None:
    with pytest.raises(PluginError, match=f"The model 'my_models:{name}' of my_models {told}"):
        made(f"my_models:{name}", reads, models)
    assert not models.folder.exists()


def test_a_tokenizer_is_a_fast_one_its_folder_or_a_function(site: Path, reads: str) -> None:
    more = f"here = {reads!r}\nready = tiny_tokenizer()\ngone = {reads + '-gone'!r}\nitself = tiny_tokenizer"
    (site / "my_models.py").write_text(f"{MODULE}\n{more}")
    for name in ("here", "ready", "itself"):
        take("my_models:small", f"my_models:{name}")
        assert tokenizer_of(f"my_models:{name}").get_vocab() == tiny_tokenizer().get_vocab()
    for name, told in (("gone", "cannot be read: .*no tokenizer.json"), ("number", "gives a int")):
        take("my_models:small", f"my_models:{name}")
        with pytest.raises(PluginError, match=f"The tokenizer 'my_models:{name}' of my_models {told}"):
            tokenizer_of(f"my_models:{name}")


def test_a_tokenizer_belongs_to_a_new_model_and_a_new_model_needs_one(site: Path, model: Path) -> None:
    install(site, "modelling", {"models": {"small": "my_models:small"}})
    check = own_models.check_tokenizer_is_wanted
    check("small", "reads")
    check("my_models:small", "reads")
    check(str(model), None)
    check(None, None)
    with pytest.raises(InvalidInput, match=r"'small' is new: say which tokenizer"):
        check("small", None)
    with pytest.raises(InvalidInput, match=r"No package adds a model 'smal'; did you mean 'small'\?"):
        check("smal", "reads")
    with pytest.raises(InvalidInput, match=r"keeps its own\.$"):
        check(None, "reads")


def test_an_architecture_of_a_package_is_known_where_its_folder_is_loaded(tmp_path: Path, site: Path) -> None:
    folder = tiny_folder(tmp_path / "late")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "late"}))
    with pytest.raises(ModelError, match="late"):
        loaded(folder)
    late = MODULE.replace("mine", "late").replace("Mine", "Late")
    install(site, "broken", {"models": {"a": "not_there:model"}})
    install(site, "late", {"models": {"late": "late_models:small"}}, late_models=late)
    plugins.forget()  # As a process that begins after the installation.
    assert type(loaded(folder)).__name__ == "Late"


def test_a_folder_that_cannot_be_written_says_so(site: Path, models: Models, reads: str) -> None:
    models.home.mkdir()
    models.folder.write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        made("my_models:small", reads, models)
