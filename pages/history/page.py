"""The Sessions page: every question that was asked, as it looked; compared, replayed, exported, deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import cast

from codex import signals
from codex.ask.comparing import compare
from codex.ask.deciding import decide_again
from codex.ask.places import Client
from codex.ask.workbench import Workbench
from codex.errors import CodexError, InvalidInput
from codex.pages import JSON
from codex.pages.ask.page import AskPage
from codex.pages.ask.scales import SCALES
from codex.pages.ask.view import trace_view
from codex.pages.components import Calls, view
from codex.server.callers import current_client
from codex.store.codec.nouns import encode
from codex.store.traces.history import Filter, Labelled, TraceLine
from codex.store.versions.policies import UNSAVED
from codex.types import Action, Event, Gate, Trace

PAGE = 50
"""Traces on a page."""
NOT_SAVED = "The text of this question was not saved, so it cannot be asked again. Type it on the Ask page."
LABELS: dict[Labelled, str] = {
    "correct": "correct",
    "incorrect": "incorrect",
    "unclear": "undecided",
    "none": "not labelled",
}


class HistoryView:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, ask: AskPage) -> None:
        """ask: the Ask page, which runs questions that a page follows and can stop."""
        self.workbench = workbench
        self.asking = ask
        self.history = workbench.store.history

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {
            "scales": {name: {**asdict(s), "captions": s.captions} for name, s in SCALES.items()},
            "actions": [str(action) for action in Action],
            "gates": [str(gate) for gate in Gate],
            "labels": list(LABELS.items()),
            "size": PAGE,
        }

    def look(self, wanted: JSON) -> JSON:
        """A page of the traces that match. wanted: {filter, sort, down, after}."""
        found = self.history.page(
            filter_of(wanted["filter"]),
            sort=str(wanted["sort"]),
            down=bool(wanted["down"]),
            after=wanted.get("after"),
            size=PAGE,
        )
        return {
            "rows": [line_view(line) for line in found.traces],
            "total": found.total,
            "next": found.next,
            "erasure": self.erasure({}),
        }

    def facets(self, _: JSON) -> JSON:
        """The models and policies that the list can be limited to, and the policies that can decide again."""
        found = self.history.facets()
        return {
            "models": found.models,
            "policies": found.policies,
            "deciding": [
                [policy.version, policy.title]
                for policy in self.workbench.store.policies.list()
                if policy.name != UNSAVED
            ],
        }

    def open(self, wanted: JSON) -> JSON:
        """A trace as it looked. wanted: {trace}."""
        return self._shown(str(wanted["trace"]))

    def compare(self, wanted: JSON) -> JSON:
        """Two traces side by side. wanted: {first, second}."""
        reader = current_client()
        ids = [str(wanted[which]) for which in ("first", "second")]
        one, other = (self.workbench.traces.get(each, reader) for each in ids)
        found = compare(one, other)
        return {
            "traces": [self._shown(each) for each in ids],
            "same": {
                "question": found.same_question,
                "answer": found.same_answer,
                "model": found.same_model,
                "policy": found.same_policy,
            },
            "differences": [
                {
                    "name": each.name,
                    "label": "Confidence" if each.name == "confidence" else signals.label_of(each.name),
                    "first": each.first,
                    "second": each.second,
                    "change": each.change,
                }
                for each in found.differences
            ],
        }

    def redecide(self, wanted: JSON) -> JSON:
        """What a saved policy decides on a stored answer. wanted: {trace, policy}."""
        policy = self.workbench.active.saved(str(wanted["policy"]))
        return encode(decide_again(policy, self.workbench.traces.get(str(wanted["trace"]))))

    def replay(self, asked: JSON, client: Client | None = None) -> Iterator[JSON]:
        """Ask a stored question again; yields like the Ask page. asked: {run, trace}."""
        trace = str(asked["trace"])

        def start(cancel: threading.Event) -> Iterator[Event]:
            return self.workbench.replay(trace, cancel=cancel, client=client)

        about = {"question": None, "session": self._session(trace), "branch": None, "follows": None}
        return self.asking.run(asked, client, about, start)

    def cancel(self, asked: JSON) -> None:
        """Stop a replay."""
        self.asking.cancel(asked)

    def delete_session(self, wanted: JSON) -> JSON:
        """Delete a session for good: its rows now, its bytes as soon as the file is rewritten."""
        self.asking.runs.cancel_session(wanted["session"])
        self.workbench.traces.forget_session(str(wanted["session"]))
        return self.erasure({})

    def erasure(self, _: JSON) -> JSON:
        """Whether the database file may still hold what was deleted."""
        return asdict(self.workbench.store.erasure.status)

    def erase(self, _: JSON) -> JSON:
        """Try again to rewrite the file."""
        self.workbench.store.erasure.start()
        return self.erasure({})

    def _session(self, trace: str) -> str | None:
        try:
            return self.history.line(trace).session_id
        except CodexError:  # It says so where it is asked for again.
            return None

    def _shown(self, trace_id: str) -> JSON:
        line = self.history.line(trace_id)
        trace = self.workbench.traces.get(trace_id, current_client())
        model = self.workbench.model.status.model
        policy = self.workbench.active.saved(trace.policy) if self._is_kept(trace.policy) else None
        return {
            **trace_view(trace, fingerprint=model, correct=line.correct),
            "line": line_view(line),
            "rules": [rule.model_dump() for rule in policy.rules] if policy else [],
            "questions": len(self.workbench.store.sessions.traces(line.session_id)),
            "no_replay": NOT_SAVED if trace.question is None else self._no_turns(trace),
            "conversation": self._conversation(trace),
            "model_now": model,
        }

    def _no_turns(self, trace: Trace) -> str | None:
        """Why the turns before a question cannot be asked after again; None: they can, or there are none."""
        try:
            self.workbench.traces.turns(trace.id, current_client())
        except CodexError as error:
            return str(error)
        return None

    def _conversation(self, trace: Trace) -> JSON | None:
        """Where a trace stands in its conversation; None: it is in none."""
        told = trace.params.conversation
        traces = self.workbench.store.sessions.traces(trace.session_id)
        after = [each.id for each in traces if each.follows == trace.id]
        if told is None and not after:
            return None
        return {
            "turns": told.turns if told else 0,
            "dropped": told.dropped if told else 0,
            "tokens": told.tokens if told else None,
            "context": told.context if told else None,
            "previous": told.follows if told else None,
            "next": after,
        }

    def _is_kept(self, version: str) -> bool:
        try:
            self.workbench.store.policies.load(version)
        except CodexError:
            return False
        return True


def filter_of(typed: JSON) -> Filter:
    """What the form holds as a filter; what is empty leaves all in. Raises InvalidInput."""

    def text(name: str) -> str | None:
        return str(typed.get(name) or "").strip() or None

    action, gate = text("action"), text("gate")
    return Filter(
        since=_moment("since", text("since")),
        until=_moment("until", text("until")),
        model=text("model"),
        policy=text("policy"),
        session=text("session"),
        action=Action(action) if action else None,
        gate=Gate(gate) if gate else None,
        low=_share("low", text("low")),
        high=_share("high", text("high")),
        label=cast("Labelled | None", text("label")),
        text=text("text") or "",
    )


def line_view(line: TraceLine) -> JSON:
    """One trace as a row of the table."""
    return {
        **encode(line, without=("confidence",)),
        "confidence": line.confidence.value,
        "calibrated": line.confidence.calibrated is not None,
    }


def _moment(name: str, typed: str | None) -> datetime | None:
    try:
        return None if typed is None else datetime.fromisoformat(typed)
    except ValueError as error:
        raise InvalidInput(f"{typed!r} is no date and time.", [name]) from error


def _share(name: str, typed: str | None) -> float | None:
    """From percent."""
    try:
        return None if typed is None else float(typed) / 100
    except ValueError as error:
        raise InvalidInput(f"{typed!r} is no percentage.", [name]) from error


def build(workbench: Workbench, ask: AskPage) -> None:
    """Put the page into the Blocks that are open."""
    page = HistoryView(workbench, ask)
    calls: Calls = {
        "read": (page.look, page.facets, page.open, page.compare, page.redecide, page.erasure),
        "ask": (page.cancel,),
        "evaluate": (page.delete_session, page.erase),
    }
    view("history", page.config(), calls, {"ask": {"replay": page.replay}})
