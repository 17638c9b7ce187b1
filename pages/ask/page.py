"""The Ask page: a question, the answer token by token, what was decided and why."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import get_args

from pydantic import ValidationError

from codex import signals
from codex.ask.deciding import decide_again
from codex.ask.places import Client
from codex.ask.starters import Kind
from codex.ask.traces import PRIVACY
from codex.ask.workbench import Workbench
from codex.datasets.additions import add, own
from codex.engines.base import GenerationParams
from codex.errors import Cancelled, CodexError, InvalidInput
from codex.pages import JSON
from codex.pages.ask.conversation import conversation_view
from codex.pages.ask.evidence import passages_view
from codex.pages.ask.runs import Runs
from codex.pages.ask.scales import SCALES
from codex.pages.ask.sharing import Sharing
from codex.pages.ask.token_texts import Decoder
from codex.pages.ask.view import family, roots, session_line, token_view, trace_view
from codex.pages.components import Calls, Streams, view
from codex.pages.typed import LIMITS, optional
from codex.policy import Policy
from codex.redaction import masked
from codex.server.callers import current_client
from codex.server.datasets import question_of
from codex.server.json_body import MAX_BODY_BYTES
from codex.store.config import Privacy
from codex.types import (
    CheckedEvent,
    DecisionEvent,
    Event,
    GenerationEvent,
    PassagesEvent,
    SamplesEvent,
    SignalsEvent,
    StepKind,
    Token,
    TokenEvent,
    TraceEvent,
)

LONGEST = MAX_BODY_BYTES - 2**16
"""Bytes of a question, as JSON, that can be sent: the rest of the body has room beside it."""
FRAME = 0.05
"""Seconds between two updates of a streaming answer; the first token does not wait."""

PHASES: Mapping[StepKind, str] = {"retrieve": "looking", "larger": "larger"}
"""What is done before a step's first token; of the others, that is waited for."""
EVIDENCE = ("unsure", "first")
"""When the documents are searched: where the first answer is unsure, or before it."""
KEPT: Mapping[Privacy, tuple[str, str]] = {
    "hash": (
        "no",
        "Only a SHA-256 fingerprint of each question. Answers are saved: the list of sessions shows how they "
        "begin instead of your questions.",
    ),
    "preview": ("first words", "The first 127 characters of each question. Answers are saved."),
    "full": ("yes", "The full question, so that old answers can be continued."),
}
"""Each level of privacy: its name and what it keeps of the next question."""

ABOUT: Mapping[Kind, str] = {
    "known": "The model knows this.",
    "unknown": "The model does not know this, and Codex says so.",
    "document": "Only a document of yours can tell.",
}
"""What is said of a question to begin with."""

log = logging.getLogger(__name__)


class AskPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, runs: Runs) -> None:
        self.workbench, self.runs = workbench, runs

    def config(self) -> JSON:
        """What the page needs before anything is asked."""
        settings = self.workbench.settings
        params = settings.engine.params
        return {
            "active": self._active(),
            "scales": {name: {**asdict(s), "captions": s.captions} for name, s in SCALES.items()},
            "defaults": {
                "n_samples": settings.ask.n_samples,
                "sample_temperature": settings.ask.sample_temperature,
                "max_tokens": params.max_tokens,
                "seed": params.seed,
            },
            "adaptive": settings.ask.adaptive,
            "limits": LIMITS,
            "question_bytes": LONGEST,
            "engine": settings.engine.name,
            "looks_up": settings.ask.retrieve,
            "levels": [
                {"name": level, "label": KEPT[level][0], "note": KEPT[level][1]}
                for level in get_args(Privacy)
            ],
        }

    def ask(self, asked: JSON, client: Client | None = None) -> Iterator[JSON]:
        """Ask a question; yields the state of the run as it grows. asked: what the page's form holds.

        The run continues to its end, also where nobody takes what is yielded.
        """

        evidence = asked.get("evidence") or self.workbench.choices.get("evidence")

        def start(cancel: threading.Event) -> Iterator[Event]:
            return self.workbench.ask(
                str(asked["question"]),
                session_id=asked.get("session"),
                follows=asked.get("follows"),
                enable_rag=evidence == "first",
                documents=asked.get("documents"),
                n_samples=optional(asked, "n_samples"),
                adaptive=asked.get("adaptive"),
                sample_temperature=optional(asked, "sample_temperature"),
                params=self._params(asked),
                policy=_policy(asked),
                cancel=cancel,
                client=client,
            )

        first = evidence == "first" and not self.workbench.index.is_empty
        about = {
            "question": str(asked["question"]),
            "session": asked.get("session"),
            "branch": None,
            "follows": asked.get("follows"),
        }
        return self.run(asked, client, about, start, "looking" if first else "waiting")

    def branch(self, asked: JSON, client: Client | None = None) -> Iterator[JSON]:
        """Continue an answer from another token; yields like `ask`."""

        def start(cancel: threading.Event) -> Iterator[Event]:
            return self.workbench.branch(
                asked["trace"],
                asked["position"],
                asked["token"],
                policy=_policy(asked),
                cancel=cancel,
                client=client,
            )

        branch = {name: asked[name] for name in ("trace", "position", "token")}
        about = {"question": None, "session": asked.get("session"), "branch": branch, "follows": None}
        return self.run(asked, client, about, start)

    def follow(self, asked: JSON, client: Client | None = None) -> Iterator[JSON]:
        """Follow a run that was started before, from another page or before a reload; yields like `ask`."""
        return self.runs.follow(str(asked["run"]), client)

    def cancel(self, asked: JSON) -> None:
        """Stop a run."""
        self.runs.cancel(asked["run"])

    def version(self, asked: JSON) -> int | None:
        """How many states a run has had, so that a page sees whether its stream has stopped; None: no run."""
        return self.runs.version(asked["run"], current_client())

    def look(self, wanted: JSON) -> JSON:
        """The list of sessions, a session opened at a trace or at its last question, whether there are
        documents to retrieve passages from, the policy that decides, the run that its page has left; where
        nothing is opened, questions to begin with."""
        opening = bool(wanted.get("session") or wanted.get("trace"))
        return {
            "sidebar": self._sidebar(),
            "open": self._open(wanted) if opening else None,
            "left": self.runs.left(current_client(), wanted.get("own")),
            "documents": not self.workbench.index.is_empty,
            "evidence": self.workbench.choices.get("evidence"),
            "active": self._active(),
            "starters": [] if opening else self._starters(),
        }

    def _starters(self) -> list[JSON]:
        return [
            {"question": it.question, "about": it.kind and ABOUT[it.kind]}
            for it in self.workbench.starters.now()
        ]

    def documents(self, _: JSON) -> list[str]:
        """What a search can be limited to: folders first, then documents."""
        return self.workbench.index.names()

    def delete_session(self, wanted: JSON) -> JSON:
        """Delete a session with all that was asked in it; what is being answered in it is stopped."""
        self.runs.cancel_session(wanted["session"])
        self.workbench.traces.forget_session(wanted["session"])
        return self._sidebar()

    def set_privacy(self, wanted: JSON) -> JSON:
        """What is kept of the next questions; with a session, also of those just asked in it."""
        self.workbench.traces.choose_privacy(wanted["level"], wanted.get("session"), current_client())
        return self._sidebar()

    def set_evidence(self, wanted: JSON) -> None:
        """When the documents are searched, for this page and after a restart."""
        if wanted["evidence"] not in EVIDENCE:
            raise InvalidInput(f"evidence is one of {', '.join(EVIDENCE)}.", ["evidence"])
        self.workbench.choices.put("evidence", wanted["evidence"])

    def redecide(self, wanted: JSON) -> JSON:
        """What the policy on the page makes of a stored answer."""
        policy, trace = _policy(wanted), self.workbench.traces.get(wanted["trace"])
        decision = decide_again(policy or self.workbench.active.policy, trace)
        return {"action": decision.action, "gate": decision.gate, "reason": decision.reason}

    def label(self, wanted: JSON) -> None:
        """Keep what a person says of an answer."""
        self.workbench.store.label(wanted["trace"], wanted["correct"])

    def own_datasets(self, _: JSON) -> list[str]:
        """The datasets that questions can be added to."""
        return own(self.workbench.settings.home)

    def add_question(self, wanted: JSON) -> str:
        """Add an answer's question to a dataset, and say so. wanted: {trace, dataset, answers: in lines}."""
        question = question_of(self.workbench.traces.get(wanted["trace"], current_client()))
        name, answers = str(wanted["dataset"]).strip(), str(wanted["answers"]).splitlines()
        dataset, _ = add(name, self.workbench.settings.home, question, answers)
        return f"Added to {name}, which asks {dataset.rows:,} question{'' if dataset.rows == 1 else 's'}."

    def _active(self) -> JSON:
        """The service's policy, the ranges and names of its sliders, and what it guarantees, in words."""
        policy = self.workbench.active.policy
        return {
            "policy": policy.model_dump(mode="json", exclude={"name", "guarantee"}),
            "version": policy.version,
            "ranges": slider_ranges(policy),
            "names": {rule.signal: signals.label_of(rule.signal) for rule in policy.rules},
            "guarantee": self.workbench.active.guarantee,
        }

    def _sidebar(self) -> JSON:
        store = self.workbench.store
        return {
            "sessions": [session_line(session) for session in store.sessions.list()],
            "under_way": self.runs.under_way(current_client()),
            "privacy": {
                "level": store.privacy,
                "chosen": self.workbench.choices.get("privacy") is not None,
                "given": f"{PRIVACY}={store.privacy}" if self.workbench.traces.privacy_given else None,
            },
        }

    def _open(self, wanted: JSON) -> JSON:
        fingerprint, reader = self.workbench.model.status.model, current_client()
        session = wanted.get("session") or self.workbench.traces.get(wanted["trace"], reader).session_id
        traces = self.workbench.store.sessions.traces(session)
        root, members = family(traces, wanted.get("trace"))
        views = [
            trace_view(
                self.workbench.traces.get(member.id, reader), fingerprint=fingerprint, correct=member.correct
            )
            for member in members
        ]
        opened = wanted.get("trace")
        return {
            "session": session,
            "root": root.id,
            "trace": opened if opened in {view["id"] for view in views} else root.id,
            "question": views[0]["question"] or root.question,
            "cut": views[0]["question"] is None and root.question is not None,
            "traces": views,
            **conversation_view(self.workbench, traces, members, reader),
            "roots": [
                {"id": trace.id, "title": trace.question or trace.model_answer, "action": trace.action}
                for trace in roots(traces)
            ],
        }

    def _params(self, asked: JSON) -> GenerationParams:
        typed = {name: optional(asked, name) for name in ("max_tokens", "seed")}
        given = {name: value for name, value in typed.items() if value is not None}
        return self.workbench.settings.engine.params.model_copy(update=given)

    def run(
        self,
        asked: JSON,
        client: Client | None,
        about: JSON,
        start: Callable[[threading.Event], Iterator[Event]],
        phase: str = "waiting",
    ) -> Iterator[JSON]:
        """Run a question to its end, followed by a page. about: what a page needs to show it again."""
        id_ = str(asked["run"])
        self.runs.start(
            id_, client, {"run": id_, **about}, lambda cancel: self._states(id_, start, cancel, phase)
        )
        return self.runs.follow(id_, client)

    def _states(
        self,
        run: str,
        start: Callable[[threading.Event], Iterator[Event]],
        cancel: threading.Event,
        phase: str,
    ) -> Iterator[JSON]:
        state: JSON = {
            "run": run,
            "phase": phase,
            "chunks": [],
            "passages": None,
            "session": None,
            "trace": None,
            "error": None,
        }
        if self.workbench.model.status.state == "loading":
            state["phase"] = "loading"
        yield dict(state)
        try:
            for change in throttled(start(cancel)):
                if "chunk" in change:
                    state["chunks"] = [*state["chunks"], change.pop("chunk")]
                state |= change
                yield dict(state)
        except Exception as error:
            yield state | {"phase": "error", "error": in_words(error)}


def throttled(events: Iterator[Event], clock: Callable[[], float] = time.monotonic) -> Iterator[JSON]:
    """Events as changes of a run's state: the first token at once, then at most one change a FRAME.

    Tokens come as JSON text in `chunk`, so that nothing between here and the page looks into them again;
    so do `passages`. A chunk's `kind` says what its step does.
    """
    decoder, held, step = Decoder(), list[JSON](), 0
    kind: StepKind = "ask"
    evidence = False
    shown = -FRAME

    def chunk() -> JSON:
        text = json.dumps({"step": step, "kind": kind, "tokens": held})
        held.clear()
        return {"chunk": text}

    for event in events:
        if isinstance(event, TokenEvent):
            if event.step != step:
                decoder, step = Decoder(), event.step
            held.append(_live(event.token, decoder))
            if clock() - shown >= FRAME:
                shown = clock()
                yield {"phase": "answering"} | chunk()
        elif isinstance(event, GenerationEvent):
            yield {"phase": "sampling"} | (chunk() if held else {})
        elif isinstance(event, PassagesEvent):
            evidence = True
            yield {"phase": "waiting", "passages": json.dumps(passages_view(event.passages))}
        elif isinstance(event, SamplesEvent):
            yield {"phase": "checking" if evidence else "verifying"}
        elif isinstance(event, CheckedEvent | SignalsEvent):
            yield {"phase": "judging"}
        elif isinstance(event, DecisionEvent) and event.next is not None:
            kind = event.next
            yield {"phase": PHASES.get(kind, "waiting")}
        elif isinstance(event, TraceEvent):
            yield {"phase": "done", "session": event.trace.session_id, "trace": event.trace.id}


def slider_ranges(policy: Policy) -> dict[str, tuple[float, float]]:
    """Where thresholds can be moved, by signal: its natural scale, and the thresholds themselves."""
    ranges: dict[str, tuple[float, float]] = {}
    for rule in policy.rules:
        known = signals.REGISTRY.get(rule.signal)
        natural = known.scale if known else (rule.threshold - 1, rule.threshold + 1)
        low, high = ranges.get(rule.signal, natural)
        ranges[rule.signal] = (min(low, rule.threshold), max(high, rule.threshold))
    return ranges


def in_words(error: Exception) -> JSON:
    """An error as the page says it; what nobody foresaw is logged and not shown."""
    if isinstance(error, CodexError):
        fields = list(error.fields) if isinstance(error, InvalidInput) else []
        return {"message": masked(str(error)), "fields": fields, "cancelled": isinstance(error, Cancelled)}
    log.exception("The Ask page failed", exc_info=error)
    message = "Something went wrong inside Codex; see its log. Nothing you typed is lost."
    return {"message": message, "fields": [], "cancelled": False}


def _live(token: Token, decoder: Decoder) -> JSON:
    return token_view(token, decoder.push(token))


def _policy(asked: JSON) -> Policy | None:
    if asked.get("policy") is None:
        return None
    if not isinstance(asked["policy"], dict):
        raise InvalidInput("The policy is no object.", ["policy"])
    try:
        return Policy.model_validate({"name": "moved", **asked["policy"]})
    except ValidationError as error:
        raise InvalidInput(
            f"The thresholds do not make a policy: {error.errors()[0]['msg']}.", ["policy"]
        ) from error


def build(workbench: Workbench, runs: Runs) -> AskPage:
    """Put the page into the Blocks that are open. runs: where its questions can be stopped."""
    page, sharing = AskPage(workbench, runs), Sharing(workbench)
    calls: Calls = {
        "read": (
            *(page.look, page.version, page.documents, page.redecide),
            *(page.own_datasets, sharing.shares),
        ),
        "ask": (page.cancel,),
        "label": (page.label,),
        "evaluate": (
            *(page.add_question, page.delete_session, page.set_evidence),
            *(sharing.share, sharing.unshare),
        ),
        "admin": (page.set_privacy,),
    }
    streams: Streams = {
        "read": {"follow": page.follow},
        "ask": {"ask": page.ask, "branch": page.branch},
    }
    view("ask", page.config(), calls, streams)
    return page
