"""People's answers: found when the same question, or a like one, comes again."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from codex.ask.people.question_form import Form, are_alike, form, normalised
from codex.ask.request import new_id
from codex.errors import CodexError, InvalidInput, ModelError
from codex.retrieval.config import PACKAGED_EMBEDDING
from codex.retrieval.embedding import model_folder
from codex.store import Store
from codex.store.labelling.labels import LONGEST
from codex.store.labelling.people import PersonsAnswer, checked
from codex.text import sha256
from codex.types import AnsweredBy

log = logging.getLogger(__name__)

LEAST_SIMILARITY = 0.65
"""Cosine from which on two questions are compared word by word. Of 200 reworded pairs for development 99%
reach it, as do 70% of as many near-misses, which the words then tell apart: `tests.bench people_answers`."""
MOST_COMPARED = 64
"""Of the questions that reach it, so many of the most similar."""
PASS = 256
"""Questions that are embedded at once when their vectors are missing."""

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Matrix = NDArray[np.float32]


class PeoplesAnswers:
    """What people answered, in memory beside the store. Thread-safe."""

    def __init__(self, store: Store, embed: Embed) -> None:
        """embed: questions to vectors of unit length."""
        self._store = store
        self._embed = embed
        self._lock = threading.RLock()
        self._loaded = False
        self._clear()
        self._form = lru_cache(maxsize=4096)(lambda question: form(question, self.spelled))

    def find(self, question: str, now: datetime | None = None) -> AnsweredBy | None:
        """The answer that a person gave to this question or to a like one; the same one comes first.

        Raises StoreError; ModelError where the question cannot be embedded.
        """
        now = now or datetime.now(UTC)
        self._load()
        with self._lock:
            same = self._same(question, now)
            matrix, n, some = self._matrix, len(self._rows), bool(self._places)
        if same is not None:
            return _served(same, True, None)
        if not some or (asked := self._form(question)) is None:
            return None
        scores = matrix[:n] @ self._embed([question])[0]
        for at in _nearest(scores):
            with self._lock:
                answer_id = self._rows[at] if at < len(self._rows) else None
                kept = self._answers.get(answer_id) if answer_id else None
            if kept and kept.question is not None and kept.is_given(now):
                other: Form | None = self._form(kept.question)
                if other is not None and are_alike(asked, other, self.spelled):
                    return _served(kept, False, float(scores[at]))
        return None

    def put(
        self,
        answer: str,
        author: str,
        *,
        question: str | None = None,
        trace_id: str | None = None,
        source: str = "",
        expires_at: datetime | None = None,
    ) -> PersonsAnswer:
        """Keep a person's answer to a question.

        question: as the author types it. trace_id: the answer that was left to a person; without a typed
        question it is the trace's, whose text is used only as far as it was kept. expires_at: with its time
        zone. Raises InvalidInput, NotFound, ModelError, StoreError.
        """
        typed = question.strip() if question else ""
        kept, digest = typed or None, sha256(normalised(typed))
        if len(typed) > LONGEST:
            raise InvalidInput(f"The question is longer than {LONGEST:,} characters.", ["question"])
        if any("\ud800" <= character <= "\udfff" for character in typed):
            raise InvalidInput("The question holds half a character (a lone surrogate).", ["question"])
        if trace_id is not None:
            trace = self._store.load(trace_id)
            if not typed:
                kept = trace.question
                digest = trace.question_sha256 if kept is None else sha256(normalised(kept))
        elif not typed:
            raise InvalidInput("It needs a question: type it, or name the trace.", ["question", "trace_id"])
        given = checked(
            PersonsAnswer(
                *(new_id(), kept, digest, answer, author, source, trace_id, bool(typed)),
                made_at=datetime.now(UTC),
                expires_at=_future(expires_at),
            )
        )
        self._load()
        vector = self._embed([kept])[0] if kept is not None else None
        with self._lock:
            self._store.people.add(given, vector)
            self._hold(given, vector)
        return given

    def edit(
        self, answer_id: str, *, answer: str, author: str, source: str, expires_at: datetime | None
    ) -> PersonsAnswer:
        """Replace what is said, by whom, what it rests on and until when. Raises NotFound, InvalidInput.

        A withdrawn answer is given again.
        """
        with self._lock:
            before = self._store.people.get(answer_id)
            until = before.expires_at if expires_at == before.expires_at else _future(expires_at)
            return self._change(
                replace(
                    before,
                    answer=answer,
                    author=author,
                    source=source,
                    expires_at=until,
                    edited_at=datetime.now(UTC),
                    withdrawn_at=None,
                )
            )

    def withdraw(self, answer_id: str) -> PersonsAnswer:
        """Give an answer no more; it stays in the list. Raises NotFound."""
        with self._lock:
            before = self._store.people.get(answer_id)
            return self._change(replace(before, withdrawn_at=before.withdrawn_at or datetime.now(UTC)))

    def delete(self, answer_id: str) -> None:
        """Delete an answer for good; traces that it was given to keep it. Raises NotFound."""
        with self._lock:
            self._store.people.delete(answer_id)
            self._drop(answer_id)

    def forget_questions(self) -> None:
        """Forget the texts of questions that the store has forgotten. Raises StoreError."""
        with self._lock:
            for each in self._store.people.without_question():
                before = self._answers.get(each.id)
                if before is not None and before.question is not None:
                    self._drop(each.id)
                    self._hold(each, None)
            self._form.cache_clear()

    def load_quietly(self) -> None:
        """Read the answers now, before the first question needs them."""
        try:
            self._load()
        except CodexError as error:
            log.warning("People's answers could not be read: %s", error)

    @cached_property
    def spelled(self) -> frozenset[str]:
        """Words that are spelled correctly."""
        return spelled_words()

    def _load(self) -> None:
        with self._lock:
            if self._loaded:
                return
            standing = list(self._store.people.standing())
            lacking = [each for each, vector in standing if vector is None and each.question is not None]
            made: dict[str, NDArray[np.float32]] = {}
            for at in range(0, len(lacking), PASS):
                part = lacking[at : at + PASS]
                vectors = self._embed([each.question or "" for each in part])
                made.update(zip((each.id for each in part), vectors, strict=True))
            self._store.people.keep_vectors(made.items())
            self._clear()
            for each, vector in standing:
                self._hold(each, made.get(each.id, vector) if each.question is not None else None)
            self._loaded = True

    def _clear(self) -> None:
        self._answers: dict[str, PersonsAnswer] = {}
        self._digests: defaultdict[str, list[str]] = defaultdict(list)
        """SHA-256 of a question -> its answers."""
        self._matrix: Matrix = np.empty((0, 0), np.float32)
        self._rows: list[str | None] = []
        """Of the matrix: the answer, None where it is gone."""
        self._places: dict[str, int] = {}

    def _hold(self, given: PersonsAnswer, vector: NDArray[np.float32] | None) -> None:
        self._answers[given.id] = given
        self._digests[given.question_sha256].append(given.id)
        if vector is None:
            return
        n = len(self._rows)
        if n == len(self._matrix):
            grown = np.zeros((max(64, 2 * n), len(vector)), np.float32)
            grown[:n] = self._matrix[:n] if n else 0
            self._matrix = grown
        self._matrix[n] = vector
        self._places[given.id] = n
        self._rows.append(given.id)

    def _drop(self, answer_id: str) -> None:
        gone = self._answers.pop(answer_id, None)
        if gone is not None:
            self._digests[gone.question_sha256].remove(answer_id)
        place = self._places.pop(answer_id, None)
        if place is not None:
            self._rows[place] = None
            self._matrix[place] = 0

    def _change(self, changed: PersonsAnswer) -> PersonsAnswer:
        kept = self._store.people.change(changed)
        if kept.withdrawn_at is not None:
            self._drop(kept.id)
        elif kept.id in self._answers:
            self._answers[kept.id] = kept
        elif self._loaded:
            self._hold(kept, None if kept.question is None else self._embed([kept.question])[0])
        return kept

    def _same(self, question: str, now: datetime) -> PersonsAnswer | None:
        """The newest answer to the very question."""
        digests = (sha256(normalised(question)), sha256(question))
        found = [self._answers[each] for digest in digests for each in self._digests.get(digest, ())]
        return max((each for each in found if each.is_given(now)), key=_written, default=None)


def spelled_words() -> frozenset[str]:
    """The whole words of the packaged embedding's vocabulary; none where it is not there."""
    try:
        found = (model_folder(PACKAGED_EMBEDDING, "retrieval.embedding") / "vocab.txt").read_text("utf-8")
    except (ModelError, OSError):
        return frozenset()
    return frozenset(word for word in found.split() if len(word) > 2 and word.isalpha())


def end_of(day: date) -> datetime:
    """When an answer expires that is given up to a day: as that ends, in local time. Raises InvalidInput."""
    try:
        return datetime.combine(day + timedelta(days=1), time()).astimezone()
    except (OverflowError, ValueError) as error:
        raise InvalidInput(f"{day} is too late: choose an earlier day.", ["expires_at"]) from error


def _nearest(scores: NDArray[np.float32]) -> list[int]:
    """Places of the highest scores that reach LEAST_SIMILARITY, the highest first."""
    near = np.flatnonzero(scores >= LEAST_SIMILARITY)
    if len(near) > MOST_COMPARED:
        near = near[np.argpartition(-scores[near], MOST_COMPARED)[:MOST_COMPARED]]
    found: list[int] = near[np.argsort(-scores[near], kind="stable")].tolist()
    return found


def _written(given: PersonsAnswer) -> datetime:
    return given.edited_at or given.made_at


def _served(kept: PersonsAnswer, same: bool, similarity: float | None) -> AnsweredBy:
    return AnsweredBy(kept.id, kept.answer, kept.author, kept.source, _written(kept), same, similarity)


def _future(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at <= datetime.now(UTC):
        raise InvalidInput("The answer would expire at once: choose a later day.", ["expires_at"])
    return expires_at
