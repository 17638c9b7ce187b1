"""The model in use: loaded, measured, and changed for another one when nobody uses it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal

from codex import engines
from codex.ask.active import Active
from codex.ask.budget import Budget
from codex.ask.loop.loop import Loop
from codex.ask.models.larger import Larger
from codex.ask.models.uses import PATIENCE, ModelUse
from codex.ask.places import Client, Places
from codex.ask.priority import Priority
from codex.calibration.familiarity import Embed
from codex.engines.base import Engine
from codex.engines.models import Models
from codex.errors import Cancelled, CodexError, Stopping, UnusableModel
from codex.grounding.grounder import Grounder, Measured
from codex.grounding.reliability import Done
from codex.redaction import masked
from codex.retrieval import Index
from codex.settings import EngineSettings, Settings

log = logging.getLogger(__name__)

State = Literal["loading", "ready", "error", "unloaded", "stopping"]
"""unloaded: its memory was given back on request; the next question loads it again. stopping: Codex ends, and
takes no more questions."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the model can do right now."""

    state: State
    model: str
    """The engine's fingerprint."""
    error: str | None = None
    calibrated: bool = False
    """Whether a calibrator holds for questions that are asked as the settings say."""
    calibration: str = ""
    """What it was fitted on, or why there is none; a sentence for people."""
    limits: str = ""
    """See `Engine.limits`."""
    abilities: str = ""
    """See `Engine.abilities`."""


class ModelInUse:
    """The engine that answers now, with its grounder and its loop. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        active: Active,
        index: Index,
        embed: Embed,
        larger: Larger | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """active: follows the model. embed: questions to vectors. larger: asked where a person would decide.

        prepare: done in the background when the model is loaded, before anything is measured.
        """
        self._active, self._index, self._embed, self._larger = active, index, embed, larger
        self._prepare = prepare
        self.places = Places(settings.ask.max_waiting)
        """Those of the questions under way."""
        self.budget = Budget(settings.server.tokens_per_day)
        """What each client may have generated in a day."""
        self.priority = Priority()
        """Who waits for an answer, so that a run can make way."""
        self._use = ModelUse()
        self.on_switch: Callable[[Settings], None] = lambda settings: None
        """Told of the settings by which another model was loaded."""
        self._measures = False
        """Whether judge and verifier of each model are measured when it is loaded."""
        self._background: threading.Thread | None = None
        self._set(settings, engine)

    def _set(self, settings: Settings, engine: Engine) -> None:
        """Use this engine, with a grounder and a loop of its own."""
        self.settings, self.engine = settings, engine
        self.grounder = Grounder(
            settings.grounding,
            engine,
            Models(settings.home),
            self._index.embed,
            lambda: self._index.embedding,
            lambda: self._active.verifier.in_use,
        )
        trained = self._active.verifier.in_use
        if trained is not None and not trained.verifier.mismatch(engine, settings.grounding.verifier_form):
            engine.use_adapters(trained.adapters)
        larger = self._larger
        if larger is not None and larger.fingerprint == engine.fingerprint:
            larger = None  # It was loaded in place of the first one: nobody is asked twice.
        self.loop = Loop(engine, self._index, self.grounder, settings.ask, self._embed, larger)
        self._given_back = False
        """Whether its memory was given back on request."""
        self._failed: str | None = None

    @property
    def status(self) -> Status:
        """Whether a question can be answered now."""
        calibrated, calibration = self._active.calibration
        model, error = self.engine.fingerprint, None
        state: State = "loading"
        if self.places.draining:
            state = "stopping"
        elif self._use.changing:
            pass
        elif self.engine.is_loaded:
            state = "ready"
        elif self._failed is not None:
            state, error = "error", self._failed
        elif self._given_back:
            state = "unloaded"
        engine = self.engine
        return Status(state, model, error, calibrated, calibration, engine.limits, engine.abilities)

    @contextmanager
    def answering(self, client: Client | None, max_tokens: int, cancel: threading.Event) -> Iterator[None]:
        """The model answers somebody who waits, inside: it stays, and every background question makes way.

        Raises Busy while the model is changed, TooMany where the client's budget is spent, and as
        `Places.taken`.
        """
        self.budget.check(client)
        with self._use.using(), self.places.taken(client, max_tokens, cancel), self.priority.live():
            yield

    def using(self) -> AbstractContextManager[None]:
        """The model stays while the block runs: see `ModelUse.using`. Raises Busy."""
        return self._use.using()

    def holding(self, work: str) -> AbstractContextManager[None]:
        """No other model is loaded while the block runs: see `ModelUse.held`. Raises Conflict."""
        return self._use.held(work)

    def load(self) -> None:
        """Load the model now; raises ModelError, Busy and remembers it for `status`."""
        with self._use.using():
            self._load()

    def load_in_background(self, *, measure: bool = False) -> threading.Thread:
        """Load the model while pages are already served; a failure shows in `status`.

        measure: then measure judge and verifier, between the questions that come.
        """

        def load() -> None:
            try:
                self.load()
            except CodexError:  # `load` remembers it; whoever asks is told.
                return
            self._prepare()
            if measure:
                self._measure_quietly()

        self._measures = measure
        self._background = threading.Thread(target=load, name="codex-load", daemon=True)
        self._background.start()
        return self._background

    def switch(self, chosen: EngineSettings, patience: float = PATIENCE) -> None:
        """Load another model, or the same otherwise, in place of this one, without a restart.

        Questions under way end first; new ones raise Busy until it is loaded. Where it cannot be loaded, the
        one before is loaded again. It lasts until this process ends: the settings name the next one's model.

        patience: seconds that the questions under way have. Raises UnusableModel; Conflict while an
        evaluation runs, another change is under way, or a question does not end.
        """
        settings = self.settings.model_copy(update={"engine": chosen})
        engine = engines.create(chosen.name, chosen, Models(settings.home))
        before = (self.settings, self.engine)
        with self._use.change(f"{engine.fingerprint} is being loaded", self.places.disturb, patience):
            self._give_back()
            try:
                self._follow(settings, engine)
                self._load()
            except Exception as error:
                self._give_back()
                self._follow(*before)
                raise UnusableModel(
                    f"{chosen.model_path or engine.fingerprint} could not be loaded: {error} "
                    f"{self._loaded_again()}",
                    ["model"],
                ) from error
            try:
                self.on_switch(settings)
            except OSError as error:
                log.warning("Commands are not told of the other model: %s", error)
        self._measure_again()

    def unload(self, patience: float = PATIENCE) -> None:
        """Give the model's memory back when the questions under way have ended; the next one loads it again.

        Raises Conflict as `switch`.
        """
        with self._use.change("The model is being unloaded", self.places.disturb, patience):
            self._give_back()
            self._given_back = True

    def measure(
        self, done: Done | None = None, cancel: threading.Event | None = None, *, evidence: bool = True
    ) -> list[Measured]:
        """How reliable the judge of evidence and the verifier are: measured unless that is kept.

        Takes minutes where it is not; questions go before. done: called with the answers that are judged,
        and how many there are. evidence: whether a judge is needed. Raises Cancelled, ModelError,
        CapabilityError; Stopping after `Places.stop`.
        """

        def turn() -> threading.Event:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Measuring was cancelled.")
            quiet = self.places.quiet()
            if self._use.changing:
                raise Cancelled("Measuring was cancelled: another model is being loaded.")
            return quiet

        with self._use.using():
            return self.grounder.measure(turn, done, evidence=evidence)

    def close(self) -> None:
        """Cancel what runs in the background, and give the memory of every model back."""
        if self._background is not None:
            self.places.stop()
            self._background.join()
        self._give_back()

    def _load(self) -> None:
        known = self.engine.fingerprint
        try:
            self.engine.load()
            self.grounder.load()
            if self.engine.fingerprint != known:  # Its file was not there before.
                self._active.follow(self.settings, self.engine)
            self._failed = None
        except CodexError as error:
            self._failed = masked(str(error))
            raise

    def _follow(self, settings: Settings, engine: Engine) -> None:
        """Use this engine from now on, wherever one is used."""
        self.settings, self.engine = settings, engine
        self._active.follow(settings, engine)
        self._set(settings, engine)

    def _give_back(self) -> None:
        """The memory of every model; the larger one is loaded again by the question that needs it."""
        self.engine.unload()
        self.grounder.unload()
        if self._larger is not None:
            self._larger.unload()

    def _loaded_again(self) -> str:
        """Load the model that was there before; what came of it, in a sentence."""
        try:
            self._load()
        except CodexError as error:
            return f"Nor could {self.engine.fingerprint} be loaded again: {error}"
        return f"{self.engine.fingerprint} is loaded again."

    def _measure_again(self) -> None:
        """Measure judge and verifier of another model too, where that was begun at the start."""
        if self._measures:
            self._background = threading.Thread(
                target=self._measure_quietly, name="codex-measure", daemon=True
            )
            self._background.start()

    def _measure_quietly(self) -> None:
        try:
            self.measure()
        except Stopping:
            pass
        except CodexError as error:
            log.warning("How reliable judge and verifier are could not be measured: %s", error)
