"""A larger model beside the first, asked where a person would decide."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from codex import engines
from codex.ask.loop.loop import Loop
from codex.ask.models.switching import engine_settings
from codex.ask.request import Request
from codex.calibration import Calibrator
from codex.calibration.familiarity import Embed
from codex.calibration.shipped import shipped_calibrators
from codex.engines.base import Engine, ModelConfig
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.memory import available_memory, model_memory
from codex.engines.models import Models
from codex.errors import Cancelled, CodexError, InvalidInput, ModelError, NotFound, SettingsError, Stopping
from codex.grounding.grounder import Grounder
from codex.redaction import masked
from codex.retrieval import Index
from codex.settings import EngineSettings, Settings
from codex.store import Store
from codex.types import DecisionEvent, Event, Step


@dataclass(frozen=True, slots=True)
class LargerStatus:
    """The larger model as it is now."""

    model: str
    """The engine's fingerprint."""
    name: str
    engine: str
    state: Literal["ready", "unloaded", "error"]
    """unloaded: the first question that needs it loads it. error: it could not be loaded; the next one that
    needs it tries again."""
    memory: int | None
    """Bytes, estimated; None: a server holds it."""
    error: str | None = None


class Larger:
    """Asks the larger model, and holds it in memory from the first question on that needs it. Thread-safe."""

    def __init__(self, engine: Engine, settings: Settings, store: Store, index: Index, embed: Embed) -> None:
        """settings: they name the model. embed: questions to vectors, for familiarity."""
        self._engine, self._store = engine, store
        self._settings = larger_settings(settings) or settings
        self._models = Models(settings.home)
        self._grounder = Grounder(
            settings.grounding, engine, self._models, index.embed, lambda: index.embedding
        )
        self._loop = Loop(engine, index, self._grounder, settings.ask, embed)
        self._loading = threading.Lock()
        self._failed: str | None = None
        self._found: tuple[str, Calibrator] | None = None

    @property
    def fingerprint(self) -> str:
        """Which model."""
        return self._engine.fingerprint

    @property
    def status(self) -> LargerStatus:
        """What there is of it now."""
        config = self._settings.engine
        return LargerStatus(
            model=self.fingerprint,
            name=config.model_path,
            engine=config.name,
            state="ready" if self._engine.is_loaded else "error" if self._failed else "unloaded",
            memory=self._memory,
            error=self._failed,
        )

    def calibrator(self) -> Calibrator | None:
        """See `calibrator_of`. Raises StoreError."""
        version = calibrator_version(self._store, self.fingerprint)
        if version is None:
            return None
        if self._found is None or self._found[0] != version:
            self._found = (version, load_calibrator(self._store, version))
        return self._found[1]

    def answer(self, request: Request, steps: list[Step]) -> Generator[Event, None, Calibrator | None]:
        """Add its step to those of a deferred question; the calibrator of the answer that is decided on.

        Where it cannot answer, the last step's decision stands, and says why. Raises Cancelled, Stopping.
        """
        last = steps[-1]
        try:
            self.load()
            calibrator = self.calibrator()
            policy = request.policy.for_larger or request.policy
            own = replace(request, policy=policy, calibrator=calibrator, probes=None)
            steps.append((yield from self._loop.as_larger(own, steps)))
        except (Cancelled, Stopping):
            raise
        except CodexError as error:
            why = f"{last.decision.reason}; the larger model could not answer: {error}"
            decision = replace(last.decision, reason=why)
            steps[-1] = replace(last, decision=decision)
            yield DecisionEvent(len(steps) - 1, last.kind, decision)
            return request.calibrator
        return calibrator

    def load(self) -> None:
        """Load it, unless it is loaded. Raises ModelError, also where memory does not allow it."""
        with self._loading:
            if self._engine.is_loaded:
                return
            try:
                self._check_memory()
                self._engine.load()
                self._grounder.load()
            except CodexError as error:
                self._failed = masked(str(error))
                self._give_back()
                raise
            self._failed = None

    def unload(self) -> None:
        """Give its memory back; the next question that needs it loads it again."""
        with self._loading:
            self._give_back()

    def _give_back(self) -> None:
        self._engine.unload()
        self._grounder.unload()

    @cached_property
    def _memory(self) -> int | None:
        """Bytes, estimated; None: a server holds it."""
        config = self._settings.engine
        if not isinstance(config, ModelConfig):
            return None
        return model_memory(self._models, config.model_path, config.context_size)

    def _check_memory(self) -> None:
        needed, free = self._memory, available_memory()
        if needed is None or free is None or needed <= free or self._on_gpu():
            return
        model = self._settings.engine.model_path
        raise ModelError(
            f"The larger model {model} needs about {needed / 1e9:.1f} GB of memory "
            f"beside the first, and {free / 1e9:.1f} GB are free. Set larger.model to a smaller one, lower "
            "engine.context_size, or let a server hold it (larger.base_url)."
        )

    def _on_gpu(self) -> bool:
        """Whether another memory than this machine's main one holds it."""
        config = self._settings.engine
        if isinstance(config, HuggingFaceConfig):
            return config.device != "cpu" and engines.preferred_engine() == "huggingface"
        return isinstance(config, ModelConfig) and config.gpu_layers != 0


def larger_settings(settings: Settings) -> Settings | None:
    """The settings with the larger model's engine in the place of the first one's; None: there is none.

    Raises SettingsError.
    """
    wanted = settings.larger
    if not wanted.model:
        return None
    try:
        chosen: EngineSettings = engine_settings(settings, wanted.model, wanted.engine, wanted.base_url)
    except (InvalidInput, NotFound) as error:
        raise SettingsError(f"larger.model={wanted.model}: {error}", ["larger.model"]) from error
    if chosen.name == "openai_api" and wanted.api_key_env is not None:
        chosen = chosen.model_copy(update={"api_key_env": wanted.api_key_env})
    if chosen == settings.engine:
        raise SettingsError(
            f"larger.model={wanted.model} is the first model itself: name a larger one, or leave it out.",
            ["larger.model"],
        )
    return settings.model_copy(update={"engine": chosen})


def calibrator_version(store: Store, model: str) -> str | None:
    """The calibrator of a model's answers: the one made active last, else the newest, else what ships.

    model: the engine's fingerprint. Raises StoreError.
    """
    saved = [each.version for each in store.calibrators.list() if json.loads(each.body)["model"] == model]
    activated = [change.version for change in store.calibrators.history()]
    last = next((version for version in activated if version in saved), None)
    shipped = [each.version for each in shipped_calibrators() if each.model == model]
    return last or next(iter([*saved, *shipped]), None)


def load_calibrator(store: Store, version: str) -> Calibrator:
    """A calibrator of the store, or one that ships. Raises NotFound, StoreError."""
    with suppress(StopIteration):
        return next(each for each in shipped_calibrators() if each.version == version)
    return Calibrator.model_validate_json(store.calibrators.load(version).body)
