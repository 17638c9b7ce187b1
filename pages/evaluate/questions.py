"""The questions of a run as a list: searched, filtered, sorted, and copied as a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex.evaluation.report import cell
from codex.pages import JSON
from codex.pages.evaluate.view import number
from codex.store.evaluation.table import Lines

PAGE = 50
"""Questions on one page of the list."""
Places = NDArray[np.intp]
SHOWN: dict[str, Callable[[bool | None, bool], bool]] = {
    "all": lambda correct, by_person: True,
    "incorrect": lambda correct, by_person: correct is False,
    "correct": lambda correct, by_person: correct is True,
    "not graded": lambda correct, by_person: correct is None,
    "by a person": lambda correct, by_person: by_person,
}
"""The filters by grade."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The questions of a run with the confidence in each."""

    lines: Lines
    confidence: NDArray[np.float64]
    """[n]; NaN: nothing can be said."""

    @classmethod
    def of(cls, lines: Lines, graded: NDArray[np.float64]) -> Listed:
        """graded: the confidence of each graded answer, in order."""
        confidence = np.full(len(lines.ids), np.nan)
        confidence[lines.graded] = graded
        return cls(lines, confidence)

    def page(self, wanted: JSON, among: Places | None = None) -> JSON:
        """A page of the questions. wanted: {filter, search, sort, down, page}; among: places; None: all."""
        found = self.found(str(wanted.get("search") or ""), among)
        places = self._sorted(self._graded(found, wanted), wanted)
        page = max(0, int(wanted.get("page") or 0))
        first = min(page, max(0, (len(places) - 1) // PAGE)) * PAGE
        return {
            "rows": [self._line(at) for at in places[first : first + PAGE].tolist()],
            "total": len(places),
            "first": first,
            "size": PAGE,
            "counts": {name: len(self._graded(found, {"filter": name})) for name in SHOWN},
        }

    def copied(self, wanted: JSON, among: Places | None = None) -> JSON:
        """All questions that match, as a spreadsheet takes them; no cell is a formula to it: {text, note}."""
        rows = [["id", "question", "answer", "accepted", "grade", "by a person", "confidence"]]
        found = self.found(str(wanted.get("search") or ""), among)
        places = self._sorted(self._graded(found, wanted), wanted).tolist()
        for at in places:
            line = self._line(at)
            accepted = " | ".join(self.lines.answers[at])
            texts = [line["id"], line["question"], line["answer"], accepted]
            graded = [word_of(line["correct"]), "yes" if line["by_person"] else "no"]
            sure = "" if line["confidence"] is None else str(line["confidence"])
            rows.append([*(str(cell(_in_one_line(text))) for text in texts), *graded, sure])
        note = f"{len(places):,} {'question' if len(places) == 1 else 'questions'} copied"
        return {"text": "".join("\t".join(row) + "\n" for row in rows), "note": note}

    def matching(self, wanted: JSON, among: Places | None = None) -> list[str]:
        """The ids of all questions that match."""
        found = self._graded(self.found(str(wanted.get("search") or ""), among), wanted)
        return [self.lines.ids[at] for at in found.tolist()]

    def found(self, search: str, among: Places | None = None) -> Places:
        """Places of the questions with every word of a search in question, answer or accepted answers."""
        places = np.arange(len(self.lines.ids)) if among is None else among
        words = search.casefold().split()
        if not words:
            return places
        hits = [all(word in text for word in words) for text in map(self._text, places.tolist())]
        return places[np.array(hits, dtype=np.bool_)]

    def _text(self, at: int) -> str:
        lines = self.lines
        return "\n".join((lines.questions[at], lines.texts[at], *lines.answers[at])).casefold()

    def _graded(self, places: Places, wanted: JSON) -> Places:
        holds = SHOWN.get(str(wanted.get("filter") or "all"), SHOWN["all"])
        lines = self.lines
        kept = [holds(lines.correct[at], lines.by_person[at]) for at in places.tolist()]
        return places[np.array(kept, dtype=np.bool_)]

    def _sorted(self, places: Places, wanted: JSON) -> Places:
        lines, at = self.lines, places.tolist()
        keys: dict[str, Callable[[], Any]] = {
            "question": lambda: np.array([lines.questions[i].casefold() for i in at], dtype=object),
            "answer": lambda: np.array([lines.texts[i].casefold() for i in at], dtype=object),
            "correct": lambda: np.array([lines.correct[i] for i in at], dtype=np.float64),
            "confidence": lambda: self.confidence[places],
        }
        sort = wanted.get("sort")
        if sort not in keys:
            return places
        key = keys[sort]()
        missing = np.isnan(key) if key.dtype != object else np.zeros(len(key), dtype=np.bool_)
        order = np.argsort(key[~missing], kind="stable")
        known = places[~missing][order[::-1] if wanted.get("down") else order]
        return np.concatenate([known, places[missing]])

    def _line(self, at: int) -> JSON:
        lines = self.lines
        return {
            "id": lines.ids[at],
            "question": lines.questions[at],
            "answer": lines.texts[at],
            "correct": lines.correct[at],
            "by_person": lines.by_person[at],
            "grader_correct": lines.grader_correct[at],
            "confidence": number(self.confidence[at]),
            "error": lines.errors[at],
        }


def only_words(only: JSON | None) -> str:
    """What a list is limited to; "" where it is not. only: {column, label} or {ids}."""
    if not only:
        return ""
    return f"{len(only['ids']):,} selected" if "ids" in only else f"{only['column']}: {only['label']}"


def word_of(correct: bool | None) -> str:
    """A verdict in a word."""
    return "not graded" if correct is None else "correct" if correct else "incorrect"


def _in_one_line(text: str) -> str:
    return re.sub(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", text)
