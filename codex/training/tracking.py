"""What a training writes down: its metrics, and the machine and settings that they came about with."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from codex.errors import CapabilityError, TrainingError
from codex.outputs import output
from codex.paths import checkout
from codex.private import opener
from codex.training.config import TrainConfig
from codex.training.mlflow_tracking import MLflow
from codex.training.wandb_tracking import WandB

PACKAGES = ("codex-workbench", "torch", "transformers", "peft", "accelerate", "numpy", "tokenizers", "trl")
COLUMNS = (
    "step",
    "epoch",
    "loss",
    "learning_rate",
    "gradient_norm",
    "tokens",
    "seconds",
    "reward",
    "reward_deviation",
    "readable",
    "completion_tokens",
    "validation_loss",
    "perplexity",
    "token_accuracy",
    "graded_accuracy",
    "graded_refusals",
    "confidence_auroc",
    "confidence_ece",
    "stated_ece",
    "stated_brier",
    "stated_auroc",
    "stated_readable",
    "memory_bytes",
    "cpu_percent",
    "gpu_memory_bytes",
    "gpu_percent",
)
"""Of both files of metrics; a value that a step does not have is left out, an empty cell in CSV."""

log = logging.getLogger(__name__)


class Tracker(Protocol):
    """Takes the metrics of each update."""

    def add(self, line: Mapping[str, float | int]) -> None:
        """Keep the metrics of an update. Raises TrainingError."""
        ...

    def sync(self) -> None:
        """Bring what was added to the disk: a checkpoint follows that counts on it. Raises TrainingError."""
        ...

    def close(self, status: Status) -> None:
        """Nothing follows."""
        ...


Status = Literal["FINISHED", "KILLED", "FAILED"]
"""How a training ended, as MLflow calls it: by itself, stopped by somebody, by an error."""


def trackers(config: TrainConfig, folder: Path, step: int) -> list[Tracker]:
    """Those of a configuration. step: the last update that is kept. Raises InvalidInput, CapabilityError."""
    found: list[Tracker] = [Metrics(folder, step)]
    if config.tracker == "tensorboard":
        found.append(Beside("TensorBoard", lambda: TensorBoard(folder, step)))
    elif (keeper := _keeper(config, folder)) is not None:
        found.append(keeper)
    return found


def keep_artifact(config: TrainConfig, folder: Path, path: Path) -> None:
    """Let the tracker of a training keep a folder that it made, where it keeps such."""
    if (keeper := _keeper(config, folder)) is not None:
        keeper.keep(path)


def _keeper(config: TrainConfig, folder: Path) -> Beside | None:
    """The tracker that keeps artifacts too; None: the configuration names none such."""
    if config.tracker == "mlflow":
        return Beside("MLflow", lambda: MLflow(config, folder))
    if config.tracker == "wandb":
        return Beside("Weights & Biases", lambda: WandB(config, folder))
    return None


class Beside:
    """A tracker beside the files of metrics: where it fails that is told once, and the training continues."""

    def __init__(self, name: str, begin: Callable[[], Any]) -> None:
        """begin: makes the tracker. Raises CapabilityError where its package is missing."""
        self._name = name
        self._tracker: Any = None
        with self._told():
            self._tracker = begin()

    def add(self, line: Mapping[str, float | int]) -> None:
        """See Tracker."""
        self._call("add", line)

    def sync(self) -> None:
        """See Tracker."""
        self._call("sync")

    def close(self, status: Status) -> None:
        """See Tracker."""
        self._call("close", status)

    def keep(self, path: Path) -> None:
        """Keep a folder as an artifact of a training that has ended."""
        self._call("keep", path)
        self._call("close", "FINISHED")

    def _call(self, what: str, *given: object) -> None:
        if self._tracker is not None:
            with self._told():
                getattr(self._tracker, what)(*given)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except CapabilityError:
            raise
        except Exception as error:  # Whatever a tracker raises: it must not end a training.
            self._tracker = None
            why = str(error).strip().partition("\n")[0] or type(error).__name__
            log.warning("%s failed, and keeps no more of this training: %s", self._name, why)


class TensorBoard:
    """Event files under tensorboard/, which `tensorboard --logdir` shows."""

    def __init__(self, folder: Path, step: int) -> None:
        """step: the last update that is kept. Raises CapabilityError where TensorBoard is missing."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise CapabilityError(
                "train.tracker=tensorboard needs TensorBoard: pip install 'codex-workbench[tensorboard]'."
            ) from error
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def add(self, line: Mapping[str, float | int]) -> None:
        """See Tracker."""
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(name, value, line["step"])

    def sync(self) -> None:
        """See Tracker."""
        self._writer.flush()

    def close(self, status: Status) -> None:
        """See Tracker."""
        self._writer.close()


class Metrics:
    """metrics.ndjson and metrics.csv: a line for each update, and the same lines after a kill."""

    def __init__(self, folder: Path, step: int) -> None:
        """step: the last update that is kept; lines after it are dropped. Raises InvalidInput."""
        self.lines = folder / "metrics.ndjson"
        self.table = folder / "metrics.csv"
        kept = [line for line in read_metrics(self.lines) if line["step"] <= step]
        with output(self.lines) as file:
            file.writelines(json.dumps(line).encode() + b"\n" for line in kept)
        with output(self.table) as file:
            file.write(",".join(COLUMNS).encode() + b"\n")
            file.writelines(_row(line) for line in kept)

    def add(self, line: Mapping[str, float | int]) -> None:
        """See Tracker."""
        with self._told():
            _append(self.lines, json.dumps(dict(line)).encode() + b"\n")
            _append(self.table, _row(line))

    def sync(self) -> None:
        """See Tracker."""
        with self._told():
            for path in (self.lines, self.table):
                with path.open("rb") as file:
                    os.fsync(file.fileno())

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainingError(
                f"{self.lines} cannot be written: {error.strerror or error}. The last checkpoint is kept: "
                "make room, and give the same command again to resume."
            ) from error

    def close(self, status: Status) -> None:
        """See Tracker."""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of metrics.ndjson; a half one at its end is left out."""
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


def write_environment(folder: Path, told: Mapping[str, object]) -> None:
    """Write env.json: versions, commit, hardware, and what else is told. Raises InvalidInput."""
    with output(folder / "env.json") as file:
        file.write(json.dumps({**environment(), **told}, indent=2, default=str).encode() + b"\n")


def environment() -> dict[str, object]:
    """The versions of packages, the commit of a checkout, and the machine."""
    gpus = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "versions": versions(),
        "commit": _commit(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus,
        "cuda": torch.version.cuda,
    }


def versions() -> dict[str, str]:
    """Of the packages that a training rests on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _row(line: Mapping[str, object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([line.get(name, "") for name in COLUMNS])
    return text.getvalue().encode()


def _append(path: Path, data: bytes) -> None:
    with open(path, "ab", opener=opener) as file:
        file.write(data)


def _commit() -> str | None:
    root = checkout()
    if root is None:
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
