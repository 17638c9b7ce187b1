"""People's answers, on the Label page: what waits for one, and those that were given."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from codex.ask.people.answers import end_of
from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, NotFound
from codex.pages import JSON
from codex.pages.components import Calls, view
from codex.server.visits import current_visit
from codex.store.labelling.people import OpenQuestion, PersonsAnswer
from codex.types import Action

SHOWN = 200
"""Answers in the list, and questions that wait."""


class AnswersView:
    """What the view can do, as plain calls: JSON in, JSON out."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench

    def look(self, wanted: JSON) -> JSON:
        """The answers, what waits for one, and the trace that the address names. wanted: {trace}."""
        people, now = self.workbench.store.people, datetime.now().astimezone()
        waiting = people.open_questions(SHOWN)
        return {
            "answers": [answer_view(each, now) for each in people.list(SHOWN)],
            "waiting": [question_view(each) for each in waiting],
            "asked": self._asked(str(wanted.get("trace") or "")),
            "given": self.workbench.settings.ask.people,
            "you": current_visit().user,
        }

    def put(self, wanted: JSON) -> JSON:
        """Keep an answer. wanted: {question, trace, answer, author, source, expires}."""
        kept = self.workbench.people.put(
            str(wanted["answer"]),
            str(wanted["author"]),
            question=str(wanted["question"]) or None,
            trace_id=str(wanted["trace"]) or None,
            source=str(wanted["source"]),
            expires_at=_expiry(str(wanted["expires"])),
        )
        return {"id": kept.id}

    def edit(self, wanted: JSON) -> JSON:
        """Replace what is said. wanted: {id, answer, author, source, expires}."""
        kept = self.workbench.people.edit(
            str(wanted["id"]),
            answer=str(wanted["answer"]),
            author=str(wanted["author"]),
            source=str(wanted["source"]),
            expires_at=_expiry(str(wanted["expires"])),
        )
        return {"id": kept.id}

    def withdraw(self, wanted: JSON) -> None:
        """Give an answer no more. wanted: {id}."""
        self.workbench.people.withdraw(str(wanted["id"]))

    def delete(self, wanted: JSON) -> None:
        """Delete an answer for good. wanted: {id}."""
        self.workbench.people.delete(str(wanted["id"]))

    def _asked(self, trace_id: str) -> JSON | None:
        """The trace to answer: its question as far as all of it was kept."""
        if not trace_id:
            return None
        try:
            trace = self.workbench.store.load(trace_id)
        except NotFound:
            return None
        return {"trace": trace_id, "question": trace.question or ""}


def answer_view(given: PersonsAnswer, now: datetime) -> JSON:
    """An answer as the list shows it."""
    until = given.expires_at
    state = "withdrawn" if given.withdrawn_at else "given" if given.is_given(now) else "expired"
    return {
        "id": given.id,
        "question": given.question,
        "answer": given.answer,
        "author": given.author,
        "source": given.source,
        "at": (given.edited_at or given.made_at).isoformat(),
        "state": state,
        "expires": (until.astimezone() - timedelta(seconds=1)).date().isoformat() if until else "",
    }


def question_view(waiting: OpenQuestion) -> JSON:
    """A question that waits for a person."""
    return {
        "trace": waiting.trace_id,
        "question": waiting.question,
        "answer": waiting.answer,
        "action": Action(waiting.action),
        "at": waiting.asked_at.isoformat(),
    }


def _expiry(day: str) -> datetime | None:
    """Of an answer whose last day was typed; None where none was. Raises InvalidInput."""
    if not day:
        return None
    try:
        return end_of(date.fromisoformat(day))
    except ValueError as error:
        raise InvalidInput(f"{day!r} is no day: write it as 2027-01-31.", ["expires"]) from error


def build(workbench: Workbench) -> None:
    """Put the view into the Blocks that are open."""
    page = AnswersView(workbench)
    calls: Calls = {"read": (page.look,), "label": (page.put, page.edit, page.withdraw, page.delete)}
    view("answers", {}, calls)
