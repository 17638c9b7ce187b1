"""Agents: how a model learns by rewards, those that ship and those of plug-ins."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from codex.engines.huggingface.loading import HuggingFaceConfig, load_model
from codex.engines.huggingface.rendering import encode
from codex.errors import CapabilityError, InvalidInput, PluginError
from codex.items import Item
from codex.prompts.stating import stated
from codex.training import agents
from codex.training import reward_training as trained_by
from codex.training.generated import greedy, sampled
from codex.training.rewards import reward
from tests.support.command import Codex
from tests.support.interrupted import ctrl_c
from tests.support.plugged import install, packages
from tests.support.tiny_llama import tiny_folder

QUICK = (
    *("--steps", "4", "--generations", "4", "--tokens", "6", "--agent", "best-of"),
    *("train.precision=fp32", "train.batch_size=4", "train.accumulate=2", "train.threads=1"),
    *("train.learning_rate=0.02", "train.save_every=1", "train.data.validation=0.2"),
)
MODULE = """
def letters(prompts, answers, references):
    return [sum(c.isascii() and c.isalpha() for c in text) / 6 for text in answers]

class Once:
    def __init__(self, loaded, rewards, options):
        self.rewards = rewards

    def __call__(self, training, batches, loss, config, after):
        from codex.training.state import Step

        asked = batches.of(0)
        reward = sum(r([it.text for it in asked], ["a"] * len(asked), [it.item for it in asked])[0]
                     for r in self.rewards)
        for value in training.weights().values():
            value.data.add_(0.01)
        while training.step < training.steps:
            training.step += 1
            if not after(Step(training.step, 0.5, 0.0, 0.0, 1, {"reward": reward})):
                return

def lazy(loaded, rewards, options): return lambda *given: None
def fails(loaded, rewards, options): return 1 / 0
def nothing(loaded, rewards, options): return None
number = 3
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "my_learning.py").write_text(MODULE)
    with packages(folder):
        yield folder


def words(model: Path, out: Path, *more: str) -> tuple[str, ...]:
    return ("train", "reward", "--model", str(model), "-o", str(out), *QUICK, *more)


def lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.ndjson").read_text().splitlines()]


def test_best_of_learns_what_a_reward_pays_for_without_trl(
    codex: Codex, tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trl", None)  # An import of it fails.
    model, out = tiny_folder(tmp_path / "sharp", sharp=20), tmp_path / "out"
    more = ("--arithmetic", "40", "--steps", "20", "--generations", "8", "train.batch_size=16")
    more += ("train.data.validation=0", "train.save_every=100", "--reward", "my_learning:letters")
    said = codex(*words(model, out, *more))
    assert said.status == 0, said.err
    told = lines(out)
    # A fifth of the tokens are letters. Of 3 updates, 96 answers of 6 tokens, the mean deviates by 0.02.
    assert sum(it["reward"] for it in told[-3:]) / 3 > sum(it["reward"] for it in told[:3]) / 3 + 0.12
    assert all(it["best_reward"] >= it["reward"] and 0 < it["learned"] <= 1 for it in told)
    kept = json.loads((out / "training.json").read_text())
    assert kept["agent"] == "best-of"
    assert "grpo" not in kept


def test_best_of_resumes_with_the_same_answers(
    codex: Codex, tmp_path: Path, model: Path, data: Path, site: Path
) -> None:
    more = ("--data", str(data), "--reward", "my_learning:letters", "--start", "1")
    assert codex(*words(model, tmp_path / "whole", *more)).status == 0
    with ctrl_c(trained_by):
        assert codex(*words(model, tmp_path / "parts", *more)).status == 130
    said = codex(*words(model, tmp_path / "parts", *more))
    assert said.status == 0, said.err
    names = ("step", "reward", "best_reward", "loss", "gradient_norm", "tokens")
    whole, parts = (
        [{name: line[name] for name in names} for line in lines(tmp_path / of)] for of in ("whole", "parts")
    )
    assert parts == whole
    one, other = (
        load_file(tmp_path / of / "adapter" / "adapter_model.safetensors") for of in ("whole", "parts")
    )
    assert all((one[name] == other[name]).all() for name in one)


def test_best_of_takes_correctness_where_no_reward_is_said_and_learns_nothing_from_equal_ones(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    said = codex(*words(model, tmp_path / "out", "--data", str(data)))
    assert said.status == 1
    assert "each question's answers all got the same reward" in said.err
    assert json.loads((tmp_path / "out" / "training.json").read_text())["rewards"] == ["correctness"]
    assert [(it["learned"], it["loss"], it["gradient_norm"]) for it in lines(tmp_path / "out")] == [
        (0, 0, 0)
    ] * 4


def test_samples_follow_the_models_distribution(model: Path) -> None:
    loaded = load_model(HuggingFaceConfig(model_path=str(model), dtype="float32", device="cpu"), model, model)
    prompts = encode(
        loaded.tokenizer, ["What is 1?", "And what is the sum of 2 and 3?"], control=True, opened=True
    )
    with torch.no_grad():
        told = greedy(loaded.model, prompts, loaded, 5)
        random = torch.Generator().manual_seed(0)
        cold = sampled(loaded.model, prompts, loaded, 5, n=3, temperature=1e-4, random=random)
        warm = sampled(loaded.model, prompts, loaded, 1, n=4000, temperature=1.0, random=random)
        logits = loaded.model(torch.tensor(prompts[:1])).logits[0, -1]
    assert [it.tokens for it in cold] == [it.tokens for it in told for _ in range(3)]
    assert [it.avg_logprob for it in cold] == pytest.approx([it.avg_logprob for it in told for _ in range(3)])
    shares = torch.bincount(torch.tensor([it.tokens[0] for it in warm[:4000]]), minlength=259) / 4000
    # 4,000 draws of 259 tokens: the total variation of a fair sample is about 0.1.
    assert float((shares - logits.softmax(-1)).abs().sum()) / 2 < 0.13


def test_a_package_and_a_module_of_ones_own_add_agents(
    codex: Codex, tmp_path: Path, model: Path, data: Path, site: Path
) -> None:
    install(site, "learning", {"agents": {"once": "my_learning:Once"}})
    for name in ("once", "my_learning:Once"):
        out = tmp_path / name.replace(":", "-")
        said = codex(
            *words(model, out, "--data", str(data), "--reward", "my_learning:letters", "--agent", name)
        )
        assert said.status == 0, said.err
        assert [it["reward"] for it in lines(out)] == [pytest.approx(1 / 6)] * 4
        assert json.loads((out / "training.json").read_text())["agent"] == name
    listed = {each["name"]: each for each in codex("plugins", "--json").json}
    assert listed["once"] == {"kind": "agents", "name": "once", "package": "learning 0.1.0", "error": None}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("best-off", "no agent 'best-off'; did you mean 'best-of'"),
        ("my_learning:number", "is no class or function of a loaded model, rewards and options"),
        ("my_learning:fails", "failed: ZeroDivisionError"),
        ("my_learning:nothing", "made NoneType, and no function that trains"),
        ("my_learning:lazy", "ended at update 0 of 4"),
    ],
)
def test_an_agent_that_fails_names_itself(
    codex: Codex, tmp_path: Path, model: Path, data: Path, site: Path, name: str, told: str
) -> None:
    said = codex(*words(model, tmp_path / "out", "--data", str(data), "--agent", name))
    assert said.status == 1
    assert told in said.err
    assert name in said.err


def test_the_best_answer_by_brier_overstates_and_by_correctness_does_not() -> None:
    """Why best-of takes correctness where no reward is said: the best of eight by brier is a lucky one."""
    random, item = np.random.default_rng(0), Item("s", "What is 2 + 3?", ("5",), "sums", grader="numeric")
    correct = random.random((100, 8)) < 0.2
    percent = random.choice([0, 50, 100], (100, 8))
    texts = [
        stated("5" if is_correct else "6", it)
        for is_correct, it in zip(correct.flat, percent.flat, strict=True)
    ]
    said = {}
    for name in ("brier", "correctness"):
        rewards = np.reshape(reward(name)([""] * 800, texts, [item] * 800), (100, 8))
        said[name] = percent[np.arange(100), rewards.argmax(1)].mean()
    # Of 100 answers whose confidence is drawn, the mean is 50 with a deviation of 4, and is left so.
    assert said["correctness"] == pytest.approx(50, abs=16)
    assert said["brier"] > 40, "twice the share of correct answers, which by itself brier pays for"


def test_grpo_says_what_it_needs_and_is_not_imported_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert agents.agent("grpo").name == "grpo"
    monkeypatch.setattr(agents, "find_spec", lambda name: None)
    with pytest.raises(CapabilityError, match=r"codex-workbench\[reward\].*--agent best-of"):
        agents.agent("grpo")
    assert agents.agent("best-of").name == "best-of"


def test_an_agent_of_a_module_is_not_reached_by_its_name_alone(site: Path) -> None:
    with pytest.raises(InvalidInput, match="no agent 'my_learning:Once'"):
        agents.agent("my_learning:Once")
    assert "my_learning" not in sys.modules
    with pytest.raises(PluginError, match="cannot be loaded"):
        agents.taken("no_such_module:Agent")
