"""codex train answerer: from questions with answers to an adapter that says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from codex.datasets.splits import split
from codex.engines.huggingface.adapters import apply_adapter, base_sha256, read_manifest
from codex.engines.huggingface.loading import HuggingFaceConfig, load_model
from codex.engines.models import Models, model_id
from codex.store import Store
from codex.training import answerer as trained_by
from tests.support.command import Codex
from tests.support.interrupted import ctrl_c
from tests.support.kept_run import keep_run
from tests.support.tiny_llama import random_questions

QUICK = (
    "train.precision=fp32",
    "train.steps=4",
    "train.batch_size=2",
    "train.accumulate=1",
    "train.learning_rate=0.01",
    "train.threads=1",
)


def words(model: Path, *more: str) -> tuple[str, ...]:
    return ("train", "answerer", f"engine.model_path={model}", *QUICK, *more)


@pytest.mark.parametrize("engine", ["loop", "hf"])
def test_questions_become_an_adapter(
    codex: Codex, tmp_path: Path, model: Path, data: Path, engine: str
) -> None:
    before = base_sha256(model)
    said = codex(*words(model, "--data", str(data), "-o", str(tmp_path / "out"), f"train.engine={engine}"))
    assert said.status == 0, said.err
    assert "training rows: " in said.out
    assert "on the test side of the split: " in said.out
    assert f"saved in {tmp_path / 'out' / 'adapter'}" in said.out
    assert base_sha256(model) == before

    manifest = read_manifest(tmp_path / "out" / "adapter")
    assert (manifest.kind, manifest.base) == ("answerer", model_id(str(model), model))
    assert manifest.base_sha256 == before
    assert manifest.rows == sum(split(row["question"]) == "calibration" for row in random_questions(40)) - (
        _count(said.out, "validation rows")
    )
    assert manifest.settings["engine"] == engine
    assert manifest.metrics["validation_loss"] < manifest.metrics["validation_loss_before"]

    loaded = load_model(HuggingFaceConfig(dtype="float32", device="cpu", threads=1), model, tmp_path)
    ids = torch.arange(3, 20)[None]
    with torch.no_grad():
        plain = loaded.model(ids).logits
        adapted = apply_adapter(loaded.model, tmp_path / "out" / "adapter", manifest.base)(ids).logits
    assert (adapted - plain).abs().max() > 1e-6

    said = codex("train", "merge", str(tmp_path / "out" / "adapter"), f"engine.model_path={model}")
    assert said.status == 0, said.err
    made = tmp_path / "out" / "model"
    merged = load_model(HuggingFaceConfig(dtype="float32", device="cpu", threads=1), made, tmp_path)
    with torch.no_grad():
        # Its weights are kept in float16.
        assert (merged.model(ids).logits - adapted).abs().max() < 1e-3


def _count(text: str, reason: str) -> int:
    return int(next(line for line in text.splitlines() if line.startswith(f"{reason}: ")).split()[-1])


def test_four_bit_weights_are_trained_under_an_adapter(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    out = tmp_path / "out"
    more = ("train.quantization=nf4", "train.gradient_checkpointing=true", "train.packing=true")
    said = codex(*words(model, "--data", str(data), "-o", str(out), *more))
    assert said.status == 0, said.err
    metrics = read_manifest(out / "adapter").metrics
    assert metrics["validation_loss"] < metrics["validation_loss_before"]


def test_all_weights_become_a_model(codex: Codex, tmp_path: Path, model: Path, data: Path) -> None:
    said = codex(*words(model, "--data", str(data), "-o", str(tmp_path / "out"), "train.lora=null"))
    assert said.status == 0, said.err
    made = tmp_path / "out" / "model"
    loaded = load_model(HuggingFaceConfig(dtype="float32", device="cpu", threads=1), made, tmp_path)
    assert loaded.tokenizer.chat_template
    one, other = load_file(model / "model.safetensors"), load_file(made / "model.safetensors")
    assert one.keys() == other.keys()
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_handful_of_rows_is_trained_on_without_validation(
    codex: Codex, tmp_path: Path, model: Path
) -> None:
    rows = [row for row in random_questions(12) if split(row["question"]) == "calibration"][:3]
    path = tmp_path / "few.csv"
    path.write_text("question,answer\n" + "".join(f"{row['question']},{row['answer']}\n" for row in rows))
    said = codex(*words(model, "--data", str(path), "train.data.validation=0"))
    assert said.status == 0, said.err
    assert "trained 3 rows, 4 of 4 updates" in said.out
    assert read_manifest(tmp_path / "home" / "adapters" / "few" / "adapter").metrics == {}


def test_a_refusal_is_trained_where_the_model_was_incorrect(
    codex: Codex, tmp_path: Path, model: Path
) -> None:
    with Store(tmp_path / "home" / "codex.duckdb") as store:
        keep_run(store, n=60)
    said = codex(*words(model, "--run", "r1", "--refuse"))
    assert said.status == 0, said.err
    assert _count(said.out, "trained to refuse") > 10
    assert read_manifest(tmp_path / "home" / "adapters" / "run-r1" / "adapter").rows > 10


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_resumes(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    command = words(model, "--data", str(data), "-o", str(tmp_path / "out"))
    with ctrl_c(trained_by):
        stopped = codex(*command)
    assert stopped.status == 130
    assert "step 2 of 4" in stopped.err
    assert codex(*command).status == 0
    lines = (tmp_path / "out" / "metrics.ndjson").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((), "one of --data FILE and --run RUN"),
        (("--data", "none.jsonl"), "There is no file none.jsonl"),
        (("--data", "DATA", "--refuse"), "--refuse needs to know where the model is incorrect"),
        (("--data", "DATA", "train.lerning_rate=1"), "did you mean train.learning_rate?"),
        (("--data", "DATA", "train.lora=null", "train.quantization=nf4"), "4-bit weights cannot be trained"),
        (("--data", "DATA", "train.precision=fp16"), "needs a GPU"),
        (("--data", "DATA", "train.lora.targets=[c_attn]"), "no layer 'c_attn'"),
        (("--data", "DATA", "engine=openai_api", "engine.base_url=http://x/v1"), "behind a server"),
        (("--run", "none"), "No run has the id 'none'"),
    ],
)
def test_what_cannot_be_trained_says_why(
    codex: Codex, model: Path, data: Path, more: tuple[str, ...], told: str
) -> None:
    said = codex(*words(model, *(str(data) if word == "DATA" else word for word in more)))
    assert said.status == 1
    assert told in said.err


def test_the_default_model_learns(own_home: Path, codex: Codex, tmp_path: Path, data: Path) -> None:
    quick = ("train.steps=2", "train.batch_size=2", "train.accumulate=1", "train.learning_rate=0.001")
    out = tmp_path / "out"
    said = codex("train", "answerer", "--data", str(data), "-o", str(out), *quick)
    assert said.status == 0, said.err
    manifest = read_manifest(out / "adapter")
    models = Models(own_home)
    assert manifest.base == "smollm2-135m-instruct"
    assert manifest.base_sha256 == base_sha256(models.resolve("smollm2-135m-instruct"))
    assert manifest.metrics["validation_loss"] < manifest.metrics["validation_loss_before"]
