"""The updates of a training of the model itself, as a job tells them and a chart shows them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codex.jobs import Job, JobProgress
from codex.outputs import output
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.folder import IDENTITY
from codex.training.saved_adapters import saved_adapters

if TYPE_CHECKING:
    from codex.training.course import Progress

OPTIONS = "options.json"
"""What was chosen of a training, beside it, by which it can be resumed."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update of a training, as a chart shows it."""

    step: int
    """Counted from 1."""
    loss: float
    """Of the training."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What else is known: `reward` and `readable` of the answers that were rewarded; `validation_loss`,
    `token_accuracy` and metrics of graded answers where the held-out questions were looked at."""


class Told:
    """Tells a job how far a training is, and keeps what a chart shows and what resumes it."""

    def __init__(
        self, job: Job, updates: list[Update], folder: Path, options: AnswererOptions | RewardOptions
    ) -> None:
        self._job, self._updates, self._folder, self._options = job, updates, folder, options
        self._began = 0.0
        job.report(JobProgress(text="Loading the model"))

    def begins(self, start: int = 0) -> None:
        """The rows are known, and the model is measured as it is. start: updates on the format before."""
        then = f", then {start} updates on the format" if start else ""
        self._job.report(JobProgress(text=f"Measuring the model as it is{then}"))

    def __call__(self, at: Progress) -> None:
        """An update is done."""
        if not self._updates:
            self._began = time.monotonic()
            self._keep_options()
        self._updates.append(Update(at.step, at.loss, at.measured))
        since = at.step - self._updates[0].step
        seconds = (time.monotonic() - self._began) / since if since else None
        left = None if seconds is None else (at.steps - at.step) * seconds
        rate = 1 / seconds if seconds else None
        text = _text(at) if at.step < at.steps else "Measuring the trained model"
        self._job.report(JobProgress(at.step, at.steps, "updates", rate, "updates", left, text))

    def stopped(self) -> None:
        """Somebody stopped it."""
        now, home = self._job.progress, self._folder.parent.parent
        there = next((it for it in saved_adapters(home) if it.name == self._folder.name), None)
        text = (
            f"Stopped at a checkpoint, update {there.step}; starting again with the same name and settings "
            "resumes there."
            if there
            else "Stopped before the first update; nothing was learned."
        )
        self._job.report(replace(now, text=text, rate=None, seconds_left=None))

    def _keep_options(self) -> None:
        if (self._folder / IDENTITY).is_file():
            with output(self._folder / OPTIONS) as file:
                file.write(self._options.model_dump_json(indent=2).encode() + b"\n")


def _text(at: Progress) -> str:
    told = [f"loss {at.loss:.3f}"]
    if at.validation_loss is not None:
        told.append(f"held-out loss {at.validation_loss:.3f}")
    if "reward" in at.measured:
        told.append(f"mean reward {at.measured['reward']:.2f}")
    if "readable" in at.measured:
        told.append(f"{at.measured['readable']:.0%} with a readable confidence")
    text = ", ".join(told)
    return text[:1].upper() + text[1:]
