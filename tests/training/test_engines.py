"""The two engines: the same losses, whatever the batches are cut into."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from codex.errors import TrainingError
from codex.training import hf, loop
from codex.training.batches import Batch, RowBatches
from codex.training.config import Lora, TrainConfig
from codex.training.data import answer_loss
from codex.training.state import Step, Training
from tests.support.tiny_llama import TinyRows, tiny_llama

ENGINES = {"loop": loop.train, "hf": hf.train}
PLAIN = TrainConfig(precision="fp32", lora=None, learning_rate=1e-2, batch_size=4, accumulate=2, steps=50)


def steps(config: TrainConfig, rows: TinyRows, model: nn.Module | None = None) -> list[Step]:
    """Every update of a training from its beginning."""
    told: list[Step] = []
    training = Training.begin(model or tiny_llama(), config, config.steps or 1)
    packed = config.max_tokens if config.packing else None
    batches = RowBatches(rows, config.batch_size, config.seed, packed=packed)
    ENGINES[config.engine](training, batches, answer_loss, config, lambda step: not told.append(step))
    return told


def losses(config: TrainConfig, rows: TinyRows, model: nn.Module | None = None) -> list[float]:
    return [step.loss for step in steps(config, rows, model)]


def test_the_losses_of_both_engines_agree_over_50_steps() -> None:
    rows = TinyRows(64)
    ours = steps(PLAIN, rows)
    theirs = steps(PLAIN.model_copy(update={"engine": "hf"}), rows)
    assert len(ours) == 50
    # The same operations in the same order: nothing but the rounding of float32 could differ.
    assert [it.loss for it in ours] == pytest.approx([it.loss for it in theirs], rel=1e-6)
    assert [it.learning_rate for it in ours] == [it.learning_rate for it in theirs]
    assert [it.gradient_norm for it in ours] == pytest.approx([it.gradient_norm for it in theirs], rel=1e-4)
    assert [it.tokens for it in ours] == [it.tokens for it in theirs]
    assert ours[-1].loss < ours[0].loss


def test_they_agree_with_dropout_and_in_bfloat16() -> None:
    config = PLAIN.model_copy(update={"precision": "bf16", "steps": 10})
    found = []
    for engine in ENGINES:
        how = LoraConfig(r=4, lora_dropout=0.3, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
        torch.manual_seed(1)
        model = get_peft_model(tiny_llama().bfloat16(), how)
        found.append(losses(config.model_copy(update={"engine": engine}), TinyRows(20), model))
    # bfloat16 has 8 bits; autocast rounds alike in both, so that they agree far below that.
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_eight_batches_of_one_row_give_the_gradient_of_one_batch_of_eight(engine: str) -> None:
    # 20 rows: the epochs end within batches. The rows have different numbers of targets.
    rows = TinyRows(20, longest=24)
    base = PLAIN.model_copy(update={"engine": engine, "steps": 20})
    split = steps(base.model_copy(update={"batch_size": 1, "accumulate": 8}), rows)
    whole = steps(base.model_copy(update={"batch_size": 8, "accumulate": 1}), rows)
    assert [it.loss for it in split] == pytest.approx([it.loss for it in whole], rel=2e-4)
    assert split[0].gradient_norm == pytest.approx(whole[0].gradient_norm, rel=1e-5)


def test_packed_rows_do_not_see_each_other() -> None:
    rows = TinyRows(16)
    model = tiny_llama()
    packed = next(iter(RowBatches(rows, 3, 0, packed=40).once()))
    alone = list(RowBatches(rows, 1, 0).once())
    batches = list(RowBatches(rows, 3, 0, packed=40).once())
    assert packed.inputs["input_ids"].shape[0] == 3
    assert sum(it.tokens for it in batches) == int(rows.lengths.sum())
    mean = sum(answer_loss(model, it).item() * it.weight for it in alone) / sum(it.weight for it in alone)
    of_packed = sum(answer_loss(model, it).item() * it.weight for it in batches)
    assert of_packed / sum(it.weight for it in batches) == pytest.approx(mean, rel=1e-5)


def test_the_loss_is_that_of_the_targets_alone() -> None:
    rows = TinyRows(3)
    model = tiny_llama()
    batch = next(iter(RowBatches(rows, 3, 0).once()))
    expected = []
    for row in range(3):
        ids = torch.from_numpy(rows.ids(row)).long()
        logprobs = model(ids[None]).logits[0].log_softmax(-1)
        expected += [-logprobs[at - 1, ids[at]] for at in range(rows.start(row), len(ids))]
    assert batch.weight == len(expected)
    assert answer_loss(model, batch).item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-5)


def test_gradient_checkpointing_changes_no_loss() -> None:
    config = PLAIN.model_copy(update={"steps": 5})
    model = tiny_llama()
    model.activation_checkpointing_enable({"use_reentrant": False})
    assert losses(config, TinyRows(20), model) == pytest.approx(losses(config, TinyRows(20)), rel=1e-6)


def test_a_stream_can_be_entered_anywhere() -> None:
    batches = RowBatches(TinyRows(7), 3, seed=5)
    whole = batches.stream()
    for position in range(9):
        expected = next(whole)
        assert torch.equal(next(batches.stream(position)).inputs["input_ids"], expected.inputs["input_ids"])


def test_every_epoch_has_every_row_once_in_another_order() -> None:
    rows = TinyRows(12)
    batches = RowBatches(rows, 4, seed=0)
    two_epochs = [batch.inputs["input_ids"][:, :3] for batch in islice(batches.stream(), 6)]
    seen = [tuple(row) for batch in two_epochs for row in batch.tolist()]
    once = sorted(tuple(rows.ids(row)[:3].tolist()) for row in range(12))
    assert sorted(seen[:12]) == sorted(seen[12:]) == once
    assert seen[:12] != seen[12:]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_finite_stops_before_it_changes_a_weight(engine: str) -> None:
    def loss(model: nn.Module, batch: Batch) -> torch.Tensor:
        found = answer_loss(model, batch)
        return found * float("nan") if len(seen) == 3 else found

    seen: list[dict[str, torch.Tensor]] = []

    def after(step: Step) -> bool:
        seen.append({name: value.detach().clone() for name, value in model.named_parameters()})
        return True

    model = tiny_llama()
    training = Training.begin(model, PLAIN, 10)
    with pytest.raises(TrainingError, match=r"The loss of step 4 is nan.*train\.learning_rate"):
        ENGINES[engine](training, RowBatches(TinyRows(20), 4, 0), loss, PLAIN, after)
    assert training.step == 3
    assert all(torch.equal(value, seen[-1][name]) for name, value in model.named_parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_ends_where_it_is_told_to(engine: str) -> None:
    training = Training.begin(tiny_llama(), PLAIN, 10)
    ENGINES[engine](training, RowBatches(TinyRows(20), 4, 0), answer_loss, PLAIN, lambda it: it.step < 4)
    assert (training.step, training.position) == (4, 8)


@pytest.mark.parametrize(("schedule", "last"), [("constant", 1.0), ("linear", 1 / 9), ("cosine", 0.0302)])
def test_the_learning_rate_rises_and_falls(schedule: str, last: float) -> None:
    config = PLAIN.model_copy(update={"schedule": schedule, "warmup": 0.1, "steps": 10, "learning_rate": 1.0})
    rates = [step.learning_rate for step in steps(config, TinyRows(8))]
    assert rates[0] == 0.5  # one update of warmup: half of the way
    assert rates[1] == 1.0
    assert rates[-1] == pytest.approx(last, abs=1e-3)


def test_any_loss_over_any_batches_can_be_trained() -> None:
    class Ones:
        def stream(self, position: int = 0) -> Iterator[Batch]:
            while True:
                yield Batch({"x": torch.ones(2, 3)}, 2.0, 2)

    model = nn.Linear(3, 1)
    told: list[float] = []
    training = Training.begin(model, PLAIN, 30)
    loop.train(
        training,
        Ones(),
        lambda model, batch: model(batch.inputs["x"]).pow(2).mean(),
        PLAIN.model_copy(update={"lora": Lora()}),
        lambda step: not told.append(step.loss),
    )
    assert told[-1] < told[0]
