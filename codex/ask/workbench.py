"""The orchestrator: one question from request to decision, in a bounded loop."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Self, Unpack, cast, get_args

import numpy as np
from numpy.typing import NDArray

from codex import engines, prompts
from codex.ask.active import Active
from codex.ask.choices import Choices
from codex.ask.confidence import likely_answers
from codex.ask.conversation import Budget, budget, earlier, messages, turns_to
from codex.ask.deciding import decide_again
from codex.ask.explaining import told_user
from codex.ask.failures import Failures
from codex.ask.larger import Larger, larger_settings
from codex.ask.loop import Asked, Loop, exhausted
from codex.ask.model_use import PATIENCE, ModelUse
from codex.ask.people import PeoplesAnswers
from codex.ask.places import Client, Places, share_of
from codex.ask.priority import Priority
from codex.ask.request import (
    AskOptions,
    Request,
    Turn,
    new_id,
    resolve,
    resolve_branch,
    turn_at,
)
from codex.ask.scoring import Scored, checked_text, scored_text
from codex.ask.starters import Starters
from codex.engines.admission import on_behalf_of
from codex.engines.base import Engine, Finished, GenerationParams, JsonParams
from codex.engines.models import Models
from codex.errors import (
    Cancelled,
    CapabilityError,
    CodexError,
    Conflict,
    InvalidInput,
    Stopping,
    StoreError,
    UnusableModel,
)
from codex.grounding import Grounder, Measured
from codex.grounding.reliability import Done
from codex.policy import Policy
from codex.private import tighten_home
from codex.retrieval import Index
from codex.retrieval.config import PACKAGED_EMBEDDING, RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.settings import EngineSettings, Settings, load_settings
from codex.store import Privacy, Store
from codex.text import sha256
from codex.types import (
    AnsweredBy,
    Decision,
    Event,
    Passage,
    PredictionSet,
    Step,
    Token,
    Trace,
    TraceEvent,
    TraceParams,
)

log = logging.getLogger(__name__)

PRIVACY = "store.privacy"
"""The setting that can also be chosen on the Ask page."""
JSON = "json"
"""Among the settings of a trace: its answer was held to a JSON schema, which is not kept."""
RECENT_TRACES = 256
"""Traces kept whole in memory, with the question's text, whatever the store keeps; for who asked alone."""

State = Literal["loading", "ready", "error", "unloaded"]
"""unloaded: its memory was given back on request; the next question loads it again."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the workbench can do right now."""

    state: State
    model: str
    """The engine's fingerprint."""
    error: str | None = None
    calibrated: bool = False
    """Whether a calibrator holds for questions that are asked as the settings say."""
    calibration: str = ""
    """What it was fitted on, or why there is none, in words."""
    limits: str = ""
    """See `Engine.limits`."""
    abilities: str = ""
    """See `Engine.abilities`."""


@dataclass(frozen=True, slots=True)
class _Recent:
    """A trace in memory."""

    trace: Trace
    owner: str | None
    """The secret of the client that asked; None: this process."""


class Workbench:
    """One engine and one store. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        store: Store,
        overrides: Sequence[str] = (),
        larger: Engine | None = None,
    ) -> None:
        """overrides: settings that were given at the start, KEY=VALUE; no earlier choice changes them.

        larger: the engine of the larger model, where there is one; the settings say which model it holds.
        """
        self.settings = settings
        self.engine = engine
        self.store = store
        self.choices = Choices(settings.home)
        """What people chose on the pages."""
        self.overrides = tuple(overrides)
        self.privacy_given = any(override.partition("=")[0] == PRIVACY for override in overrides)
        """Whether store.privacy was given at the start, so that it cannot be chosen."""
        chosen = self.choices.get("privacy")
        if chosen in get_args(Privacy) and not self.privacy_given:
            store.privacy = cast("Privacy", chosen)
        self.active = Active(settings, store, engine)
        """The policy and the calibrator of the next question."""
        self.index = Index(settings.retrieval, settings.home)
        """The user's documents."""
        self._embedding = (
            None
            if settings.retrieval.embedding == PACKAGED_EMBEDDING
            else Embedding(RetrievalConfig(device=settings.retrieval.device))
        )
        self._grounder = self._grounder_of(engine)
        self.larger = Larger(larger, settings, store, self.index, self.embed_questions) if larger else None
        """A larger model, asked before a person is; None: there is none."""
        self._loop = self._loop_of(engine)
        self._use = ModelUse()
        self._given_back = False
        """Whether its memory was given back on request."""
        self.on_switch: Callable[[Settings], None] = lambda settings: None
        """Told of the settings by which another model was loaded."""
        self._measures = False
        """Whether judge and verifier of each model are measured when it is loaded."""
        self.people = PeoplesAnswers(store, self.embed_questions)
        """Answers that people gave, which come before the model's."""
        self.starters = Starters(store, self.active)
        """Questions to begin with."""
        self._background: threading.Thread | None = None
        self._failed: str | None = None
        self.priority = Priority()
        """Who waits for an answer, so that a run can make way."""
        self._places = Places(settings.ask.max_waiting)
        self.failures = Failures()
        """Questions that failed."""
        self._recent: OrderedDict[str, _Recent] = OrderedDict()
        self._recent_lock = threading.Lock()
        self._requests: dict[int, str | None] = {}
        """The requests under way, each with its session; None: that was deleted, its answer is not kept."""
        self._keeping = threading.Lock()

    @classmethod
    def open(cls, overrides: Sequence[str] = ()) -> Self:
        """A workbench by settings; the model is not loaded yet.

        A policy among the overrides comes before the one that was made active, and store.privacy before
        what was chosen on the page.

        Raises SettingsError, StoreError.
        """
        settings = load_settings(overrides)
        tighten_home(settings.home)
        engine = engines.create(settings.engine.name, settings.engine, Models(settings.home))
        second = larger_settings(settings)
        larger = engines.create(second.engine.name, second.engine, Models(settings.home)) if second else None
        events = settings.store.events.get_secret_value() if settings.store.events else None
        days = settings.monitoring.retention_days
        store = Store(settings.database, settings.store.privacy, events, days)
        workbench = cls(settings, engine, store, overrides, larger)
        if any(override.startswith("policy") for override in overrides):
            workbench.active.decide_by(settings.policy)
        return workbench

    def close(self) -> None:
        """Cancel what runs and give model and database back."""
        if self._background is not None:
            self.stop()
            self._background.join()
        self._give_back()
        self.index.close()
        if self._embedding is not None:
            self._embedding.close()
        with suppress(StoreError):  # A database that cannot be written loses these counts, and nothing else.
            self.failures.keep(self.store)
        self.store.close()

    def embed_questions(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """[n, d], of unit length, by the packaged embedding, whichever one indexes the documents.

        Raises ModelError.
        """
        embed = self.index.embed if self._embedding is None else self._embedding.encode
        return embed(questions)

    def stop(self) -> None:
        """End every question under way with Stopping, and take no more. Nothing of them is stored."""
        self._places.stop()

    def load(self) -> None:
        """Load the model now; raises ModelError, Busy and remembers it for `status`."""
        with self._use.using():
            self._load()

    def _load(self) -> None:
        try:
            self.engine.load()
            self._grounder.load()
            self._failed = None
        except CodexError as error:
            self._failed = str(error)
            raise

    def switch_model(self, chosen: EngineSettings, patience: float = PATIENCE) -> None:
        """Load another model, or the same otherwise, in place of this one, without a restart.

        Questions under way end first; new ones raise Busy until it is loaded. Where it cannot be loaded, the
        one before is loaded again. It lasts until this process ends: the settings name the next one's model.

        patience: seconds that the questions under way have. Raises UnusableModel; Conflict while an
        evaluation runs, another change is under way, or a question does not end.
        """
        settings = self.settings.model_copy(update={"engine": chosen})
        engine = engines.create(chosen.name, chosen, Models(settings.home))
        before = (self.settings, self.engine)
        with self._use.change(f"{engine.fingerprint} is being loaded", self._places.disturb, patience):
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

    def unload_model(self, patience: float = PATIENCE) -> None:
        """Give the model's memory back when the questions under way have ended; the next one loads it again.

        Raises Conflict as `switch_model`.
        """
        with self._use.change("The model is being unloaded", self._places.disturb, patience):
            self._give_back()
            self._given_back = True

    def holding_model(self, work: str) -> AbstractContextManager[None]:
        """No other model is loaded while the block runs: see `ModelUse.held`. Raises Conflict."""
        return self._use.held(work)

    def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text by the loaded model. Raises Busy, CapabilityError, ModelError."""
        with self._use.using():
            return self.engine.tokenize(text)

    def _follow(self, settings: Settings, engine: Engine) -> None:
        """Use this engine from now on, wherever one is used."""
        self.settings, self.engine = settings, engine
        self.active.follow(settings, engine)
        self._grounder = self._grounder_of(engine)
        self._loop = self._loop_of(engine)
        self._given_back, self._failed = False, None

    def _give_back(self) -> None:
        """The memory of every model; the larger one is loaded again by the question that needs it."""
        self.engine.unload()
        self._grounder.unload()
        if self.larger is not None:
            self.larger.unload()

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

    def _grounder_of(self, engine: Engine) -> Grounder:
        settings = self.settings
        models = Models(settings.home)
        return Grounder(settings.grounding, engine, models, self.index.embed, lambda: self.index.embedding)

    def _loop_of(self, engine: Engine) -> Loop:
        larger, settings = self.larger, self.settings.ask
        if larger is not None and larger.fingerprint == engine.fingerprint:
            larger = None  # It was loaded in place of the first one: nobody is asked twice.
        return Loop(engine, self.index, self._grounder, settings, self.embed_questions, larger)

    def load_in_background(self, *, measure: bool = False) -> threading.Thread:
        """Load the model while pages are already served; a failure shows in `status`.

        measure: then measure judge and verifier, between the questions that come.
        """

        def load() -> None:
            try:
                self.load()
            except CodexError:  # `load` remembers it; whoever asks is told.
                return
            self.people.load_quietly()
            if measure:
                self._measure_quietly()

        self._measures = measure
        self._background = threading.Thread(target=load, name="codex-load", daemon=True)
        self._background.start()
        return self._background

    def measure(
        self, done: Done | None = None, cancel: threading.Event | None = None, *, evidence: bool = True
    ) -> list[Measured]:
        """How reliable the judge of evidence and the verifier are: measured unless that is kept.

        Takes minutes where it is not; questions go before. done: called with the answers that are judged,
        and how many there are. evidence: whether a judge is needed. Raises Cancelled, ModelError,
        CapabilityError; Stopping after `stop`.
        """

        def turn() -> threading.Event:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Measuring was cancelled.")
            quiet = self._places.quiet()
            if self._use.changing:
                raise Cancelled("Measuring was cancelled: another model is being loaded.")
            return quiet

        with self._use.using():
            return self._grounder.measure(turn, done, evidence=evidence)

    def _measure_quietly(self) -> None:
        try:
            self.measure()
        except Stopping:
            pass
        except CodexError as error:
            log.warning("How reliable judge and verifier are could not be measured: %s", error)

    @property
    def status(self) -> Status:
        """Whether a question can be answered now."""
        calibrated, calibration = self.active.calibration
        model, error = self.engine.fingerprint, None
        state: State = "loading"
        if self._use.changing:
            pass
        elif self.engine.is_loaded:
            state = "ready"
        elif self._failed is not None:
            state, error = "error", self._failed
        elif self._given_back:
            state = "unloaded"
        engine = self.engine
        return Status(state, model, error, calibrated, calibration, engine.limits, engine.abilities)

    def ask(self, question: str, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """Ask one question; what the options leave out comes from the settings.

        Yields events as things happen; the last is a TraceEvent with all of it, already stored.
        Setting `cancel`, or closing the iterator, stops the model within a token and stores nothing.

        Raises InvalidInput at once, and with `follows` NotFound, and Conflict where that conversation was not
        kept; PromptTooLong, ModelError, Busy, Cancelled and StoreError while iterating.
        """
        return self._ask(self._resolved(question, options))

    def answer(self, question: str, **options: Unpack[AskOptions]) -> Trace:
        """`ask`, waiting for the end; the same errors."""
        return last_trace(self.ask(question, **options))

    def ask_aside(self, question: str, index: Index, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """`ask` over other documents than the user's. Nothing of it is kept, and no drift is seen in it.

        index: what is searched. Raises as `ask`.
        """
        return self._ask_aside(self._resolved(question, options), index)

    def observe(self, question: str, passages: Sequence[Passage] = (), **options: Unpack[AskOptions]) -> Step:
        """Ask once with these passages: its gate is not followed and nothing is stored.

        It is no live question: see `priority`.

        Raises InvalidInput, PromptTooLong, ModelError, Cancelled.
        """
        request = self._resolved(question, options)
        return _kept(exhausted(self._loop.once(request, passages)))

    def score(
        self, question: str, answer: str, passages: Sequence[Passage] = (), **options: Unpack[AskOptions]
    ) -> Scored:
        """Signals and confidence of an answer that exists already, whoever wrote it. Nothing is kept of it.

        n_samples: left out, none is drawn, and what is measured on samples is missing. The confidence is
        calibrated where the answer is what the model itself would say, and was come by as the calibrator's.
        Raises InvalidInput, PromptTooLong, ModelError, CapabilityError, Busy, Cancelled.
        """
        request = self._resolved(question, options)
        if options.get("n_samples") is None:
            request = replace(request, n_samples=0)
        checked_text(answer, "answer")
        with self._under_way(request):
            return self._loop.score(request, answer, passages)

    def score_text(
        self,
        prompt: str,
        text: str,
        cancel: threading.Event | None = None,
        client: Client | None = None,
    ) -> Scored:
        """Signals of a text as the continuation of a prompt as it stands. Raises as `score`."""
        checked_text(prompt, "prompt")
        checked_text(text, "text")
        stop = cancel or threading.Event()
        place, share = self._places.taken(client, 1, stop), share_of(client)
        with self._use.using(), place, self.priority.live(), on_behalf_of(share):
            return scored_text(self.engine, self.engine.score(prompt, text, stop))

    def write_on(
        self,
        prompt: str,
        rows: Sequence[GenerationParams],
        cancel: threading.Event | None = None,
        client: Client | None = None,
    ) -> Iterator[Token | Finished]:
        """A text written on as it stands by the model alone, once for each of `rows`; see Engine.decode.

        No question: nothing is judged, decided or kept. Raises InvalidInput, PromptTooLong, ModelError,
        Busy, Cancelled.
        """
        stop = cancel or threading.Event()
        place = self._places.taken(client, max(row.max_tokens for row in rows), stop)
        with self._use.using(), place, self.priority.live():
            with on_behalf_of(share_of(client)):
                decoded = self.engine.decode(prompt, rows, cancel=stop)
            for item in decoded:
                if isinstance(item, Finished) and item.generation.finish_reason == "cancelled":
                    raise Cancelled("The text was cancelled.")
                yield item

    def branch(
        self,
        trace_id: str,
        position: int,
        token_id: int,
        *,
        policy: Policy | None = None,
        cancel: threading.Event | None = None,
        client: Client | None = None,
    ) -> Iterator[Event]:
        """Go on from another token of an answer: a new trace beside the first.

        position: index among the last step's tokens; token_id: one of the alternatives there. The
        samples are the parent's, since they answer the same prompt. Raises NotFound; InvalidInput when
        there is no such alternative; Conflict when another model is loaded, or when the question was not
        kept; and what `ask` raises.
        """
        parent = self.trace(trace_id, client)
        if parent.question is None or parent.last.prompt is None:
            raise Conflict(
                "The text of this question was not kept, so its answer cannot be continued. "
                "Ask it again; store.privacy=full keeps the text."
            )
        _check_form(parent)
        if parent.larger is not None:
            raise Conflict(
                f"This answer was written by the larger model {parent.larger.model}, whose answers cannot be "
                "continued. Ask the question again."
            )
        if parent.model != self.engine.fingerprint:
            raise Conflict(
                f"This answer was written by {parent.model}, and {self.engine.fingerprint} is loaded. "
                "Load that model, or ask the question again."
            )
        turn = turn_at(parent.last, position, token_id)
        request = resolve_branch(parent, policy or self.active.policy, cancel, client)
        return self._branch(request, parent, turn)

    def replay(
        self, trace_id: str, *, cancel: threading.Event | None = None, client: Client | None = None
    ) -> Iterator[Event]:
        """Ask a stored question again, as it was asked, of the model and by the policy of now.

        A follow-up is asked after the same turns. A new trace in the same session. Raises NotFound; Conflict
        when the question or a turn before it was not kept; and what `ask` raises.
        """
        stored = self.trace(trace_id, client)
        if stored.question is None:
            raise Conflict(
                "The text of this question was not kept, so it cannot be asked again. Type it on the Ask "
                "page; store.privacy=full keeps the text."
            )
        _check_form(stored)
        params, documents = stored.params, stored.params.evidence.get("documents")
        return self.ask(
            stored.question,
            session_id=stored.session_id,
            n_samples=params.n_samples,
            adaptive=params.adaptive,
            params=GenerationParams.of(params.answer),
            sample_temperature=params.samples.temperature,
            enable_rag=bool(stored.steps[0].observation.passages),
            documents=[str(name) for name in documents] if isinstance(documents, list) else None,
            follows=earlier(stored),
            cancel=cancel,
            client=client,
        )

    def trace(self, trace_id: str, reader: Client | None = None) -> Trace:
        """A trace by its id: whole while it is recent, otherwise as the store kept it. Raises NotFound.

        reader: None, this process, reads every recent trace whole; a client only those that it asked for.
        """
        with self._recent_lock:
            recent = self._recent.get(trace_id)
        if recent is not None and (reader is None or recent.owner == reader.secret):
            return recent.trace
        return self._with_passages(self.store.load(trace_id))

    def turns(self, trace_id: str, reader: Client | None = None) -> list[Trace]:
        """The conversation that ends with a trace, oldest first; what a follow-up of it is asked after.

        Raises NotFound; Conflict where it was not kept whole.
        """
        return turns_to(self.trace(trace_id, reader), lambda earlier: self.trace(earlier, reader))

    def budget(self, turns: Sequence[Trace]) -> Budget:
        """What these turns take of the context."""
        return budget(self.engine, turns)

    def redecide(self, trace_id: str, policy: Policy) -> Decision:
        """What another policy would decide on a stored answer; no model runs. Raises NotFound."""
        return decide_again(policy, self.trace(trace_id))

    def choose_privacy(self, level: str, session_id: str | None = None, client: Client | None = None) -> None:
        """What is kept of the next questions, also after a restart.

        session_id: also of the client's recent questions in that session. Raises InvalidInput; Conflict
        where the setting was given at the start; StoreError.
        """
        if self.privacy_given:
            raise Conflict(
                f"{PRIVACY}={self.store.privacy} was given when Codex was started. Start it without that to "
                "choose here."
            )
        self.store.privacy = cast("Privacy", level)  # which checks it
        self.choices.put("privacy", level)
        secret = client.secret if client else None
        with self._recent_lock:
            recent = [it.trace for it in self._recent.values() if it.owner == secret]
        for trace in recent:
            if trace.session_id == session_id:
                self.store.keep_question(trace)

    def forget_session(self, session_id: str) -> None:
        """Delete a session and every trace in it, from the store and from memory. Raises NotFound.

        What is being asked in it ends as ever, but is not kept. The database file is then rewritten without
        it: see `store.erasure`.
        """
        with self._keeping:
            for request, session in self._requests.items():
                self._requests[request] = session if session != session_id else None
            self.store.delete_session(session_id)
            self.people.forget_questions()
        with self._recent_lock:
            for recent in [it for it in self._recent.values() if it.trace.session_id == session_id]:
                del self._recent[recent.trace.id]
        self.store.erasure.start()

    def _resolved(self, question: str, options: AskOptions) -> Request:
        request = resolve(question, options, self.settings, self.active.policy, self.active.calibrator)
        if isinstance(request.params, JsonParams) and not self.engine.capabilities.json_schema:
            raise CapabilityError(
                f"The {self.engine.name} engine, or its server, cannot hold an answer to a JSON schema: use "
                "engine=llama_cpp, llama-server or vLLM."
            )
        if request.documents:
            request = replace(request, among=self.index.select(request.documents))
        if request.follows is None:
            return request
        turns = self.turns(request.follows, request.client)
        session = turns[-1].session_id
        if options.get("session_id") not in (None, session):
            raise InvalidInput(
                f"The question follows up an answer of the session {session}: it belongs to that one. Leave "
                "session_id out.",
                ["session_id"],
            )
        return replace(request, session_id=session, history=messages(turns))

    def _ask(self, request: Request) -> Iterator[Event]:
        with self._counted(request):
            started = time.monotonic()
            asked = yield from self._loop.ask(request)
            yield self._finished(request, asked, started)

    def _ask_aside(self, request: Request, index: Index) -> Iterator[Event]:
        with self._under_way(request):
            started = time.monotonic()
            asked = yield from self._loop.over(index).ask(request)
            yield TraceEvent(self._bound(request, asked, started, index=index))

    def _branch(self, request: Request, parent: Trace, turn: Turn) -> Iterator[Event]:
        with self._counted(request):
            started = time.monotonic()
            steps = yield from self._loop.branch(request, parent.last, turn)
            asked = Asked(steps, parent.params.conversation)
            yield self._finished(request, asked, started, parent.id)

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        """`_under_way`; a question that fails inside is counted."""
        with self.failures.counted(self.engine.fingerprint, request.policy.version), self._under_way(request):
            yield

    @contextmanager
    def _under_way(self, request: Request) -> Iterator[None]:
        """Hold a place inside, before every background question. Raises as `Places.taken`."""
        place = self._places.taken(request.client, request.params.max_tokens, request.cancel)
        with self._keeping:
            self._requests[id(request)] = request.session_id
        try:
            with self._use.using(), place, self.priority.live():
                yield
        finally:
            with self._keeping:
                del self._requests[id(request)]

    @property
    def under_way(self) -> int:
        """How many questions are under way, or wait for their turn."""
        with self._keeping:
            return len(self._requests)

    def _finished(
        self, request: Request, asked: Asked, started: float, parent_id: str | None = None
    ) -> TraceEvent:
        """Bind the steps into a trace, remember and store it."""
        person = self._person(request) if parent_id is None else None
        trace = self._bound(request, asked, started, parent_id, person)
        with self._keeping:
            if self._requests[id(request)] is not None:
                self._keep(request, trace)
        self.active.watch(request.calibrator, asked.steps)
        return TraceEvent(trace)

    def _bound(
        self,
        request: Request,
        asked: Asked,
        started: float,
        parent_id: str | None = None,
        person: AnsweredBy | None = None,
        index: Index | None = None,
    ) -> Trace:
        """What was asked as a trace. index: what was searched; None: the user's documents."""
        steps = asked.steps
        return Trace(
            id=new_id(),
            session_id=request.session_id,
            created_at=datetime.now(UTC),
            question=request.question,
            question_sha256=sha256(request.question),
            model=self.engine.fingerprint,
            policy=request.policy.version,
            params=TraceParams(
                answer=request.params.sampling,
                samples=request.sample_params.sampling,
                n_samples=request.n_samples if request.adaptive else len(steps[-1].observation.samples),
                adaptive=request.adaptive,
                prompt=prompts.fingerprint(follows=asked.conversation is not None),
                calibrator=request.calibrator.version if request.calibrator else None,
                calibrated_on=request.calibrator.datasets if request.calibrator else (),
                prediction_set=self._prediction_set(asked),
                evidence=self._evidence_params(request, steps, (index or self.index).config),
                person=person,
                conversation=asked.conversation,
            ),
            steps=tuple(_kept(step) for step in steps),
            answer=person.answer if person else told_user(steps[-1]),
            seconds=time.monotonic() - started,
            parent_id=parent_id,
        )

    def _keep(self, request: Request, trace: Trace) -> None:
        with self._recent_lock:
            self._recent[trace.id] = _Recent(trace, request.client.secret if request.client else None)
            while len(self._recent) > RECENT_TRACES:
                self._recent.popitem(last=False)
        self.store.policies.save(
            request.policy.version, request.policy.name, request.policy.model_dump_json()
        )
        self.store.save(trace)

    def _person(self, request: Request) -> AnsweredBy | None:
        """What a person answered to this question or a like one; None where that cannot be told."""
        # "And in winter?" is another question each time; a person's answer is no JSON.
        if not self.settings.ask.people or request.history or isinstance(request.params, JsonParams):
            return None
        try:
            return self.people.find(request.question)
        except CodexError as error:
            log.warning("People's answers could not be searched: %s", error)
            return None

    def _prediction_set(self, asked: Asked) -> PredictionSet | None:
        """Which answers hold the correct one; None where nobody can say, or the answers have moved away."""
        drift, last = self.active.drift, asked.steps[-1]
        if drift is not None and drift.detected and last.larger is None:
            return None
        return likely_answers(last.observation, last.confidence, asked.calibrator)

    def _evidence_params(
        self, request: Request, steps: Sequence[Step], config: RetrievalConfig
    ) -> dict[str, object]:
        """What the evidence and its checks depend on, besides the documents' contents."""
        retrieval = config.model_dump(include={"embedding", "k", "candidates", "reranker"})
        grounding = self.settings.grounding.model_dump(mode="json")
        chosen: dict[str, object] = {"documents": list(request.documents)} if request.documents else {}
        if isinstance(request.params, JsonParams):
            chosen[JSON] = True
        return grounding | chosen | (retrieval if any(step.observation.passages for step in steps) else {})

    def _with_passages(self, trace: Trace) -> Trace:
        """The trace with the text of passages that were not kept, as far as their documents still hold it."""

        def whole(passage: Passage) -> Passage:
            if passage.text:
                return passage
            with suppress(CodexError):
                return replace(passage, text=self.index.passage(passage.id).text)
            return passage

        def filled(step: Step) -> Step:
            passages = tuple(map(whole, step.observation.passages))
            return replace(step, observation=replace(step.observation, passages=passages))

        return replace(trace, steps=tuple(map(filled, trace.steps)))


def last_trace(events: Iterator[Event]) -> Trace:
    """Run a request to its end and return its trace; raises what the request raises."""
    for event in events:
        if isinstance(event, TraceEvent):
            return event.trace
    raise Cancelled("The question was cancelled.")


def _check_form(trace: Trace) -> None:
    """Raises Conflict where the answer's form is not kept."""
    if trace.params.evidence.get(JSON):
        raise Conflict(
            "This answer was held to a JSON schema, which is not kept, so it cannot be continued or asked "
            "again from here. Send the request again with its schema."
        )


def _kept(step: Step) -> Step:
    """The step without the alternatives of its samples' tokens.

    Nothing reads them, and at 20 a token they are most of a trace: about 1 MB with five samples.
    """
    samples = tuple(
        replace(sample, tokens=tuple(replace(token, alternatives=()) for token in sample.tokens))
        for sample in step.observation.samples
    )
    return replace(step, observation=replace(step.observation, samples=samples))
