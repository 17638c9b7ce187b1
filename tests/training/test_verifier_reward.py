"""A verifier as a reward: the model's own P(True), without what it learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from codex import engines, prompts
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.errors import InvalidInput
from codex.grounding.verifier import verify
from codex.items import Item
from codex.prompts.stating import stated
from codex.signals.verifier import verdict_probability
from codex.training.base_model import load_base, trainable
from codex.training.config import Lora, TrainConfig
from codex.training.rewards import reward
from codex.training.verifier_reward import VerifierReward
from codex.types import Generation, Observation
from tests.support.command import Codex
from tests.support.tiny_llama import END, tiny_folder, tiny_llama, tiny_tokenizer

CONFIG = TrainConfig(precision="fp32", lora=Lora(rank=2), batch_size=1)
ITEMS = [Item(str(it), f"What is {it} + 3?", (str(it + 3),), "sums") for it in range(6)]
TEXTS = [stated(f"{it + 3}, I guess" + "!" * it, 80) for it in range(6)]


def verifying_folder(folder: Path) -> Path:
    """A model whose likeliest tokens are the letters T and F, which begin True and False."""
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    true, false = tokenizer.convert_tokens_to_ids(["T", "F"])
    with torch.no_grad():
        rows = model.lm_head.weight
        rows[true] = 40 * rows[true].abs()
        rows[false] = rows[true] + 20 * rows[false]
        model.model.norm.weight.fill_(0.2)
        model.model.embed_tokens.weight.abs_()
    model.generation_config.eos_token_id = END
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_it_is_what_the_verifier_says_and_the_adapter_changes_nothing(tmp_path: Path) -> None:
    folder, models = verifying_folder(tmp_path / "model"), Models(tmp_path)
    how = HuggingFaceConfig(model_path=str(folder), dtype="float32", device="cpu", quantization="none")
    base = load_base(how, models, CONFIG)
    model = trainable(base.loaded.model, CONFIG)
    made = reward("verifier")
    assert isinstance(made, VerifierReward)
    with pytest.raises(InvalidInput, match="in a training alone"):
        made([""], TEXTS[:1], ITEMS[:1])
    made = made.of(model, base, CONFIG)
    before = made([""] * 6, TEXTS, ITEMS)
    assert len(set(before)) > 2

    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.add_(torch.randn_like(value))
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    model.train()
    assert made([""] * 6, TEXTS, ITEMS) == before
    assert {name for name, value in model.named_parameters() if value.requires_grad} == trained
    assert model.training

    engine = engines.create("huggingface", how, models)
    for item, text, value in zip(ITEMS, TEXTS, before, strict=True):
        answer = Generation(text.partition("\n")[0], (), "stop", 1, 0.0)
        verdict = verify(engine, Observation(item.question, answer), prompts.ask(item.question), "plain")
        told = verdict_probability(verdict)
        assert value == pytest.approx(0.5 if told is None else told, abs=1e-4)
    engine.unload()


def test_an_empty_answer_gets_nothing_and_one_that_is_too_long_counts_as_untold(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "model", sharp=20)
    how = HuggingFaceConfig(model_path=str(folder), dtype="float32", device="cpu", quantization="none")
    base = load_base(how, Models(tmp_path), CONFIG)
    made = VerifierReward().of(trainable(base.loaded.model, CONFIG), base, CONFIG)
    assert made([""] * 3, ["", "x" * 3000, stated("", 80)], ITEMS[:3]) == [0, 0.5, 0]


@pytest.mark.parametrize("agent", ["grpo", "best-of"])
def test_a_training_learns_by_it(codex: Codex, tmp_path: Path, data: Path, agent: str) -> None:
    model, out = verifying_folder(tmp_path / "model"), tmp_path / "out"
    more = ("--agent", agent, "--steps", "2", "--generations", "4", "--tokens", "4", "train.precision=fp32")
    where = ("--model", str(model), "-o", str(out), "--data", str(data))
    said = codex("train", "reward", *where, "--reward", "verifier", *more)
    assert said.status == 0, said.err
    rewards = [json.loads(line)["reward"] for line in (out / "metrics.ndjson").read_text().splitlines()]
    assert len(rewards) == 2
    assert all(0 < it < 1 for it in rewards)
