"""A label with its answer, as it stands in a file."""

from __future__ import annotations

from codecs import getincrementaldecoder
from dataclasses import dataclass, field
from itertools import pairwise

from codex.store.labelling.labels import Label
from codex.types import Generation

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label, and what is known of its answer where that was kept."""

    label: Label
    question: str = ""
    answer: str = ""
    model: str = ""
    """The fingerprint of the engine that answered."""
    confidence: float | None = None
    """That the answer is correct, as it was known when the answer came or was queued."""
    probability: float | None = None
    """That the answer was drawn to be labelled; None: the order was not random."""
    pieces: tuple[Span, ...] = field(default=(), compare=False)
    """The label's spans as characters of the answer, end excluded; a file is written with them."""
    unplaced: tuple[Span, ...] = ()
    """Spans of which a file says the characters alone."""
    number: int = field(default=0, compare=False)
    """Its row in the file that it was read from."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row of a file cannot be used."""

    row: int
    """Counted from 1, without the heading."""
    column: str
    why: str

    def __str__(self) -> str:
        return f"Row {self.row:,}, column {self.column}: {self.why}"


class Unusable(Exception):
    """A value of a row, with its column; a format raises it, and `Problem` says it."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


def characters(generation: Generation) -> list[Span]:
    """[tokens]: which characters of the text each token shows, end excluded.

    A character that is split over tokens belongs to the one that completes it.
    """
    decoder = getincrementaldecoder("utf-8")("replace")
    ends = [0]
    for token in generation.tokens:
        ends.append(ends[-1] + len(decoder.decode(token.bytes)))
    most = len(generation.text)
    return [(min(start, most), min(end, most)) for start, end in pairwise(ends)]


def tokens_at(generation: Generation, piece: Span) -> Span | None:
    """The first and the last token that show some of these characters; None: no token does."""
    start, end = piece
    found = [at for at, (a, b) in enumerate(characters(generation)) if a < end and b > start]
    return (found[0], found[-1]) if found else None
