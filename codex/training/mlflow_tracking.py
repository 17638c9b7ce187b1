"""A training in MLflow: in a database of its folder, or where MLFLOW_TRACKING_URI says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codex.errors import CapabilityError
from codex.outputs import output
from codex.text import sha256
from codex.training.config import PREFIX, TrainConfig
from codex.training.folder import flat

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN = "mlflow.json"
"""Which run of which store a training's folder is."""
DATABASE = "mlflow.db"
ARTIFACTS = "mlflow-artifacts"
EXPERIMENT = "codex"
"""Where MLFLOW_EXPERIMENT_NAME does not say otherwise."""
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""Of MLflow's environment variables: nothing is sent elsewhere, and a server that is gone holds a training up
for seconds; MLflow's own retries take minutes."""
SECONDS = 10.0
"""After which updates are sent, if no checkpoint was written meanwhile."""


class MLflow:
    """One run of MLflow for one training, however often it is interrupted. Raises what MLflow raises."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        """Raises CapabilityError where MLflow is missing."""
        self._folder = folder
        self._client = _client(folder)
        self._lines: list[Mapping[str, float | int]] = []
        self._sent = time.monotonic()
        self._has_environment = False
        self._id = self._run(config)
        # The steps after the newest checkpoint were sent before the interruption, with the same values.
        known = self._client.get_metric_history(self._id, "loss")
        self._last = max((metric.step for metric in known), default=0)

    def add(self, line: Mapping[str, float | int]) -> None:
        """See tracking.Tracker."""
        if line["step"] > self._last:
            self._lines.append(line)
        if time.monotonic() - self._sent > SECONDS:
            self._send()

    def sync(self) -> None:
        """See tracking.Tracker."""
        self._send()
        if not self._has_environment:
            self._client.log_artifact(self._id, str(self._folder / "env.json"))
            self._has_environment = True

    def close(self, status: str) -> None:
        """See tracking.Tracker."""
        self._send()
        self._client.set_terminated(self._id, status)

    def keep(self, path: Path) -> None:
        """Keep a folder as an artifact."""
        self._client.log_artifacts(self._id, str(path), path.name)

    def _send(self) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(name, float(value), now, int(line["step"]))
            for line in self._lines
            for name, value in line.items()
            if name != "step"
        ]
        for at in range(0, len(metrics), 1000):  # As many as MLflow takes at once.
            self._client.log_batch(self._id, metrics=metrics[at : at + 1000])
        self._lines, self._sent = [], time.monotonic()

    def _run(self, config: TrainConfig) -> str:
        """The run of the folder, or a new one with the settings as its parameters."""
        from mlflow.entities import Param
        from mlflow.exceptions import MlflowException

        store = sha256(_uri(self._folder))  # A URI may hold a password.
        kept = _kept(self._folder)
        if kept.get("store") == store:
            try:
                self._client.update_run(kept["run"], status="RUNNING")
                return kept["run"]
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
        run = str(self._client.create_run(self._experiment(), run_name=self._folder.name).info.run_id)
        params = [
            Param(name, str(value)) for name, value in flat(config.model_dump(mode="json"), PREFIX).items()
        ]
        self._client.log_batch(run, params=params)
        with output(self._folder / RUN) as file:
            file.write(json.dumps({"store": store, "run": run}).encode() + b"\n")
        return run

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        is_own = not os.environ.get("MLFLOW_TRACKING_URI")
        place = (self._folder.absolute() / ARTIFACTS).as_uri() if is_own else None
        return str(self._client.create_experiment(name, artifact_location=place))


def _uri(folder: Path) -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.absolute() / DATABASE}"


def _client(folder: Path) -> MlflowClient:
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        import sqlalchemy  # noqa: F401  # MLflow itself tells later, and less plainly, that it is missing.
        from mlflow import MlflowClient
    except ImportError as error:
        raise CapabilityError(
            "train.tracker=mlflow needs MLflow: pip install 'codex-workbench[mlflow]'."
        ) from error
    return MlflowClient(tracking_uri=_uri(folder))


def _kept(folder: Path) -> dict[str, str]:
    try:
        kept = json.loads((folder / RUN).read_bytes())
        return {"store": str(kept["store"]), "run": str(kept["run"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
