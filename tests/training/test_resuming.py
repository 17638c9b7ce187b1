"""A training that is interrupted in any way loses nothing but time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from codex.errors import Cancelled, Conflict, InvalidInput, TrainingError
from codex.training.batches import Batch
from codex.training.checkpoints import STATE, WEIGHTS, Checkpoints
from codex.training.config import TrainConfig
from codex.training.course import Progress
from codex.training.data import answer_loss
from codex.training.folder import held
from codex.training.tracking import read_metrics
from tests.support.full_disk import file_size_limit
from tests.support.tiny_training import CONFIG, MEASURED, task, trained

KILLS = 20
ROOT = Path(__file__).parents[2]


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The metrics of each update, without those of the machine."""
    lines = read_metrics(folder / "metrics.ndjson")
    return [{name: value for name, value in line.items() if name not in MEASURED} for line in lines]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    newest = Checkpoints(folder / "checkpoints", 1).newest()
    assert newest is not None
    return load_file(newest.path / WEIGHTS)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_twenty_kills_at_random_moments_change_no_loss(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.killed_trainings", str(tmp_path), str(KILLS), "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    whole, killed = metrics(tmp_path / "whole"), metrics(tmp_path / "killed")
    assert [line["step"] for line in whole] == list(range(1, len(whole) + 1))
    assert killed == whole
    assert same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    assert not list((tmp_path / "killed" / "checkpoints").glob(".*"))
    table = (tmp_path / "killed" / "metrics.csv").read_text().splitlines()
    assert len(table) == len(whole) + 1


@pytest.mark.parametrize("engine", ["loop", "hf"])
def test_a_stopped_training_resumes_with_the_same_losses(tmp_path: Path, engine: str) -> None:
    config = CONFIG.model_copy(update={"engine": engine})
    trained(tmp_path / "whole", config)
    stop = threading.Event()

    def at_five(at: Progress) -> None:
        if at.step == 5:
            stop.set()

    stopped = trained(tmp_path / "stopped", config, progress=at_five, cancel=stop)
    assert (stopped.why, stopped.step) == ("cancelled", 5)
    resumed = trained(tmp_path / "stopped", config)
    assert resumed.why == "done"
    assert metrics(tmp_path / "stopped") == metrics(tmp_path / "whole")
    assert same(weights(tmp_path / "stopped"), weights(tmp_path / "whole"))


def test_a_training_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = trained(tmp_path)
    steps: list[int] = []
    again = trained(tmp_path, progress=lambda at: steps.append(at.step))
    assert again == first
    assert not steps


def test_a_training_stopped_before_its_first_update_says_so(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled, match="before its first update"):
        trained(tmp_path, cancel=stop)


def test_the_best_checkpoint_is_kept_and_taken(tmp_path: Path) -> None:
    # A learning rate at which the validation loss rises again.
    config = CONFIG.model_copy(update={"learning_rate": 0.3, "evaluate_every": 1, "keep": 2, "clip": None})
    found = trained(tmp_path, config)
    by_step = {line["step"]: line["validation_loss"] for line in metrics(tmp_path)}
    best = min(by_step, key=lambda step: by_step[step])
    assert best < 12, "the last step is the best: the test shows nothing"
    assert (found.step, found.metrics["validation_loss"]) == (best, by_step[best])
    kept = {int(path.name.removeprefix("step-")) for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == {*sorted(by_step, key=lambda step: by_step[step])[:2], 12}


def test_training_stops_early_when_the_validation_loss_no_longer_falls(tmp_path: Path) -> None:
    config = CONFIG.model_copy(
        update={"learning_rate": 0.3, "evaluate_every": 1, "patience": 2, "steps": 50, "clip": None}
    )
    found = trained(tmp_path, config)
    assert found.why == "early"
    assert metrics(tmp_path)[-1]["step"] == found.step + 2
    assert trained(tmp_path, config) == found


def test_a_nan_loss_keeps_the_last_checkpoint_and_says_the_step(tmp_path: Path) -> None:
    seen: list[int] = []

    def loss(model: nn.Module, batch: Batch) -> torch.Tensor:
        seen.append(model.training)
        return answer_loss(model, batch) * (float("nan") if sum(seen) > 14 else 1.0)

    # Two batches an update: the 15th is of step 8; the checkpoint before it is that of step 6.
    with pytest.raises(TrainingError, match="The loss of step 8 is nan"):
        trained(tmp_path, of=task(loss))
    newest = Checkpoints(tmp_path / "checkpoints", 1).newest()
    assert newest is not None
    assert newest.step == 6
    assert trained(tmp_path).why == "done"


def test_too_little_memory_on_a_gpu_says_what_to_lower(tmp_path: Path) -> None:
    def loss(model: nn.Module, batch: Batch) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingError, match=r"Lower train\.batch_size.*train\.max_tokens"):
        trained(tmp_path, of=task(loss))


def test_a_full_disk_in_a_checkpoint_loses_nothing(tmp_path: Path) -> None:
    trained(tmp_path / "whole")
    stop = threading.Event()
    trained(tmp_path / "full", progress=lambda at: stop.set() if at.step == 4 else None, cancel=stop)
    size = (tmp_path / "full" / "checkpoints" / "step-00000004" / STATE).stat().st_size
    with file_size_limit(size // 2), pytest.raises(TrainingError, match=r"step 6.*step 4 is kept.*resume"):
        trained(tmp_path / "full")
    assert not list((tmp_path / "full" / "checkpoints").glob(".*"))
    trained(tmp_path / "full")
    assert metrics(tmp_path / "full") == metrics(tmp_path / "whole")


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(tmp_path: Path) -> None:
    trained(tmp_path, CONFIG.model_copy(update={"keep": 3}))
    before = metrics(tmp_path)
    newest = tmp_path / "checkpoints" / "step-00000012" / STATE
    newest.write_bytes(newest.read_bytes()[:-100])
    assert trained(tmp_path, CONFIG.model_copy(update={"keep": 3})).why == "done"
    assert metrics(tmp_path) == before


def test_where_all_checkpoints_are_damaged_nothing_begins_again_unasked(tmp_path: Path) -> None:
    trained(tmp_path)
    for path in (tmp_path / "checkpoints").glob(f"*/{WEIGHTS}"):
        path.write_bytes(b"")
    with pytest.raises(TrainingError, match=r"All checkpoints in .* are damaged"):
        trained(tmp_path)


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    trained(tmp_path)
    left = tmp_path / "checkpoints" / ".step-00000013-abc"
    left.mkdir()
    (left / WEIGHTS).write_bytes(b"half")
    trained(tmp_path)
    assert not left.exists()


def test_two_trainings_in_one_folder_are_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    identity = json.loads((tmp_path / "training.json").read_bytes())
    with held(tmp_path, identity), pytest.raises(Conflict, match=r"Process \d+ trains in .* already"):
        trained(tmp_path)


@pytest.mark.parametrize(
    ("config", "data", "told"),
    [
        (CONFIG.model_copy(update={"learning_rate": 0.5}), "rows", "settings.learning_rate = 0.01, not 0.5"),
        (CONFIG, "others", "data_sha256 = 'rows', not 'others'"),
    ],
)
def test_a_folder_of_another_training_is_refused(
    tmp_path: Path, config: TrainConfig, data: str, told: str
) -> None:
    trained(tmp_path)
    with pytest.raises(Conflict, match=told):
        trained(tmp_path, config, of=task(data=data))


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Conflict, match=r"other files, such as thesis\.txt"):
        trained(tmp_path)


def test_settings_that_change_no_loss_may_differ(tmp_path: Path) -> None:
    first = trained(tmp_path)
    assert trained(tmp_path, CONFIG.model_copy(update={"save_every": 1, "keep": 5})) == first


def test_fp16_on_a_cpu_says_what_to_take(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="needs a GPU"):
        trained(tmp_path, CONFIG.model_copy(update={"precision": "fp16"}))


def test_a_deterministic_training_repeats_bit_by_bit(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"deterministic": True, "steps": 4})
    trained(tmp_path / "one", config)
    trained(tmp_path / "two", config)
    assert metrics(tmp_path / "one") == metrics(tmp_path / "two")
    assert same(weights(tmp_path / "one"), weights(tmp_path / "two"))
    assert not torch.are_deterministic_algorithms_enabled()


def test_env_json_tells_what_a_training_ran_with(tmp_path: Path) -> None:
    trained(tmp_path)
    told = json.loads((tmp_path / "env.json").read_bytes())
    assert told["versions"]["torch"] == torch.__version__.partition("+")[0] or told["versions"]["torch"]
    assert told["settings"]["learning_rate"] == 0.01
    assert told["data"] == "rows"
    assert {"commit", "processor", "cores", "memory_bytes", "python"} <= told.keys()


def test_tensorboard_has_each_update_once(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    stop = threading.Event()
    config = CONFIG.model_copy(update={"tracker": "tensorboard"})
    trained(tmp_path, config, progress=lambda at: stop.set() if at.step == 5 else None, cancel=stop)
    trained(tmp_path, config)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("loss")
    lines = metrics(tmp_path)
    assert [event.step for event in events] == list(range(1, 13))
    assert [event.value for event in events] == pytest.approx([line["loss"] for line in lines])
