"""codex train reward: a model that learns by rewards, measured before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from codex.datasets.splits import split
from codex.engines.huggingface.adapters import base_sha256, read_manifest
from codex.engines.models import model_id
from codex.training import reward_training as trained_by
from codex.training.reward_training import measured
from tests.support.command import Codex
from tests.support.interrupted import ctrl_c
from tests.support.plugged import packages
from tests.support.tiny_llama import random_questions, tiny_folder

QUICK = (
    *("--steps", "4", "--generations", "4", "--tokens", "6"),
    *("train.precision=fp32", "train.batch_size=4", "train.accumulate=2", "train.threads=1"),
    *("train.learning_rate=0.02", "train.save_every=1", "train.data.validation=0.2"),
)
LETTERS = """
def letters(prompts, answers, references):
    return [sum(c.isascii() and c.isalpha() for c in text) / 6 for text in answers]
"""


def words(model: Path, out: Path, *more: str) -> tuple[str, ...]:
    return ("train", "reward", "--model", str(model), "-o", str(out), *QUICK, *more)


def lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.ndjson").read_text().splitlines()]


def test_questions_and_a_reward_become_an_adapter(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    before, out = base_sha256(model), tmp_path / "out"
    said = codex(
        *words(model, out, "--data", str(data), "--reward", "brier", "--reward", "length", "--start", "1")
    )
    assert said.status == 0, said.err
    for told in ("on the test side of the split: ", "4 of 4 updates", "after the start", "accuracy"):
        assert told in said.out
    assert base_sha256(model) == before

    manifest = read_manifest(out / "adapter")
    assert (manifest.kind, manifest.base, manifest.steps) == ("reward", model_id(str(model), model), 4)
    kept = [row["question"] for row in random_questions(40) if split(row["question"]) == "calibration"]
    held_out = json.loads((out / "env.json").read_text())["rows"]["held-out questions"]
    assert manifest.rows == len(kept) - held_out
    assert manifest.settings["rewards"] == ["brier", "length"]
    identity = json.loads((out / "training.json").read_text())
    assert identity["grpo"] == {"generations": 4, "tokens": 6, "temperature": 1.0, "start": 1}
    assert "agent" not in identity, "a training from before there were agents resumes"
    assert json.loads((out / "confidence.json").read_text()) == {
        # A random model writes no confidence.
        stage: {"graded_accuracy": 0.0, "stated_readable": 0.0}
        for stage in ("before", "start", "after")
    }
    assert [line["reward"] for line in lines(out)] == [-1.0] * 4
    assert all(line["readable"] == 0 and 0 < line["completion_tokens"] <= 6 for line in lines(out))


def test_the_model_learns_what_a_reward_of_ones_own_pays_for(codex: Codex, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "my_letters.py").write_text(LETTERS)
    model, out = tiny_folder(tmp_path / "sharp", sharp=20), tmp_path / "out"
    more = ("--arithmetic", "40", "--steps", "12", "train.data.validation=0", "train.save_every=100")
    more += ("--generations", "8", "train.batch_size=16")
    with packages(tmp_path / "site"):
        said = codex(*words(model, out, "--reward", "my_letters:letters", *more))
    assert said.status == 0, said.err
    assert "nothing was measured" in said.out
    rewards = [line["reward"] for line in lines(out)]
    # A fifth of the tokens are letters. Of 3 updates, 96 answers of 6 tokens, the mean deviates by 0.02.
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.12


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_resumes_with_the_same_answers(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "my_letters.py").write_text(LETTERS)
    more = ("--data", str(data), "--reward", "my_letters:letters", "--start", "1")
    with packages(tmp_path / "site"):
        assert codex(*words(model, tmp_path / "whole", *more)).status == 0
        with ctrl_c(trained_by):
            stopped = codex(*words(model, tmp_path / "parts", *more))
        assert stopped.status == 130
        assert "step 2 of 4" in stopped.err
        said = codex(*words(model, tmp_path / "parts", *more))
    assert said.status == 0, said.err
    assert "after the start" in said.out
    names = ("step", "reward", "loss", "gradient_norm", "tokens")
    whole, parts = (
        [{name: line[name] for name in names} for line in lines(tmp_path / of)] for of in ("whole", "parts")
    )
    assert parts == whole
    one, other = (
        load_file(tmp_path / of / "adapter" / "adapter_model.safetensors") for of in ("whole", "parts")
    )
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ((), "one of --data FILE and --arithmetic N"),
        (("--data", "DATA", "--arithmetic", "9"), "one of --data FILE and --arithmetic N"),
        (("--data", "none.jsonl"), "There is no file none.jsonl"),
        (("--arithmetic", "9000"), "There are 1 to 8,199 additions"),
        (("--data", "DATA", "--reward", "bier"), "did you mean 'brier'?"),
        (("--data", "DATA", "--grader", "numerc"), "did you mean 'numeric'?"),
        (("--data", "DATA", "--generations", "3"), "a multiple of --generations 3"),
        (("--data", "DATA", "train.lora=null"), "Rewards train an adapter"),
        (("--data", "DATA", "--tokens", "2000"), "Nothing of"),
        (("--data", "DATA", "--reward", "no_such_module:reward"), "cannot be loaded"),
        (("--data", "DATA", "engine=openai_api", "engine.base_url=http://x/v1"), "behind a server"),
    ],
)
def test_what_cannot_be_trained_says_why(
    codex: Codex, tmp_path: Path, model: Path, data: Path, more: tuple[str, ...], told: str
) -> None:
    given = (str(data) if word == "DATA" else word for word in more)
    said = codex(*words(model, tmp_path / "out", *given))
    assert said.status == 1
    assert told in said.err


def test_a_reward_that_fails_ends_the_training_and_names_itself(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "my_odd.py").write_text("def odd(prompts, answers, references): return [0.0]")
    with packages(tmp_path / "site"):
        said = codex(*words(model, tmp_path / "out", "--data", str(data), "--reward", "my_odd:odd"))
    assert said.status == 1
    assert "The reward 'my_odd:odd' of my_odd gave" in said.err


def test_rewards_that_never_differ_say_that_nothing_was_learned(
    codex: Codex, tmp_path: Path, model: Path, data: Path
) -> None:
    said = codex(*words(model, tmp_path / "out", "--data", str(data)))
    assert said.status == 1
    assert "each question's answers all got the same reward" in said.err
    assert "--start" in said.err


def test_the_measured_confidence_is_of_the_answers_that_state_one() -> None:
    import numpy as np

    found = measured(np.array([1.0, 1.0, 0.5, np.nan]), np.array([True, False, True, True]))
    assert found["graded_accuracy"] == 0.75
    assert found["stated_readable"] == 0.75
    assert found["stated_brier"] == pytest.approx((0 + 1 + 0.25) / 3)
    # Correct at 1 and at 0.5, incorrect at 1: of two pairs one is a tie, the other is ranked the other way.
    assert found["stated_auroc"] == 0.25
