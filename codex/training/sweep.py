"""Several trainings of the answerer, each with other settings, in one folder and one table."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.errors import InvalidInput, TrainingError
from codex.evaluation.sweeps import combinations
from codex.outputs import output
from codex.private import make_folder
from codex.settings import load_settings
from codex.text import sha256
from codex.training.answerer import train_answerer
from codex.training.base_model import of_this_machine
from codex.training.config import PREFIX, TrainConfig, configured
from codex.training.course import FREE, Progress
from codex.training.examples import Source
from codex.training.token_cache import Prepared

RESULT = "result.json"
"""In the folder of a training that is done."""
TABLE = "sweep.csv"
COLUMNS = (
    "validation_loss",
    "perplexity",
    "token_accuracy",
    "graded_accuracy",
    "graded_refusals",
    "confidence_auroc",
    "confidence_ece",
)
"""Of the table, beside the settings that differ."""
LONGEST = 120
"""Characters of a folder's name."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a sweep."""

    chosen: tuple[str, ...]
    """The settings in which it differs from the others, as key=value."""
    config: TrainConfig
    engine: ModelConfig

    @property
    def name(self) -> str:
        """Of its folder: the same for the same settings, whatever else is swept."""
        text = ",".join(each.removeprefix(PREFIX) for each in self.chosen) or "training"
        plain = re.sub(r"[^\w.=,+-]", "_", text, flags=re.ASCII).lstrip(".")
        if plain == text and len(text) <= LONGEST:
            return text
        return f"{plain[:LONGEST]}-{sha256(text)[:8]}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a training."""

    trial: Trial
    folder: Path
    metrics: Mapping[str, float]
    """As of `course.Trained`."""
    step: int
    """Updates of the weights that were kept."""
    error: str = ""
    """Why it failed; "": it did not."""

    @property
    def loss(self) -> float | None:
        """The validation loss; None: it failed, or there are no held-out rows."""
        return self.metrics.get("validation_loss")


def trials(overrides: Sequence[str]) -> list[Trial]:
    """One for each combination of the settings, the last one changing fastest.

    All are checked before the first is trained. Raises SettingsError; InvalidInput for an interval, and for a
    server's engine.
    """
    for text in overrides:
        if "interval(" in text:
            raise InvalidInput(f"{text!r} is a range: --optuna N searches it with N trainings.", [text])
    return [trial(each.overrides, each.swept) for each in combinations(overrides)]


def trial(overrides: Sequence[str], chosen: Sequence[str]) -> Trial:
    """The training of these settings. chosen: those of them that are varied."""
    config, others = configured(overrides)
    return Trial(tuple(chosen), config, of_this_machine(load_settings(others).engine))


class Sweep:
    """The trainings in a folder; those that are done are not done again, one that was interrupted resumes."""

    def __init__(self, source: Source, models: Models, folder: Path, cancel: threading.Event) -> None:
        """folder: of all; each training has one of its own in it. Raises TrainingError."""
        self._source, self._models, self._folder, self._cancel = source, models, folder, cancel
        self._data = source.sha256()
        self.results: list[Result] = []
        try:
            make_folder(folder)
        except OSError as error:
            raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error

    @property
    def table(self) -> Path:
        """The results as CSV."""
        return self._folder / TABLE

    def train(
        self,
        trial: Trial,
        told: Callable[[Prepared], None] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Result:
        """Train, and add the result to the table. A training that fails is told in it.

        Raises Cancelled, and what `train_answerer` raises but TrainingError: another sweep would be there.
        """
        folder = self._folder / trial.name
        result = self.done(trial)
        if result is None:
            try:
                made = train_answerer(
                    self._source,
                    trial.engine,
                    self._models,
                    trial.config,
                    folder,
                    told=told,
                    progress=progress,
                    cancel=self._cancel,
                )
            except TrainingError as error:
                result = Result(trial, folder, {}, 0, str(error))
            else:
                result = Result(trial, folder, made.trained.metrics, made.trained.step)
                self._keep(result)
        self.results = [*(it for it in self.results if it.folder != folder), result]
        self._write()
        return result

    def done(self, trial: Trial) -> Result | None:
        """The result of a training that is done already, on the same data and model; None: it is not."""
        folder = self._folder / trial.name
        try:
            kept = json.loads((folder / RESULT).read_bytes())
            if kept["of"] != self._identity(trial):
                return None
            return Result(trial, folder, dict(kept["metrics"]), int(kept["step"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, result: Result) -> None:
        told = {"of": self._identity(result.trial), "metrics": result.metrics, "step": result.step}
        with output(result.folder / RESULT) as file:
            file.write(json.dumps(told, indent=2).encode() + b"\n")

    def _identity(self, trial: Trial) -> dict[str, Any]:
        settings = trial.config.model_dump(mode="json", exclude=FREE - GENERATED)
        return {"settings": settings, "model": trial.engine.model_path, "data_sha256": self._data}

    def _write(self) -> None:
        with output(self.table) as file:
            file.write(as_csv(self.results).encode())


GENERATED = {"generate_every", "generate", "generate_tokens"}
"""Settings that change no loss, but what is measured."""


def varied(results: Iterable[Result]) -> list[str]:
    """The keys of the settings in which trainings differ, in their order."""
    return list(dict.fromkeys(key for it in results for key in _values(it)))


def ordered(results: Iterable[Result]) -> list[Result]:
    """By the validation loss, the lowest first; failed ones last."""
    return sorted(results, key=lambda it: (bool(it.error), it.loss is None, it.loss or 0.0))


def as_csv(results: Sequence[Result]) -> str:
    """A line for each training, the best first; what was not measured is an empty cell."""
    keys = varied(results)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, "updates", *COLUMNS, "folder", "error"])
    for it in ordered(results):
        values, metrics = _values(it), [it.metrics.get(name, "") for name in COLUMNS]
        writer.writerow([*(values.get(key, "") for key in keys), it.step, *metrics, it.folder, it.error])
    return text.getvalue()


def _values(result: Result) -> dict[str, str]:
    return {key: value for key, _, value in (each.partition("=") for each in result.trial.chosen)}
