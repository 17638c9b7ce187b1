"""Checkpoints: from any of them a training resumes as if it had never been interrupted."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from codex.errors import TrainingError
from codex.outputs import file_sha256, output_folder
from codex.private import make_folder
from codex.training.state import Training

WEIGHTS = "weights.safetensors"
STATE = "state.pt"
MANIFEST = "checkpoint.json"
UNFINISHED = ".step-"
"""How folders of checkpoints begin that are not whole yet."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that is whole."""

    path: Path
    step: int
    """Updates that it has seen."""
    loss: float | None
    """Of the validation rows; None: it was not evaluated."""
    extra: dict[str, Any]
    """What its writer kept beside it."""


class Checkpoints:
    """The checkpoints of one training, a folder each; the best ones and the newest are kept."""

    def __init__(self, folder: Path, keep: int) -> None:
        """keep: how many of the best, by the validation loss. What was never finished is removed.

        Raises TrainingError.
        """
        self.folder = folder
        self._keep = keep
        try:
            make_folder(folder)
            for left in folder.glob(f"{UNFINISHED}*"):
                shutil.rmtree(left)
        except OSError as error:
            raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error

    def save(
        self, training: Training, loss: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> Checkpoint:
        """Write a checkpoint, whole or not at all, then delete those that are no longer kept.

        Raises TrainingError: the disk is full, the folder cannot be written. Older ones then stay.
        """
        path = self.folder / f"step-{training.step:08}"
        weights = {key: value.detach().contiguous() for key, value in training.weights().items()}
        try:
            with output_folder(path) as made:
                save_file(weights, made / WEIGHTS)
                with (made / STATE).open("wb") as file:
                    torch.save(training.state_dict(), file)
                files = {each: file_sha256(made / each) for each in (WEIGHTS, STATE)}
                told = {"step": training.step, "loss": loss, "extra": dict(extra or {}), "files": files}
                (made / MANIFEST).write_text(json.dumps(told), encoding="utf-8")
        except (OSError, SafetensorError, RuntimeError) as error:
            raise TrainingError(self._not_saved(training.step, error)) from error
        self._delete_others()
        return Checkpoint(path, training.step, loss, dict(extra or {}))

    def newest(self) -> Checkpoint | None:
        """The newest one that is whole; None: there is none at all.

        Raises TrainingError where there are some, and all are damaged.
        """
        there = sorted(self.folder.glob("step-*"), reverse=True)
        for path in there:
            if found := _read(path):
                return found
            log.warning("The checkpoint %s is damaged; the one before it is taken.", path)
        if there:
            raise TrainingError(
                f"All checkpoints in {self.folder} are damaged: nothing is left to resume from. "
                "Delete the folder to start again."
            )
        return None

    def best(self) -> Checkpoint | None:
        """The one of the lowest validation loss; the newest where none was evaluated."""
        evaluated = [each for each in self._whole() if each.loss is not None]
        return min(evaluated, key=lambda each: (each.loss, each.step)) if evaluated else self.newest()

    def load(self, checkpoint: Checkpoint, training: Training) -> None:
        """Let a training stand where it stood when that was written. Raises TrainingError."""
        self.load_weights(checkpoint, training)
        state = torch.load(checkpoint.path / STATE, map_location="cpu", weights_only=True)
        training.load_state_dict(state)

    def load_weights(self, checkpoint: Checkpoint, training: Training) -> None:
        """Give a training's model the weights of a checkpoint alone. Raises TrainingError."""
        kept, now = load_file(checkpoint.path / WEIGHTS), training.weights()
        if kept.keys() != now.keys() or any(kept[key].shape != now[key].shape for key in kept):
            raise TrainingError(f"{checkpoint.path} is of another model or adapter; take another folder.")
        with torch.no_grad():
            for key, value in now.items():
                value.copy_(kept[key])

    def _whole(self) -> list[Checkpoint]:
        return [found for path in sorted(self.folder.glob("step-*")) if (found := _read(path))]

    def _delete_others(self) -> None:
        # Their files were checked when they were written: what is left of a power cut is found at the start.
        there = [each for path in sorted(self.folder.glob("step-*")) if (each := _manifest(path))]
        evaluated = sorted(
            (each for each in there if each.loss is not None), key=lambda each: each.loss or 0.0
        )
        kept = {each.path for each in [*evaluated[: self._keep], *there[-1:]]}
        for each in there:
            if each.path not in kept:
                shutil.rmtree(each.path, ignore_errors=True)

    def _not_saved(self, step: int, error: Exception) -> str:
        there = [each.step for path in sorted(self.folder.glob("step-*")) if (each := _manifest(path))]
        kept = f"The checkpoint of step {there[-1]} is kept" if there else "There was none before"
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        why = getattr(error, "strerror", None) or error
        remedy = "Make room" if full or isinstance(error, SafetensorError) else "Make the folder writable"
        return (
            f"The checkpoint of step {step} could not be written into {self.folder}: {why}. {kept}. "
            f"{remedy}, and give the same command again to resume."
        )


def _manifest(path: Path) -> Checkpoint | None:
    try:
        told = json.loads((path / MANIFEST).read_bytes())
        return Checkpoint(path, int(told["step"]), told["loss"], told["extra"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(path: Path) -> Checkpoint | None:
    """A checkpoint whose files are what was written; None: it is damaged."""
    found = _manifest(path)
    try:
        files: dict[str, str] = json.loads((path / MANIFEST).read_bytes())["files"] if found else {}
        return (
            found if files and all(file_sha256(path / name) == sha for name, sha in files.items()) else None
        )
    except (OSError, ValueError, KeyError):
        return None
