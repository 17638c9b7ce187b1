"""Builds a reading: blocks of text are cleaned and appended, with the offsets of pages and headings."""

from __future__ import annotations

import re
import unicodedata

from codex.errors import UnreadableDocument
from codex.retrieval.readers.reading import Heading, Reading

MOST_CHARACTERS = 100_000_000
"""Of a document; a small file that expands to more is an accident or an attack."""
HEADING_CHARACTERS = 200
"""Of a heading's name; the text itself keeps it whole."""

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# Besides control characters and lone surrogates: soft hyphens, byte order marks, and the "tag" characters
# with which text is written that people cannot see and models can.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\ufeff\ud800-\udfff\U000e0000-\U000e007f]")


_CLOSING = frozenset(".!?…:;\"'”’»)]")


def clean(text: str) -> str:
    """NFC, lines ended by \\n without spaces before it, no control characters and no invisible ones."""
    text = _LINE_ENDS.sub("\n", text)
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    return "\n".join(line.rstrip() for line in text.split("\n"))


def joined(*notes: str) -> str:
    """The notes of a reading as one, in order; empty ones are skipped."""
    return "; ".join(note for note in notes if note)


def counted(count: int, noun: str, what: str) -> str:
    """A note such as "3 images without text"; "" when there are none. noun: in the singular."""
    return f"{count:,} {noun}{'' if count == 1 else 's'} {what}" if count else ""


class Draft:
    """Blocks of a document in order, separated by empty lines."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pieces: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._page_starts: list[int] = []

    def add(self, block: str, level: int = 0, between: str = "\n\n") -> int | None:
        """Append a block; level: of a heading, 0 for other text. Returns where it starts; None when blank."""
        block = clean(block).strip()
        if not block:
            return None
        if self._pieces:
            self._append(between)
        start = self._length
        self._append(block)
        if level:
            self.head(start, level, block)
        return start

    def head(self, start: int, level: int, text: str) -> None:
        """Record a heading that is in the text already."""
        name = " ".join(text.split())[:HEADING_CHARACTERS].strip()
        if name:
            self._headings.append(Heading(start, level, name))

    def page(self, text: str) -> int:
        """Append a page, also when blank. Returns where it starts."""
        before = self._length
        ended = not self._pieces or self._pieces[-1][-1] in _CLOSING
        # A sentence that runs on over the page is not cut by an empty line.
        start = self.add(text, between="\n" if not ended and text[:1].islower() else "\n\n")
        start = before if start is None else start
        self._page_starts.append(start)
        return start

    def reading(self, *notes: str) -> Reading:
        """The whole reading, with its notes joined. Raises UnreadableDocument where there is no text."""
        text = "".join(self._pieces)
        if not text:
            raise UnreadableDocument(f"{self._name} contains no text. Save it again with its text.")
        self._headings.sort(key=lambda heading: heading.start)
        return Reading(text, tuple(self._page_starts), tuple(self._headings), joined(*notes))

    def _append(self, piece: str) -> None:
        self._length += len(piece)
        if self._length > MOST_CHARACTERS:
            raise UnreadableDocument(
                f"{self._name} expands to more than {MOST_CHARACTERS:,} characters. Split it."
            )
        self._pieces.append(piece)
