"""A training in Weights & Biases: offline, in its folder, unless WANDB_MODE says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codex.errors import CapabilityError
from codex.outputs import output
from codex.training.config import PREFIX, TrainConfig
from codex.training.folder import flat

if TYPE_CHECKING:
    import wandb

RUN = "wandb.id"
"""Holds the id of the training's run: an interrupted training is synced as one."""
PROJECT = "codex"
"""Where WANDB_PROJECT does not say otherwise."""
DEFAULTS = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
"""Of its environment variables: nothing is sent anywhere."""


class WandB:
    """One run of Weights & Biases for a training, however often interrupted. Raises what wandb raises."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        """Raises CapabilityError where wandb is missing."""
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        try:
            import wandb
        except ImportError as error:
            raise CapabilityError(
                "train.tracker=wandb needs Weights & Biases: pip install 'codex-workbench[wandb]'."
            ) from error
        self._environment = folder / "env.json"
        kept = folder / RUN
        self._run: wandb.Run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=folder.name,
            id=kept.read_text("utf-8").strip() if kept.is_file() else None,
            resume="allow",
            dir=folder,
            config=flat(config.model_dump(mode="json"), PREFIX),
            # The program, its output and its folder are not the training's.
            settings=wandb.Settings(console="off", disable_code=True, disable_git=True, save_code=False),
        )
        with output(kept) as file:
            file.write(self._run.id.encode() + b"\n")

    def add(self, line: Mapping[str, float | int]) -> None:
        """See tracking.Tracker."""
        # A step that is there already, from before an interruption, is left out by wandb.
        self._run.log({name: value for name, value in line.items() if name != "step"}, step=int(line["step"]))

    def sync(self) -> None:
        """See tracking.Tracker: wandb writes each step as it comes."""

    def close(self, status: str) -> None:
        """See tracking.Tracker."""
        if self._environment.is_file():
            self._run.save(self._environment, base_path=self._environment.parent, policy="now")
        self._run.finish(exit_code=0 if status == "FINISHED" else 1)

    def keep(self, path: Path) -> None:
        """Keep a folder as an artifact."""
        self._run.log_artifact(str(path), name=path.name, type="model")
