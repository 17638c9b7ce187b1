"""codex train sweep: several trainings, one table."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from codex.errors import CapabilityError, TrainingError
from codex.training import answerer as trained_by
from codex.training import sweep as swept_by
from codex.training.search import search, space
from codex.training.sweep import Result, Trial, trials
from codex.training.tracking import read_metrics
from tests.support.command import Codex, command
from tests.support.interrupted import ctrl_c
from tests.support.tiny_llama import random_questions, tiny_folder

QUICK = (
    "train.precision=fp32",
    "train.steps=3",
    "train.batch_size=2",
    "train.accumulate=1",
    "train.threads=1",
    "train.lora.rank=2",
    "train.generate_every=2",
    "train.generate=3",
    "train.generate_tokens=4",
)


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    data = tmp_path / "sums.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in random_questions(40)), encoding="utf-8")
    model = tiny_folder(tmp_path / "tiny")
    out = tmp_path / "out"
    return ("train", "sweep", f"engine.model_path={model}", "--data", str(data), "-o", str(out), *QUICK)


def table(out: Path) -> list[dict[str, str]]:
    with (out / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders in which something was trained."""
    told: list[str] = []
    train = swept_by.train_answerer

    def counting(source, engine, models, config, folder, **rest):  # type: ignore[no-untyped-def]
        told.append(folder.name)
        return train(source, engine, models, config, folder, **rest)

    monkeypatch.setattr(swept_by, "train_answerer", counting)
    return told


def test_each_combination_is_trained_once_and_compared(
    codex: Codex, tmp_path: Path, words: tuple[str, ...], counted: list[str]
) -> None:
    out = tmp_path / "out"
    said = codex(*words, "train.learning_rate=1e-3,1e-1", "train.schedule=constant,linear")
    assert said.status == 0, said.err
    assert counted == [
        "learning_rate=0.001,schedule=constant",
        "learning_rate=0.001,schedule=linear",
        "learning_rate=0.1,schedule=constant",
        "learning_rate=0.1,schedule=linear",
    ]
    rows = table(out)
    losses = [float(row["validation_loss"]) for row in rows]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4
    for row in rows:
        own = Path(row["folder"])
        assert own.name == f"learning_rate={row['train.learning_rate']},schedule={row['train.schedule']}"
        told = json.loads((own / "adapter" / "codex.json").read_bytes())
        assert told["settings"]["learning_rate"] == float(row["train.learning_rate"])
        assert told["metrics"]["validation_loss"] == float(row["validation_loss"])
        assert told["metrics"]["token_accuracy"] == float(row["token_accuracy"])
        assert told["metrics"]["graded_accuracy"] == float(row["graded_accuracy"]) == 0.0
    assert f"lowest validation loss: {rows[0]['folder']}" in said.out
    head = next(line for line in said.out.splitlines() if line.lstrip().startswith("learning_rate"))
    assert all(
        title in head for title in ("schedule", "validation loss", "token accuracy", "graded accuracy")
    )

    # One value more: what is done is not done again.
    counted.clear()
    said = codex(*words, "train.learning_rate=1e-3,1e-2", "train.schedule=constant,linear")
    assert said.status == 0, said.err
    assert counted == ["learning_rate=0.01,schedule=constant", "learning_rate=0.01,schedule=linear"]
    assert "1 of 4: learning_rate=0.001,schedule=constant: done before" in said.err
    assert {row["train.learning_rate"] for row in table(out)} == {"0.001", "0.01"}


def test_an_interrupted_sweep_resumes_where_it_was(
    codex: Codex,
    tmp_path: Path,
    words: tuple[str, ...],
    counted: list[str],
) -> None:
    with ctrl_c(trained_by, lambda at: at.step == 2 and len(counted) == 2):
        stopped = codex(*words, "train.learning_rate=1e-3,1e-2,1e-1")
    assert stopped.status == 130
    assert "step 2 of 3" in stopped.err
    assert len(table(tmp_path / "out")) == 1
    counted.clear()
    assert codex(*words, "train.learning_rate=1e-3,1e-2,1e-1").status == 0
    assert counted == ["learning_rate=0.01", "learning_rate=0.1"]
    lines = read_metrics(tmp_path / "out" / "learning_rate=0.01" / "metrics.ndjson")
    assert [line["step"] for line in lines] == [1, 2, 3]
    assert len(table(tmp_path / "out")) == 3


def test_a_training_that_fails_is_told_and_the_others_are_done(
    codex: Codex, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = swept_by.train_answerer

    def failing(source, engine, models, config, folder, **rest):  # type: ignore[no-untyped-def]
        if config.learning_rate == 0.1:
            raise TrainingError("The loss of step 1 is nan.")
        return train(source, engine, models, config, folder, **rest)

    monkeypatch.setattr(swept_by, "train_answerer", failing)
    said = codex(*words, "train.learning_rate=1e-1,1e-3")
    assert said.status == 0, said.err
    assert "learning_rate=0.1 failed: The loss of step 1 is nan." in said.out
    first, last = table(tmp_path / "out")
    assert (first["train.learning_rate"], first["error"]) == ("0.001", "")
    assert (last["train.learning_rate"], last["validation_loss"]) == ("0.1", "")
    assert last["error"] == "The loss of step 1 is nan."


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("train.learning_rate=interval(1e-5,1e-3)",), "--optuna N searches it"),
        (("train.learning_rate=1e-3,-1",), "train.learning_rate = -1"),
        (("train.lerning_rate=1e-3,1",), "did you mean train.learning_rate"),
        (("--optuna", "2"), "Say what --optuna searches"),
        (("--optuna", "2", "train.learning_rate=interval(1,0.1)"), "no range"),
        (("--optuna", "2", "train.lora.dropout=interval(0.5,1)"), "train.lora.dropout = 1"),
        (("--optuna", "2", "train.lora.dropout=tag(log,interval(0,0.5))"), "no logarithmic scale"),
        (("--optuna", "2", "train.epochs=interval(1,"), "write it as key=value"),
        (("--optuna", "1", "train.warmup=interval(0,0.5)", "train.data.validation=0"), "held-out rows"),
        (("--refuse",), "--refuse needs to know where the model is incorrect"),
    ],
)
def test_what_cannot_be_swept_says_why(
    codex: Codex, words: tuple[str, ...], more: tuple[str, ...], told: str
) -> None:
    said = codex(*words, *more)
    assert said.status == 1
    assert told in said.err


def test_settings_make_a_folder_of_their_own() -> None:
    def name(*overrides: str) -> list[str]:
        return [each.name for each in trials(overrides)]

    assert name("train.epochs=1") == ["training"]
    assert name("train.epochs=1,2", "train.lora=null") == ["epochs=1", "epochs=2"]
    targets = name("train.lora.targets=[q_proj],[k_proj]", "train.data.redact=[],[secrets]")
    assert len(set(targets)) == 4
    assert all("/" not in each and "[" not in each for each in targets)
    assert (
        len(name("train.data.redact=[],[secrets,emails,phones]", f"engine.model_path={'a' * 300},b")[0]) < 200
    )


def quadratic(drawn: list[dict[str, str]], fails: int = -1):  # type: ignore[no-untyped-def]
    """A training whose loss is lowest at a learning rate of 1e-4 and rank 8, without training."""

    def train(number: int, trial: Trial) -> Result:
        drawn.append(dict(each.split("=") for each in trial.chosen))
        if number == fails:
            return Result(trial, Path(trial.name), {}, 0, "failed")
        rate, lora = math.log10(trial.config.learning_rate) + 4, trial.config.lora
        loss = rate**2 + abs(lora.rank - 8) / 8 if lora else 1.0
        return Result(trial, Path(trial.name), {"validation_loss": loss}, 3)

    return train


RANGES = ("train.learning_rate=interval(1e-6,1e-1)", "train.lora.rank=interval(2,16)", "train.epochs=1,2")


def test_a_search_draws_within_its_ranges_and_comes_near_the_best() -> None:
    drawn: list[dict[str, str]] = []
    search(space(RANGES), 40, 0, quadratic(drawn))
    rates = [float(it["train.learning_rate"]) for it in drawn]
    ranks = [int(it["train.lora.rank"]) for it in drawn]
    assert 1e-6 <= min(rates) < 1e-5, "a logarithmic scale reaches the lowest decade"
    assert max(rates) <= 1e-1
    assert 2 <= min(ranks) <= max(ranks) <= 16
    assert {it["train.epochs"] for it in drawn} == {"1", "2"}
    # Of the decades from 1e-6 to 1e-1 TPE spends the second half near 1e-4.
    distance = [abs(math.log10(rate) + 4) for rate in rates]
    assert sum(distance[20:]) / 20 < sum(distance[:10]) / 10


def test_a_search_that_is_called_again_draws_the_same() -> None:
    first: list[dict[str, str]] = []
    second: list[dict[str, str]] = []
    search(space(RANGES), 8, 3, quadratic(first, fails=2))
    search(space(RANGES), 14, 3, quadratic(second, fails=2))
    assert second[:8] == first
    other: list[dict[str, str]] = []
    search(space(RANGES), 8, 4, quadratic(other))
    assert other != first


def test_the_command_searches_and_resumes(
    codex: Codex, tmp_path: Path, words: tuple[str, ...], counted: list[str]
) -> None:
    more = ("train.learning_rate=interval(1e-4,1e-1)",)
    said = codex(*words, *more, "--optuna", "2")
    assert said.status == 0, said.err
    assert len(set(counted)) == 2
    rows = table(tmp_path / "out")
    assert len(rows) == 2
    assert "lowest validation loss: " in said.out
    done = list(counted)
    assert codex(*words, *more, "--optuna", "3").status == 0
    assert counted[:2] == done
    assert len(counted) == 3
    assert len(table(tmp_path / "out")) == 3


def test_without_optuna_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna.distributions", None)
    with pytest.raises(CapabilityError, match=r"pip install 'codex-workbench\[optuna\]'"):
        space(RANGES)
