"""The orchestrator: one question from request to decision."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Self, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from codex import engines
from codex.ask.active import Active
from codex.ask.binding import bound, check_form, kept
from codex.ask.choices import Choices
from codex.ask.conversation import earlier, messages
from codex.ask.failures import Failures
from codex.ask.loop.loop import Asked, exhausted
from codex.ask.masking import check_unmasked, masked_events
from codex.ask.models.in_use import ModelInUse
from codex.ask.models.larger import Larger, larger_settings
from codex.ask.people.answers import PeoplesAnswers
from codex.ask.places import Client
from codex.ask.request import AskOptions, Request, Turn, resolve, resolve_branch, turn_at
from codex.ask.scoring import Scored, checked_text
from codex.ask.starters import Starters
from codex.ask.texts import Texts
from codex.ask.traces import Traces
from codex.ask.withholding import withheld_events
from codex.engines.base import Engine, GenerationParams, JsonParams
from codex.engines.models import Models
from codex.errors import Cancelled, CapabilityError, CodexError, Conflict, InvalidInput, StoreError
from codex.policy import Policy
from codex.private import tighten_home
from codex.redaction.observed import SECRETS
from codex.retrieval import Index
from codex.retrieval.config import PACKAGED_EMBEDDING, RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.safety.rules import Checks, Rules
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.types import AnsweredBy, Event, Passage, Step, Token, Trace, TraceEvent

T = TypeVar("T")

log = logging.getLogger(__name__)


class Workbench:
    """One model and one store, and what is asked of them. Thread-safe."""

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
        self.store = store
        self.overrides = tuple(overrides)
        self.active = Active(settings, store, engine)
        """The policy and the calibrator of the next question."""
        self.index = Index(settings.retrieval, settings.home)
        """The user's documents."""
        self._embedding = (
            None
            if settings.retrieval.embedding == PACKAGED_EMBEDDING
            else Embedding(RetrievalConfig(device=settings.retrieval.device))
        )
        self.people = PeoplesAnswers(store, self.embed_questions)
        """Answers that people gave, which come before the model's."""
        self.choices = Choices(settings.home)
        """What people chose on the pages."""
        self.traces = Traces(store, self.index, self.people, self.choices, overrides)
        """What was asked, by id."""
        self.larger = Larger(larger, settings, store, self.index, self.embed_questions) if larger else None
        """A larger model, asked before a person is; None: there is none."""
        self.model = ModelInUse(
            settings,
            engine,
            self.active,
            self.index,
            self.embed_questions,
            self.larger,
            self.people.load_quietly,
        )
        """The one that answers."""
        self.texts = Texts(self.model)
        """What the model makes of texts that are no questions."""
        self.starters = Starters(store, self.active)
        """Questions to begin with."""
        self.rules = Rules(settings.safety)
        """On what comes in and goes out."""
        self.failures = Failures()
        """Questions that failed."""

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
        kept = settings.store
        store = Store(
            settings.database,
            kept.privacy,
            events,
            days,
            kept.hidden_states,
            mask_secrets=kept.mask_secrets,
            redact=kept.redact,
        )
        workbench = cls(settings, engine, store, overrides, larger)
        if any(override.startswith("policy") for override in overrides):
            workbench.active.decide_by(settings.policy)
        return workbench

    @property
    def settings(self) -> Settings:
        """As they are now: with the engine of the model in use."""
        return self.model.settings

    def close(self) -> None:
        """Cancel what runs and give model and database back."""
        self.model.close()
        self.index.close()
        if self._embedding is not None:
            self._embedding.close()
        with suppress(StoreError):  # A database that cannot be written loses these counts, and nothing else.
            self.failures.keep(self.store)
        self.store.close()

    def drain(self) -> bool:
        """Take no more questions, and let those under way finish; whether all of them have."""
        return self.model.places.drain()

    def stop(self) -> None:
        """End every question under way with Stopping, and take no more. Nothing of them is stored."""
        self.model.places.stop()

    def embed_questions(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """[n, d], of unit length, by the packaged embedding, whichever one indexes the documents.

        Raises ModelError.
        """
        embed = self.index.embed if self._embedding is None else self._embedding.encode
        return embed(questions)

    def ask(self, question: str, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """Ask one question; what the options leave out comes from the settings.

        Yields events as things happen; the last is a TraceEvent with all of it, already stored.
        Setting `cancel`, or closing the iterator, stops the model within a token and stores nothing.

        Raises InvalidInput at once, Refused where a rule blocks it, and with `follows` NotFound, and Conflict
        where that conversation was not kept; PromptTooLong, ModelError, Busy, Cancelled and StoreError while
        iterating.
        """
        return self._ask(self._checked(self._resolved(question, options)))

    def answer(self, question: str, **options: Unpack[AskOptions]) -> Trace:
        """`ask`, waiting for the end; the same errors."""
        return last_trace(self.ask(question, **options))

    def ask_aside(self, question: str, index: Index, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """`ask` over other documents than the user's. Nothing of it is kept, and no drift is seen in it.

        index: what is searched. Raises as `ask`.
        """
        return self._ask_aside(self._checked(self._resolved(question, options)), index)

    def observe(self, question: str, passages: Sequence[Passage] = (), **options: Unpack[AskOptions]) -> Step:
        """Ask once with these passages: its gate is not followed and nothing is stored.

        It is no live question: see `Priority`.

        Raises InvalidInput, PromptTooLong, ModelError, Cancelled.
        """
        request = self._resolved(question, options)
        return kept(exhausted(self.model.loop.once(request, passages)))

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
            scored = self.model.loop.score(request, answer, passages)
        if not self.settings.store.mask_secrets:
            return scored
        return replace(scored, observation=SECRETS.observation(scored.observation))

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
        parent = self.traces.get(trace_id, client)
        if parent.question is None or parent.last.prompt is None:
            raise Conflict(
                "The text of this question was not kept, so its answer cannot be continued. "
                "Ask it again; store.privacy=full keeps the text."
            )
        check_form(parent)
        if parent.larger is not None:
            raise Conflict(
                f"This answer was written by the larger model {parent.larger.model}, whose answers cannot be "
                "continued. Ask the question again."
            )
        if parent.model != self.model.engine.fingerprint:
            raise Conflict(
                f"This answer was written by {parent.model}, and {self.model.engine.fingerprint} is loaded. "
                "Load that model, or ask the question again."
            )
        turn = turn_at(parent.last, position, token_id)
        check_unmasked(turn.prefix)
        request = resolve_branch(parent, policy or self.active.policy, cancel, client)
        request = replace(request, probes=self.active.probes, checks=Checks(self.rules))
        return self._branch(request, parent, turn)

    def replay(
        self, trace_id: str, *, cancel: threading.Event | None = None, client: Client | None = None
    ) -> Iterator[Event]:
        """Ask a stored question again, as it was asked, of the model and by the policy of now.

        A follow-up is asked after the same turns. A new trace in the same session. Raises NotFound; Conflict
        when the question or a turn before it was not kept; and what `ask` raises.
        """
        stored = self.traces.get(trace_id, client)
        if stored.question is None:
            raise Conflict(
                "The text of this question was not kept, so it cannot be asked again. Type it on the Ask "
                "page; store.privacy=full keeps the text."
            )
        check_form(stored)
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

    def _resolved(self, question: str, options: AskOptions) -> Request:
        request = resolve(question, options, self.settings, self.active.policy, self.active.calibrator)
        request = replace(request, probes=self.active.probes)
        engine = self.model.engine
        if isinstance(request.params, JsonParams) and not engine.capabilities.json_schema:
            raise CapabilityError(
                f"The {engine.name} engine, or its server, cannot hold an answer to a JSON schema: use "
                "engine=llama_cpp, llama-server or vLLM."
            )
        if request.documents:
            request = replace(request, among=self.index.select(request.documents))
        if request.follows is None:
            return request
        turns = self.traces.turns(request.follows, request.client)
        session = turns[-1].session_id
        if options.get("session_id") not in (None, session):
            raise InvalidInput(
                f"The question follows up an answer of the session {session}: it belongs to that one. Leave "
                "session_id out.",
                ["session_id"],
            )
        return replace(request, session_id=session, history=messages(turns))

    def _checked(self, request: Request) -> Request:
        """With the rules on what comes in and goes out. Raises Refused where one blocks the question."""
        checks = Checks(self.rules)
        checks.check_question(request.question)
        return replace(request, checks=checks)

    def _ask(self, request: Request) -> Iterator[Event]:
        with self._counted(request):
            started = time.monotonic()
            asked = yield from self._shown(request, self.model.loop.ask(request))
            yield self._finished(request, asked, started)

    def _ask_aside(self, request: Request, index: Index) -> Iterator[Event]:
        with self._under_way(request):
            started = time.monotonic()
            asked = yield from self._shown(request, self.model.loop.over(index).ask(request))
            yield TraceEvent(self._bound(request, asked, started, index))

    def _branch(self, request: Request, parent: Trace, turn: Turn) -> Iterator[Event]:
        with self._counted(request):
            started = time.monotonic()
            branch = self.model.loop.branch(request, parent.last, turn)
            steps = yield from self._shown(replace(request, n_samples=0), branch, turn.prefix)
            asked = Asked(steps, parent.params.conversation)
            yield self._finished(request, asked, started, parent.id)

    def _shown(
        self, request: Request, events: Generator[Event, None, T], before: Sequence[Token] = ()
    ) -> Generator[Event, None, T]:
        """The events as they are shown, and counted. before: the tokens that a branch begins with."""
        events = self.model.budget.counted(request.client, request.n_samples, events)
        events = withheld_events(events, request.checks)
        return masked_events(events, before) if self.settings.store.mask_secrets else events

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        """`_under_way`; a question that fails inside is counted."""
        with (
            self.failures.counted(self.model.engine.fingerprint, request.policy.version),
            self._under_way(request),
        ):
            yield

    @contextmanager
    def _under_way(self, request: Request) -> Iterator[None]:
        """Hold a place inside, before every background question. Raises as `ModelInUse.answering`."""
        with (
            self.traces.expecting(request),
            self.model.answering(request.client, request.params.max_tokens, request.cancel),
        ):
            yield

    def _finished(
        self, request: Request, asked: Asked, started: float, parent_id: str | None = None
    ) -> TraceEvent:
        """Bind the steps into a trace, remember and store it."""
        person = self._person(request) if parent_id is None else None
        trace = self._bound(request, asked, started, self.index, person, parent_id)
        self.traces.keep(request, trace)
        self.active.watch(request.calibrator, asked.steps)
        return TraceEvent(trace)

    def _bound(
        self,
        request: Request,
        asked: Asked,
        started: float,
        index: Index,
        person: AnsweredBy | None = None,
        parent_id: str | None = None,
    ) -> Trace:
        """What was asked as a trace, as it is shown. index: what was searched."""
        trace = bound(
            request,
            asked,
            time.monotonic() - started,
            model=self.model.engine.fingerprint,
            drift=self.active.drift,
            grounding=self.settings.grounding,
            retrieval=index.config,
            person=person,
            parent_id=parent_id,
        )
        return SECRETS.trace(trace) if self.settings.store.mask_secrets else trace

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


def last_trace(events: Iterator[Event]) -> Trace:
    """Run a request to its end and return its trace; raises what the request raises."""
    for event in events:
        if isinstance(event, TraceEvent):
            return event.trace
    raise Cancelled("The question was cancelled.")
