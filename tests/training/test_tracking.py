"""Where metrics go beside the files of a training, and what happens when they cannot go there."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from codex.errors import CapabilityError
from codex.training.mlflow_tracking import DATABASE, DEFAULTS, RUN
from codex.training.system import System
from codex.training.tracking import Metrics, TensorBoard, read_metrics
from codex.training.wandb_tracking import DEFAULTS as WANDB_DEFAULTS
from codex.training.wandb_tracking import RUN as WANDB_RUN
from tests.support.command import command
from tests.support.tiny_llama import random_questions, tiny_folder
from tests.support.tiny_training import CONFIG, trained

MLFLOW = CONFIG.model_copy(update={"tracker": "mlflow"})


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # A store of MLflow keeps artifacts beside where it is used.
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    for name, value in (DEFAULTS | WANDB_DEFAULTS).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One for several trainings: MLflow takes a second or more to make its tables."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'all.db'}"


def stopped_at_five(folder: Path, config: object = MLFLOW) -> None:
    stop = threading.Event()
    trained(folder, config, progress=lambda at: stop.set() if at.step == 5 else None, cancel=stop)  # type: ignore[arg-type]


def test_mlflow_has_an_interrupted_training_as_one_run_with_each_update_once(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    stopped_at_five(tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path / DATABASE}")
    kept = json.loads((tmp_path / RUN).read_bytes())["run"]
    assert client.get_run(kept).info.status == "KILLED"
    trained(tmp_path, MLFLOW)
    [run] = client.search_runs([client.get_experiment_by_name("codex").experiment_id])
    assert (run.info.run_id, run.info.status, run.info.run_name) == (kept, "FINISHED", tmp_path.name)
    lines = read_metrics(tmp_path / "metrics.ndjson")
    history = client.get_metric_history(kept, "loss")
    assert [metric.step for metric in history] == list(range(1, 13))
    assert [metric.value for metric in history] == [line["loss"] for line in lines]
    assert run.data.params["train.learning_rate"] == "0.01"
    assert run.data.params["train.lora.rank"] == "2"
    assert run.data.metrics["validation_loss"] == lines[-1]["validation_loss"]
    assert [file.path for file in client.list_artifacts(kept)] == ["env.json"]


def test_what_was_sent_before_a_kill_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    # Each update is sent at once; the checkpoint of step 6 is the newest when the training fails in step 9.
    monkeypatch.setattr("codex.training.mlflow_tracking.SECONDS", -1.0)
    add, killed = Metrics.add, []

    def killing(self: Metrics, line: dict[str, float]) -> None:
        if line["step"] == 9 and not killed:
            killed.append(9)
            raise KeyboardInterrupt
        add(self, line)

    monkeypatch.setattr(Metrics, "add", killing)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, MLFLOW.model_copy(update={"save_every": 6}))
    client = MlflowClient(store)
    kept = json.loads((tmp_path / RUN).read_bytes())["run"]
    assert client.get_run(kept).info.status == "FAILED"
    assert [metric.step for metric in client.get_metric_history(kept, "loss")] == list(range(1, 9))
    trained(tmp_path, MLFLOW.model_copy(update={"save_every": 6}))
    assert [metric.step for metric in client.get_metric_history(kept, "loss")] == list(range(1, 13))


def test_mlflow_keeps_the_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store: str
) -> None:
    from mlflow import MlflowClient

    out = tmp_path / "out"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sums")
    data = tmp_path / "sums.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in random_questions(40)), encoding="utf-8")
    model = tiny_folder(tmp_path / "tiny")
    said = command(tmp_path / "home", monkeypatch, capsys)(
        *("train", "answerer", "--data", str(data), "-o", str(out), f"engine.model_path={model}"),
        *("train.steps=2", "train.batch_size=2", "train.precision=fp32", "train.threads=1"),
        "train.tracker=mlflow",
    )
    assert said.status == 0, said.err
    client = MlflowClient(store)
    [run] = client.search_runs([client.get_experiment_by_name("sums").experiment_id])
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["adapter", "env.json"]
    kept = {file.path for file in client.list_artifacts(run.info.run_id, "adapter")}
    assert {"adapter/adapter_model.safetensors", "adapter/codex.json"} <= kept
    assert not (out / DATABASE).exists()


def test_a_server_of_mlflow_that_is_gone_is_told_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # Discard: nobody listens there.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with caplog.at_level(logging.WARNING, "codex"):
        assert trained(tmp_path, MLFLOW).why == "done"
    [told] = [it.message for it in caplog.records if it.name.startswith("codex")]
    assert told.startswith("MLflow failed, and keeps no more of this training: ")
    assert len(read_metrics(tmp_path / "metrics.ndjson")) == 12


def test_a_tracker_that_fails_midway_is_told_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[object] = []

    def full(self: TensorBoard) -> None:
        calls.append(self)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TensorBoard, "sync", full)
    with caplog.at_level(logging.WARNING, "codex"):
        assert trained(tmp_path, CONFIG.model_copy(update={"tracker": "tensorboard"})).why == "done"
    assert [it.message for it in caplog.records] == [
        "TensorBoard failed, and keeps no more of this training: [Errno 28] No space left on device"
    ]
    assert len(calls) == 1
    assert len(read_metrics(tmp_path / "metrics.ndjson")) == 12


def test_without_mlflow_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(CapabilityError, match=r"pip install 'codex-workbench\[mlflow\]'"):
        trained(tmp_path, MLFLOW)


def test_what_a_training_takes_of_the_machine_is_among_its_metrics(tmp_path: Path) -> None:
    trained(tmp_path)
    first, *others = read_metrics(tmp_path / "metrics.ndjson")
    assert first["memory_bytes"] > 50e6, "torch alone takes more"
    assert first["cpu_percent"] >= 0
    # Twelve updates take less than the ten seconds between two measurements.
    assert all("memory_bytes" not in line for line in others)
    assert "memory_bytes,cpu_percent" in (tmp_path / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("missing", [None, ModuleNotFoundError("pynvml"), RuntimeError("no driver")])
def test_a_gpu_is_measured_as_far_as_it_can_be(
    missing: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def utilization() -> int:
        if missing is not None:
            raise missing
        return 87

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_initialized", lambda: True)
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda: 5_000)
    monkeypatch.setattr("torch.cuda.utilization", utilization)
    measured = System().measured()
    assert measured["gpu_memory_bytes"] == 5_000
    assert measured.get("gpu_percent") == (87 if missing is None else None)


def logged(folder: Path) -> list[list[dict[str, float]]]:
    """The updates of each offline run of Weights & Biases in a folder: LevelDB's log, in one block."""
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        data, at, steps = path.read_bytes(), 7, []
        while at < len(data):
            length = int.from_bytes(data[at + 4 : at + 6], "little")
            record = Record.FromString(data[at + 7 : at + 7 + length])
            if record.WhichOneof("record_type") == "history":
                line = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
                steps.append({name: json.loads(value) for name, value in line.items()})
            at += 7 + length
        found.append(steps)
    return found


def test_weights_and_biases_has_an_interrupted_training_as_one_run_offline(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"tracker": "wandb"})
    stopped_at_five(tmp_path, config)
    kept = (tmp_path / WANDB_RUN).read_text().strip()
    trained(tmp_path, config)
    runs = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert [run.name.rpartition("-")[2] for run in runs] == [kept, kept]
    before, after = logged(tmp_path)
    lines = read_metrics(tmp_path / "metrics.ndjson")
    assert [line["_step"] for line in before + after] == list(range(1, 13))
    assert [line["loss"] for line in before + after] == [line["loss"] for line in lines]
    assert (runs[-1] / "files" / "env.json").exists()


def test_without_wandb_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(CapabilityError, match=r"pip install 'codex-workbench\[wandb\]'"):
        trained(tmp_path, CONFIG.model_copy(update={"tracker": "wandb"}))
