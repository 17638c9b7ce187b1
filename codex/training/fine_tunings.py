"""Trainings of the model itself in the background of a server: started, watched, stopped, resumed, used."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from codex.ask.models.listing import change_model
from codex.ask.workbench import Workbench
from codex.engines.base import ModelConfig
from codex.engines.catalogue import catalogue
from codex.engines.huggingface.adapters import read_manifest
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.memory import available_memory
from codex.engines.models import PACKAGED, Models, model_id
from codex.errors import Cancelled, CapabilityError, Conflict, InvalidInput, ModelError
from codex.jobs import Job, JobProgress, Jobs
from codex.prompts import stating
from codex.training import arithmetic, rewards
from codex.training.agents import AgentOptions, check_trl
from codex.training.config import TrainConfig
from codex.training.examples import Joined, RunSource, Source
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.folder import ADAPTER
from codex.training.saved_adapters import (
    ADAPTERS,
    SavedAdapter,
    delete_adapter,
    discard_empty,
    is_merged,
    merged_folder,
    saved_adapter,
    saved_adapters,
)
from codex.training.trainings import KIND, Trainings
from codex.training.updates import OPTIONS, Told, Update
from codex.training.verifier_models import GB, training_memory


class FineTunings:
    """Trainings of the model that is loaded as jobs, among the other trainings. Thread-safe."""

    def __init__(self, workbench: Workbench, jobs: Jobs, trainings: Trainings) -> None:
        """trainings: of the same workbench, of which one runs at a time with these."""
        self._workbench, self._jobs, self._trainings = workbench, jobs, trainings
        self._course: tuple[str, list[Update]] = ("", [])
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def answerer(self, options: AnswererOptions) -> Job:
        """Fine-tune on the questions of runs; the result is the SavedAdapter.

        The same name and options resume a training that was interrupted. Raises CapabilityError for a model
        behind a server; NotFound, InvalidInput for a run; Conflict where the name is taken, or while an
        evaluation or another training runs; ModelError where the memory is too small.
        """
        self._check(options.name, options.config)
        source = self._runs(options.runs, options.refuse)
        settings, models = self._workbench.model.settings, self._models

        def train(job: Job, told: Told) -> None:
            from codex.training.answerer import train_answerer

            train_answerer(
                source,
                self._engine(),
                models,
                options.config,
                settings.home / ADAPTERS / options.name,
                told=lambda rows: told.begins(),
                progress=told,
                cancel=job.cancel,
            )

        return self._start(options, train)

    def reward(self, options: RewardOptions) -> Job:
        """Train by rewards on the questions of runs, or on additions; the result is the SavedAdapter.

        Raises as `answerer`; CapabilityError also where TRL is missing; PluginError.
        """
        check_trl()
        self._check(options.name, options.config)
        chosen = [rewards.reward(name, options.grader) for name in options.rewards]
        source: Source
        if options.runs:
            source, shown = self._runs(options.runs), stating.EXAMPLES
        else:
            source, shown = arithmetic.Additions(options.additions, options.seed), arithmetic.EXAMPLES
        settings, models = self._workbench.model.settings, self._models

        def train(job: Job, told: Told) -> None:
            from codex.training.reward_training import train_reward

            train_reward(
                source,
                chosen,
                self._engine(),
                models,
                options.config,
                AgentOptions(generations=options.generations, tokens=options.tokens, start=options.start),
                settings.home / ADAPTERS / options.name,
                grader=options.grader,
                examples=shown,
                told=lambda counts: told.begins(options.start),
                progress=told,
                cancel=job.cancel,
            )

        return self._start(options, train)

    def resume(self, name: str) -> Job:
        """Resume a training that was interrupted, as it was started here.

        Raises NotFound; Conflict where it is done, or was started elsewhere; what starting it raises.
        """
        saved = saved_adapter(self._home, name)
        if saved.state == "done":
            raise Conflict(f"The training {name!r} is done: there is nothing to resume.")
        try:
            told = json.loads((Path(saved.folder) / OPTIONS).read_bytes())
            if saved.kind == "reward":
                return self.reward(RewardOptions.model_validate(told))
            return self.answerer(AnswererOptions.model_validate(told))
        except (OSError, ValueError) as error:
            raise Conflict(
                f"The training {name!r} was not started here: give the command again that started it."
            ) from error

    def use(self, name: str) -> Job:
        """Write a model with the adapter in its weights, among the models, and load it.

        The result is its name. Raises NotFound; Conflict where the training is not done, where the models
        hold another one of that name, and while an evaluation or a training runs; InvalidInput where its
        base is not on this machine.
        """
        saved = saved_adapter(self._home, name)
        if saved.state != "done":
            raise Conflict(f"The training {name!r} is not done: resume it first.")
        self._trainings.check_free()
        adapter, target = Path(saved.folder) / ADAPTER, merged_folder(self._home, name)
        base = None if saved.merged else self._base(adapter)
        if base is not None:
            self._check_name(name)
            self._check_memory(base, "float32")

        def work(job: Job) -> str:
            self._names[job.id] = name
            if base is not None:
                from codex.training.merging import merge

                job.report(JobProgress(text="Writing the model with the adapter in its weights"))
                merge(adapter, base, self._models, target)
            if job.cancel.is_set():
                raise Cancelled("The model was not loaded.")
            job.report(JobProgress(text="Loading the model"))
            # A folder of that name where Codex was started would be taken before the one among the models.
            own = self._models.find(name) == target
            change_model(self._workbench, name if own else str(target), "huggingface")
            return name

        return self._named(self._jobs.start(KIND, f"Loading {name}", work, name), name)

    def list(self) -> list[SavedAdapter]:
        """What is in the home's adapters, the newest first."""
        return saved_adapters(self._home)

    def read(self, name: str) -> SavedAdapter:
        """One of them. Raises NotFound."""
        return saved_adapter(self._home, name)

    def delete(self, name: str) -> None:
        """Delete an adapter, its checkpoints, and the model that was made of it.

        Raises NotFound; Conflict while it is trained, or its model is loaded; TrainingError.
        """
        running = self._jobs.running(KIND)
        if running is not None and running.about == name:
            raise Conflict(f"{running.title} is under way; wait for its end, or cancel it.")
        if self.in_use == name:
            raise Conflict(f"The model {name!r} is loaded: load another one first, then delete this one.")
        delete_adapter(self._home, name)

    def course(self, job_id: str) -> Sequence[Update]:
        """How a training came along; empty for other jobs and all but the last training."""
        with self._lock:
            of, updates = self._course
        return list(updates) if of == job_id else []

    def name_of(self, job: Job) -> str | None:
        """The adapter that a job is about; None: it is another one's."""
        return self._names.get(job.id)

    @property
    def in_use(self) -> str | None:
        """The adapter whose model is loaded; None: another model is."""
        engine = self._workbench.model.settings.engine
        if not isinstance(engine, ModelConfig):
            return None
        found = self._models.find(engine.model_path)
        return found.name if found is not None and found == merged_folder(self._home, found.name) else None

    def check_model(self) -> None:
        """Raises CapabilityError, Conflict where the model of the settings cannot be trained."""
        engine = self._engine()
        if self._models.find(engine.model_path) is None:
            raise Conflict(f"{engine.model_path} is not on this machine yet. Load it, then train it.")

    @property
    def _home(self) -> Path:
        return self._workbench.model.settings.home

    @property
    def _models(self) -> Models:
        return Models(self._home)

    def _engine(self) -> ModelConfig:
        engine = self._workbench.model.settings.engine
        if not isinstance(engine, ModelConfig):
            raise CapabilityError(
                f"A model behind a server ({engine.name}) cannot be trained here. Load one of this machine, "
                "with engine=huggingface or engine=llama_cpp."
            )
        return engine

    def _check(self, name: str, config: TrainConfig) -> None:
        self._trainings.check_free()
        self.check_model()
        self._check_name(name)
        self._check_memory(self._engine(), "bfloat16" if config.precision != "fp32" else "float32")

    def _check_name(self, name: str) -> None:
        """Raises Conflict where the models hold another one of that name: this one's model would be it."""
        target = merged_folder(self._home, name)
        taken = name in PACKAGED or name in catalogue() or target.with_name(f"{name}.gguf").exists()
        if not taken and target.exists():
            with suppress(ModelError):  # No adapter is there, or no whole one.
                taken = not is_merged(self._home, name, read_manifest(self._home / ADAPTERS / name / ADAPTER))
        if taken:
            raise Conflict(f"There is a model {name!r} already: take another name.")

    def _check_memory(self, engine: ModelConfig, dtype: str) -> None:
        """Raises ModelError where main memory is too small for the model once more."""
        device = getattr(engine, "device", "auto")
        config = HuggingFaceConfig.model_validate(
            {"model_path": engine.model_path, "quantization": "none", "dtype": dtype, "device": device}
        )
        needed, free = training_memory(config, self._models), available_memory()
        if needed is not None and free is not None and needed > free:
            raise ModelError(
                f"For this, {engine.model_path} is loaded once more: about {needed / GB:.1f} GB, and "
                f"{free / GB:.1f} GB of memory are free. Unload the model that answers (the next question "
                "loads it again), or train where no workbench runs."
            )

    def _runs(self, run_ids: Sequence[str], refuse: bool = False) -> Source:
        """Raises NotFound; Conflict while one runs; InvalidInput for follow-ups, and, where refusals are
        trained, for a run of another model."""
        store, model = self._workbench.store, self._workbench.model.engine.fingerprint
        found: list[Source] = []
        for run_id in dict.fromkeys(run_ids):
            run = store.runs.get(run_id).run
            if run.state == "running":
                raise Conflict(f"The run {run.name!r} is still running. Wait for it, or cancel it.")
            if refuse and base_of(run.model) != base_of(model):
                raise InvalidInput(
                    f"The answers of {run.name!r} are by {run.model}: where {model} is incorrect, its own "
                    "answers tell. Evaluate it, or train without refusals.",
                    ["runs"],
                )
            found.append(RunSource(store, run_id, refuse))
        return found[0] if len(found) == 1 else Joined(found)

    def _base(self, adapter: Path) -> ModelConfig:
        """The model that an adapter is for: the one of the settings, or another one of this machine."""
        base, engine = read_manifest(adapter).base, self._workbench.model.settings.engine
        if isinstance(engine, ModelConfig) and base_of(self._workbench.model.engine.fingerprint) == base:
            return engine
        models = self._models
        for entry in models.list():
            if entry.present and model_id(entry.name, entry.path) == base:
                return ModelConfig(model_path=entry.name)
        raise InvalidInput(
            f"It was trained on {base}, which is not among the models of this machine: load that one first.",
            ["name"],
        )

    def _named(self, job: Job, name: str) -> Job:
        self._names[job.id] = name
        return job

    def _start(self, options: AnswererOptions | RewardOptions, train: _Train) -> Job:
        name, workbench = options.name, self._workbench
        folder = self._home / ADAPTERS / name

        def work(job: Job) -> SavedAdapter:
            self._names[job.id] = name
            updates: list[Update] = []
            with self._lock:
                self._course = (job.id, updates)
            told = Told(job, updates, folder, options)
            discard_empty(folder)
            try:
                with workbench.model.holding(f"The training of {name!r}"):
                    train(job, told)
            except Cancelled:
                told.stopped()
                raise
            finally:
                discard_empty(folder)
            return saved_adapter(self._home, name)

        return self._named(self._jobs.start(KIND, f"Training {name}", work, name), name)


def base_of(fingerprint: str) -> str:
    """The model in an engine's fingerprint, whichever engine holds it, in whatever weights."""
    return fingerprint.split(":")[1] if fingerprint.count(":") > 1 else fingerprint


_Train = Callable[[Job, Told], None]
"""Trains to the end, and tells of it. Raises Cancelled where the job's cancel stopped it."""
