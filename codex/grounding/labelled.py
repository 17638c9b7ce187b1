"""The labelled answers that ship, on which judges of evidence and verifiers are measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from codex.paths import resources
from codex.text import sha256
from codex.types import Passage

FOLDER = resources("datasets") / "judging"
LABELS = ("support", "none", "contradiction")
"""What a passage says of an answer: that it is so, nothing, that it is not so."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer with its label."""

    question: str
    answer: str
    holds: bool
    """The passages support the answer; without passages: it is correct."""
    passages: tuple[Passage, ...] = ()
    candidates: tuple[str, ...] = ()
    """Answers that a verifier may be shown beside it."""
    label: str = ""
    """One of LABELS, where there are passages."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set of cases."""

    cases: tuple[Case, ...]
    fingerprint: str
    """12 hexadecimal digits of its file's SHA-256."""


@cache
def evidence() -> Labelled:
    """200 answers to questions about passages, of which a third each is supported, contradicted, neither."""
    return _read("evidence", _of_passage)


@cache
def answers() -> Labelled:
    """200 answers to 100 questions of the shipped sets: to each a correct one and an incorrect one."""
    return _read("answers", _of_question)


def _read(name: str, cases: Any) -> Labelled:
    text = Path(FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    rows = map(json.loads, text.splitlines())
    return Labelled(tuple(case for row in rows for case in cases(row)), sha256(text)[:12])


def _of_passage(row: dict[str, Any]) -> Iterator[Case]:
    text = row["passage"]
    passage = Passage(row["document"], row["document"], row["document"], text, 0, len(text))
    for asked in row["questions"]:
        for label in LABELS:
            for answer in asked.get(label, ()):
                yield Case(asked["question"], answer, label == "support", (passage,), label=label)


def _of_question(row: dict[str, str]) -> Iterable[Case]:
    both = tuple(sorted((row["correct"], row["incorrect"])))
    return [
        Case(row["question"], row[name], name == "correct", candidates=both)
        for name in ("correct", "incorrect")
    ]
