"""What a training measures beside its loss: token accuracy, and generated answers that are graded."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import random
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from codex.datasets.splits import split
from codex.engines.huggingface.adapters import MANIFEST
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.token_bytes import TokenBytes
from codex.items import Item
from codex.training import loop
from codex.training.batches import RowBatches
from codex.training.config import DataConfig, TrainConfig
from codex.training.course import Progress
from codex.training.data import answer_measures
from codex.training.examples import FileSource
from codex.training.filters import is_validation
from codex.training.generated import HeldOut, graded_answers, greedy, held_out
from codex.training.tracking import read_metrics
from tests.support.command import Codex, command
from tests.support.tiny_llama import END, TinyRows, random_questions, tiny_folder, tiny_llama, tiny_tokenizer
from tests.support.tiny_training import CONFIG, MEASURED, task, trained

PROMPTS = [[1, 70, 71, 2], [1, 80], [1, 90, 91, 92, 93, 94, 95, 2]]
GENERATING = CONFIG.model_copy(update={"generate_every": 4, "generate_tokens": 8})


def tiny() -> LoadedModel:
    tokenizer = tiny_tokenizer()
    return LoadedModel(tiny_llama(), tokenizer, TokenBytes(tokenizer), frozenset({END}), 1024)


def without_time(folder: Path) -> list[dict[str, Any]]:
    lines = read_metrics(folder / "metrics.ndjson")
    return [{name: value for name, value in line.items() if name not in MEASURED} for line in lines]


def test_token_accuracy_is_the_share_of_targets_that_are_the_likeliest() -> None:
    rows, model = TinyRows(7), tiny_llama()
    hits = []
    for row in range(7):
        ids = torch.from_numpy(rows.ids(row)).long()
        likeliest = model(ids[None]).logits[0].argmax(-1)
        hits += [bool(likeliest[at - 1] == ids[at]) for at in range(rows.start(row), len(ids))]
    # A random model is never correct: the row's second half becomes what the model itself says.
    ids = torch.from_numpy(rows.ids(0)).long()
    rows.ids(0)[-1] = int(model(ids[None]).logits[0, -2].argmax())
    hits[int(rows.lengths[0]) - rows.start(0) - 1] = True
    found = loop.evaluate(model, RowBatches(rows, 3, 0).once(), answer_measures, CONFIG)
    assert found["token_accuracy"] == pytest.approx(np.mean(hits))
    assert 0 < found["token_accuracy"] < 1


def test_answers_are_those_of_each_prompt_alone() -> None:
    loaded = tiny()
    with loop.measuring(loaded.model, CONFIG):
        together = greedy(loaded.model, PROMPTS, loaded, 12)
    for prompt, answer in zip(PROMPTS, together, strict=True):
        ids = torch.tensor([prompt])
        out = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12, pad_token_id=0
        )
        said = [token for token in out[0, len(prompt) :].tolist() if token != END]
        with torch.no_grad():
            logprobs = loaded.model(out).logits[0].log_softmax(-1)
        told = [logprobs[len(prompt) - 1 + at, token].item() for at, token in enumerate(said)]
        assert answer.text == loaded.tokenizer.decode(said, skip_special_tokens=True).strip()
        assert answer.avg_logprob == pytest.approx(np.mean(told), rel=1e-4)


def test_an_answer_ends_where_the_model_ends_it() -> None:
    class Ending(nn.Module):
        """Says 70, 71 and the end to the first row, the end at once to the second."""

        def __init__(self) -> None:
            super().__init__()
            self.weight, self.calls = nn.Parameter(torch.zeros(1)), 0

        def forward(self, input_ids: torch.Tensor, **rest: object) -> Any:
            said = [[70, END], [71, 80], [END, 81]][self.calls]
            self.calls += 1
            logits = torch.full((2, 1, 259), -20.0)
            logits[[0, 1], 0, said] = 0.0
            return type("Out", (), {"logits": logits, "past_key_values": None})

    model, loaded = Ending(), tiny()
    first, second = greedy(model, [[1, 5], [1]], loaded, 12)
    assert model.calls == 3
    assert first.text == loaded.tokenizer.decode([70, 71])
    assert first.avg_logprob == pytest.approx(0.0, abs=1e-4)
    assert second.text == ""
    assert math.isnan(second.avg_logprob)


def test_answers_are_graded_and_their_confidence_is_measured() -> None:
    loaded = tiny()
    with loop.measuring(loaded.model, CONFIG):
        said = greedy(loaded.model, PROMPTS, loaded, 8)
    accepted = [said[0].text, "no such answer", "nor such a one"]
    asked = [
        HeldOut(prompt, Item(str(at), "?", (text,), "", grader="exact"))
        for at, (prompt, text) in enumerate(zip(PROMPTS, accepted, strict=True))
    ]
    with loop.measuring(loaded.model, CONFIG):
        found = graded_answers(loaded.model, asked, loaded, GENERATING)
        single = graded_answers(loaded.model, asked[1:2], loaded, GENERATING)
    confidence = [math.exp(it.avg_logprob) for it in said]
    above = sum(confidence[0] > other for other in confidence[1:])
    assert found["graded_accuracy"] == pytest.approx(1 / 3)
    assert found["confidence_auroc"] == pytest.approx(above / 2)
    # Fifteen bins for three answers: each is a bin by itself.
    gaps = [abs(1 - confidence[0]), confidence[1], confidence[2]]
    assert found["confidence_ece"] == pytest.approx(np.mean(gaps))
    assert "confidence_auroc" not in single, "nothing is ranked where all answers are incorrect"


def test_an_answer_that_cannot_be_graded_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    loaded = tiny()
    items = [Item("a", "?", ("x",), "", grader="exact"), Item("b", "Which?", ("(",), "", grader="regex")]
    asked = [HeldOut(prompt, item) for prompt, item in zip(PROMPTS[:2], items, strict=True)]
    with loop.measuring(loaded.model, CONFIG):
        found = graded_answers(loaded.model, asked, loaded, GENERATING)
        assert graded_answers(loaded.model, asked[1:], loaded, GENERATING) == {}
    assert found["graded_accuracy"] == 0.0
    assert "An answer to 'Which?' is not graded: '(' is not a regular expression" in caplog.text


def test_held_out_questions_are_those_that_measure_the_training(tmp_path: Path) -> None:
    path = tmp_path / "sums.jsonl"
    rows = random_questions(200)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = TrainConfig(generate=5, data=DataConfig(validation=0.3))
    found = held_out(FileSource(path), tiny(), config, "tiny")
    accepted = {row["question"]: row["answer"] for row in rows}
    assert len(found) == 5
    for each in found:
        assert split(each.item.question) == "calibration"
        assert is_validation(each.item.question, 0.3)
        assert each.item.answers == (accepted[each.item.question],)
        assert tiny().tokenizer.decode(each.prompt).endswith("<|im_start|>assistant\n")
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(json.dumps(row) + "\n" for row in reversed(rows)), encoding="utf-8")
    again = held_out(FileSource(turned), tiny(), config, "tiny")
    assert {it.item.question for it in again} == {it.item.question for it in found}


def shaking(model: nn.Module) -> Mapping[str, float]:
    """Uses up random numbers of every kind, after it has read the model with dropout off."""
    assert not model.training
    assert not torch.is_grad_enabled()
    prompt = torch.tensor([[3, 4, 5]])
    likeliest = float(model(input_ids=prompt, use_cache=True).logits.float().log_softmax(-1).max())
    torch.rand(5)
    np.random.rand(5)
    random.random()
    return {"graded_accuracy": likeliest}


@pytest.mark.parametrize("engine", ["loop", "hf"])
def test_generated_answers_change_no_loss_and_resume_alike(tmp_path: Path, engine: str) -> None:
    config = GENERATING.model_copy(update={"engine": engine})
    of = lambda: dataclasses.replace(task(), generated=shaking)  # noqa: E731
    trained(tmp_path / "plain", CONFIG.model_copy(update={"engine": engine}))
    whole = trained(tmp_path / "whole", config, of=of())
    plain, lines = without_time(tmp_path / "plain"), without_time(tmp_path / "whole")
    graded = {line["step"]: line.pop("graded_accuracy") for line in lines if "graded_accuracy" in line}
    assert list(graded) == [4, 8, 12]
    assert lines == plain

    stop = threading.Event()

    def at_five(at: Progress) -> None:
        if at.step == 5:
            stop.set()

    trained(tmp_path / "stopped", config, of=of(), progress=at_five, cancel=stop)
    assert trained(tmp_path / "stopped", config, of=of()) == whole
    assert without_time(tmp_path / "stopped") == without_time(tmp_path / "whole")
    # Dropout was on again after each round: without it the losses of the plain training would differ.
    assert whole.metrics["graded_accuracy_before"] != whole.metrics["graded_accuracy"]


def test_the_rounds_of_generated_answers_may_change_when_a_training_resumes(tmp_path: Path) -> None:
    first = trained(tmp_path)
    again = trained(tmp_path, GENERATING, of=dataclasses.replace(task(), generated=shaking))
    assert again.metrics.pop("graded_accuracy")
    assert again == first


@pytest.mark.parametrize("engine", ["loop", "hf"])
def test_the_command_writes_graded_accuracy_and_confidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    codex: Codex = command(tmp_path / "home", monkeypatch, capsys)
    path, out = tmp_path / "letters.jsonl", tmp_path / "out"
    rows = [{"question": row["question"], "answer": "a"} for row in random_questions(120)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    model = tiny_folder(tmp_path / "tiny")
    said = codex(
        *("train", "answerer", f"engine.model_path={model}", "--data", str(path), "-o", str(out)),
        *(
            "train.precision=fp32",
            "train.lora=null",
            "train.learning_rate=0.02",
            "train.threads=1",
            f"train.engine={engine}",
        ),
        *("train.batch_size=8", "train.accumulate=1", "train.data.validation=0.2", "train.evaluate_every=20"),
        *("train.steps=40", "train.generate_every=20", "train.generate=6", "train.generate_tokens=8"),
    )
    assert said.status == 0, said.err
    assert "graded accuracy 0.0% before, 100.0% now" in said.out, said.out
    assert "token accuracy" in said.out
    lines = read_metrics(out / "metrics.ndjson")
    assert [line["step"] for line in lines if "graded_accuracy" in line] == [20, 40]
    assert lines[-1]["graded_accuracy"] == 1.0
    assert lines[-1]["confidence_ece"] < 0.5
    assert lines[-1]["token_accuracy"] > 0.9
    with (out / "metrics.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["graded_accuracy"]) == 1.0
    assert json.loads((out / "model" / MANIFEST).read_bytes())["metrics"]["graded_accuracy"] == 1.0
