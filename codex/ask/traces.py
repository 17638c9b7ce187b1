"""Traces by their ids: those under way, the recent ones whole in memory, and all as the store keeps them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import cast, get_args

from codex.ask.choices import Choices
from codex.ask.conversation import turns_to
from codex.ask.people.answers import PeoplesAnswers
from codex.ask.places import Client
from codex.ask.request import Request
from codex.errors import CodexError, Conflict
from codex.redaction import masked
from codex.retrieval import Index
from codex.store import Privacy, Store
from codex.types import Passage, Step, Trace

PRIVACY = "store.privacy"
"""The setting that can also be chosen on the Ask page."""
RECENT_TRACES = 256
"""Traces kept whole in memory, with the question's text, whatever the store keeps; for who asked alone."""


@dataclass(frozen=True, slots=True)
class _Recent:
    """A trace in memory."""

    trace: Trace
    owner: str | None
    """The secret of the client that asked; None: this process."""


class Traces:
    """What is kept of questions, how much of it, and until when. Thread-safe."""

    def __init__(
        self,
        store: Store,
        index: Index,
        people: PeoplesAnswers,
        choices: Choices,
        overrides: Sequence[str] = (),
    ) -> None:
        """index: holds the texts of passages. people: forget what the store forgets. overrides: KEY=VALUE.

        How much is kept is what was chosen on the page, unless it is given among the overrides.
        """
        self._store, self._index, self._people, self._choices = store, index, people, choices
        self.privacy_given = any(override.partition("=")[0] == PRIVACY for override in overrides)
        """Whether store.privacy was given at the start, so that it cannot be chosen."""
        chosen = choices.get("privacy")
        if chosen in get_args(Privacy) and not self.privacy_given:
            store.privacy = cast("Privacy", chosen)
        self._recent: OrderedDict[str, _Recent] = OrderedDict()
        self._recent_lock = threading.Lock()
        self._requests: dict[int, str | None] = {}
        """The requests under way, each with its session; None: that was deleted, its answer is not kept."""
        self._keeping = threading.Lock()

    def get(self, trace_id: str, reader: Client | None = None) -> Trace:
        """A trace by its id: whole while it is recent, otherwise as the store kept it. Raises NotFound.

        reader: None, this process, reads every recent trace whole; a client only those that it asked for.
        """
        with self._recent_lock:
            recent = self._recent.get(trace_id)
        if recent is not None and (reader is None or recent.owner == reader.secret):
            return recent.trace
        return self._with_passages(self._store.load(trace_id))

    def turns(self, trace_id: str, reader: Client | None = None) -> list[Trace]:
        """The conversation that ends with a trace, oldest first; what a follow-up of it is asked after.

        Raises NotFound; Conflict where it was not kept whole.
        """
        return turns_to(self.get(trace_id, reader), lambda earlier: self.get(earlier, reader))

    @contextmanager
    def expecting(self, request: Request) -> Iterator[None]:
        """The request is under way inside, so that deleting its session reaches it."""
        with self._keeping:
            self._requests[id(request)] = request.session_id
        try:
            yield
        finally:
            with self._keeping:
                del self._requests[id(request)]

    @property
    def under_way(self) -> int:
        """How many questions are under way, or wait for their turn."""
        with self._keeping:
            return len(self._requests)

    def keep(self, request: Request, trace: Trace) -> None:
        """Remember and store what became of a request that is under way, unless its session was deleted.

        Raises StoreError.
        """
        with self._keeping:
            if self._requests[id(request)] is None:
                return
            with self._recent_lock:
                self._recent[trace.id] = _Recent(trace, request.client.secret if request.client else None)
                while len(self._recent) > RECENT_TRACES:
                    self._recent.popitem(last=False)
            self._store.policies.save(
                request.policy.version, request.policy.name, request.policy.model_dump_json()
            )
            self._store.save(trace)

    def choose_privacy(self, level: str, session_id: str | None = None, client: Client | None = None) -> None:
        """What is kept of the next questions, also after a restart.

        session_id: also of the client's recent questions in that session. Raises InvalidInput; Conflict
        where the setting was given at the start; StoreError.
        """
        if self.privacy_given:
            raise Conflict(
                f"{PRIVACY}={self._store.privacy} was given when Codex was started. Start it without that to "
                "choose here."
            )
        self._store.privacy = cast("Privacy", level)  # which checks it
        self._choices.put("privacy", level)
        secret = client.secret if client else None
        with self._recent_lock:
            recent = [it.trace for it in self._recent.values() if it.owner == secret]
        for trace in recent:
            if trace.session_id == session_id:
                self._store.keep_question(trace)

    def forget_session(self, session_id: str) -> None:
        """Delete a session and every trace in it, from the store and from memory. Raises NotFound.

        What is being asked in it ends as ever, but is not kept. The database file is then rewritten without
        it: see `store.erasure`.
        """
        with self._keeping:
            for request, session in self._requests.items():
                self._requests[request] = session if session != session_id else None
            self._store.delete_session(session_id)
            self._people.forget_questions()
        with self._recent_lock:
            for recent in [it for it in self._recent.values() if it.trace.session_id == session_id]:
                del self._recent[recent.trace.id]
        self._store.erasure.start()

    def _passage(self, passage_id: str) -> str:
        text = self._index.passage(passage_id).text
        return masked(text) if self._store.mask_secrets else text

    def _with_passages(self, trace: Trace) -> Trace:
        """The trace with the text of passages that were not kept, as far as their documents still hold it."""

        def whole(passage: Passage) -> Passage:
            if passage.text:
                return passage
            with suppress(CodexError):
                return replace(passage, text=self._passage(passage.id))
            return passage

        def filled(step: Step) -> Step:
            passages = tuple(map(whole, step.observation.passages))
            return replace(step, observation=replace(step.observation, passages=passages))

        return replace(trace, steps=tuple(map(filled, trace.steps)))
