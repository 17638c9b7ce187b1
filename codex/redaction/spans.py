"""Places in a text, and the text with something else in their place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["key", "token", "password", "private key", "e-mail", "phone", "card", "blocked"]
"""key: of an interface; token: what stands for a login; password: also of addresses and headers; blocked: a
whole text, by a rule."""
SECRET = "[secret]"
MARKS: dict[Kind, str] = {
    "key": SECRET,
    "token": SECRET,
    "password": SECRET,
    "private key": SECRET,
    "e-mail": "[e-mail]",
    "phone": "[phone]",
    "card": "[card]",
    "blocked": "[not given]",
}
"""What stands in the place of each."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A find: text[start:end]."""

    start: int
    end: int
    kind: Kind


def united(found: Iterable[Span]) -> list[Span]:
    """The spans in order, those that overlap as one of the first one's kind."""
    spans: list[Span] = []
    for span in sorted(found):
        if spans and span.start < spans[-1].end:
            last = spans[-1]
            spans[-1] = Span(last.start, max(last.end, span.end), last.kind)
        else:
            spans.append(span)
    return spans


class Edited:
    """A text with its spans replaced by their marks, and where its characters are now."""

    def __init__(self, text: str, spans: Sequence[Span]) -> None:
        """spans: in order, without overlap."""
        self.spans = spans
        self._starts = [span.start for span in spans]
        pieces, moved, end = [], 0, 0
        self._moved = [0]
        for span in spans:
            pieces += [text[end : span.start], MARKS[span.kind]]
            end = span.end
            moved += len(MARKS[span.kind]) - (span.end - span.start)
            self._moved.append(moved)
        self.text = "".join([*pieces, text[end:]])
        """With the marks."""

    def at(self, position: int) -> int:
        """Where a place between two characters is now; one inside of a span is at its mark's beginning."""
        number = bisect_right(self._starts, position) - 1
        if number >= 0 and position < self.spans[number].end:
            return self.spans[number].start + self._moved[number]
        return position + self._moved[number + 1]

    def after(self, position: int) -> int:
        """As `at`; one inside of a span is at its mark's end."""
        number = bisect_right(self._starts, position - 1) - 1
        if number >= 0 and position < self.spans[number].end:
            span = self.spans[number]
            return span.start + self._moved[number] + len(MARKS[span.kind])
        return position + self._moved[number + 1]
