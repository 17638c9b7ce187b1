"""Splits a document into chunks along its headings, paragraphs and sentences."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from codex.retrieval.readers.reading import Heading, Reading

CHARACTERS_PER_TOKEN = 10
"""At most, in a chunk: a tokenizer may turn a word of 1,000 letters into a single unknown token."""
TINY_SHARE = 0.25
"""Of max_tokens; a smaller chunk is joined to a neighbour that has room."""

SUMS_SUFFICE = 16
"""Chunks in a row with exactly the tokens of their sentences, after which chunks are no longer counted: it is
so with every tokenizer that splits at spaces first, as nearly all embeddings' do."""

_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
_ABBREVIATIONS = (
    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sr", "Jr", "vs", "etc", "Fig", "fig", "No", "no", "Nr", "Art",
    "Vol", "vol", "pp", "cf", "al", "ca", "approx", "Inc", "Ltd", "Co", "Corp", "Gen", "Col", "Sec", "Eq",
)  # fmt: skip
_SENTENCE_END = re.compile(
    r"""
      (?<=[.!?…؟۔।॥։።])["'”’»)\]]*\s+(?=[^\s\da-z]|\d)   # a stop, closing quotes, and a new beginning
    | (?<=[。！？｡])[」』”’）]*\s*                         # Chinese and Japanese leave no space
    | \n\s*(?=[-*•+|]\s|\d{1,3}[.)]\s)                   # the next item of a list, the next row of a table
    """,
    re.VERBOSE,
)
_ABBREVIATED = re.compile(rf"(?:^|[\s(\[])(?:{'|'.join(_ABBREVIATIONS)}|[^\W\d_]|[^\W\d_](?:\.[^\W\d_])+)\.$")
_SPACE = re.compile(r"\s+")
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_CLUSTER = 32
"""Characters looked back for where a letter with its marks begins."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: reading.text[start:end]."""

    start: int
    end: int
    page: int | None
    """The page it begins on, counted from 1; None where the format has no pages."""
    heading: str
    """The headings it stands under, outermost first, joined by " > "."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is not split further: a sentence, or a part of one that is too long."""

    start: int
    end: int
    tokens: int


def chunks(reading: Reading, max_tokens: int, count: Callable[[str], int]) -> list[Chunk]:
    """Chunks in order that cover every word once. None crosses a heading or has more than max_tokens.

    count: the tokens of a text as the embedding counts them.
    """
    splitter = _Splitter(reading.text, max_tokens, count)
    return [
        Chunk(start, end, bisect_right(reading.page_starts, start) or None, heading)
        for section, heading in _sections(reading)
        for start, end in splitter.split(section)
    ]


def _sections(reading: Reading) -> Iterator[tuple[Span, str]]:
    """The text under each heading, with the path of headings to it; an empty section joins the next."""
    text, path = reading.text, list[Heading]()
    begin = 0
    bounds = [*reading.headings, Heading(len(text), 0, "")]
    if bounds[0].start > 0:
        yield (0, bounds[0].start), ""
        begin = bounds[0].start
    for heading, following in pairwise(bounds):
        path = [*(above for above in path if above.level < heading.level), heading]
        body = text.find("\n", heading.start, following.start)
        last = following.start == len(text)
        if last or (body >= 0 and not text[body : following.start].isspace()):
            yield (begin, following.start), " > ".join(above.text for above in path)
            begin = following.start


class _Pack:
    """Units of one chunk, and their tokens."""

    def __init__(self, units: list[_Unit] | None = None) -> None:
        self.units = units or []
        self.tokens = sum(unit.tokens for unit in self.units)

    def extend(self, other: _Pack) -> None:
        self.units += other.units
        self.tokens += other.tokens

    def drop_last(self) -> None:
        self.tokens -= self.units.pop().tokens


class _Splitter:
    """Splits sections of one text. Counts sentences, and chunks until it is clear that those are the sums."""

    def __init__(self, text: str, maximum: int, count: Callable[[str], int]) -> None:
        self._text = text
        self._count = count
        self._empty = count("")  # the tokens that are put around every text
        self._max = max(1, maximum - self._empty)
        self._longest = self._max * CHARACTERS_PER_TOKEN
        self._sums = 0  # chunks in a row that had exactly the tokens of their sentences
        self._ratio = 4.0  # characters per token, of what was counted last

    def split(self, section: Span) -> Iterator[Span]:
        """The chunks of a section."""
        packed = [_Pack()]
        for paragraph in self._paragraphs(section):
            together = _Pack(paragraph)
            if self._fits(packed[-1], together):
                packed[-1].extend(together)
                continue
            if not self._is_tiny(packed[-1]):
                packed.append(_Pack())
            for unit in paragraph:
                sentence = _Pack([unit])
                if self._fits(packed[-1], sentence):
                    packed[-1].extend(sentence)
                else:
                    packed.append(sentence)
        for pack in self._without_tiny([pack for pack in packed if pack.units]):
            yield from self._checked(pack)

    def _paragraphs(self, section: Span) -> Iterator[list[_Unit]]:
        for paragraph in _split(self._text, section, _PARAGRAPH_END):
            units = [unit for sentence in sentences(self._text, paragraph) for unit in self._units(sentence)]
            if units:
                yield units

    def _units(self, sentence: Span) -> Iterator[_Unit]:
        """The sentence, or parts of it that fit."""
        start, end = _stripped(self._text, sentence)
        while start < end:
            stop = end
            if stop - start > self._longest:
                stop = self._break(start, start + min(self._longest, int(self._max * self._ratio)))
            tokens = self._tokens(start, stop)
            while tokens > self._max and stop - start > 1:
                room = max(1, int((stop - start) * self._max / tokens * 0.95))
                stop = self._break(start, start + room)
                tokens = self._tokens(start, stop)
            yield _Unit(start, stop, tokens)
            start, _ = _stripped(self._text, (stop, end))

    def _break(self, start: int, stop: int) -> int:
        """The best place at or before stop to end a part: a line end, a space, else between two letters."""
        half = start + (stop - start) // 2
        for mark in ("\n", " "):
            found = self._text.rfind(mark, half, stop)
            if found > start:
                return _stripped(self._text, (start, found))[1]
        for before in range(stop, max(half, stop - _CLUSTER), -1):
            if not _continues(self._text, before):
                return _stripped(self._text, (start, before))[1]
        return _stripped(self._text, (start, stop))[1]

    def _tokens(self, start: int, stop: int) -> int:
        tokens = max(1, self._count(self._text[start:stop]) - self._empty)
        self._ratio = max(1.0, (stop - start) / tokens)
        return tokens

    def _fits(self, first: _Pack, second: _Pack) -> bool:
        """Whether both together make a chunk."""
        start = (first.units or second.units)[0].start
        return first.tokens + second.tokens <= self._max and second.units[-1].end - start <= self._longest

    def _is_tiny(self, pack: _Pack) -> bool:
        return pack.tokens < TINY_SHARE * self._max

    def _without_tiny(self, packed: list[_Pack]) -> list[_Pack]:
        """Tiny ones are joined to a neighbour; where it has no room, they take units from the one before."""
        kept: list[_Pack] = []
        for pack in packed:
            if kept and self._is_tiny(pack):
                while len(kept[-1].units) > 1 and self._is_tiny(pack) and not self._fits(kept[-1], pack):
                    last = _Pack([kept[-1].units[-1]])
                    if not self._fits(last, pack):
                        break
                    kept[-1].drop_last()
                    last.extend(pack)
                    pack = last
            if kept and (self._is_tiny(pack) or self._is_tiny(kept[-1])) and self._fits(kept[-1], pack):
                kept[-1].extend(pack)
            else:
                kept.append(pack)
        return kept

    def _checked(self, pack: _Pack) -> Iterator[Span]:
        """The span of the pack, halved where its units have more tokens together than one by one."""
        units = pack.units
        start, end = units[0].start, units[-1].end
        if len(units) > 1 and self._sums < SUMS_SUFFICE:
            tokens = self._count(self._text[start:end]) - self._empty
            self._sums = self._sums + 1 if tokens == pack.tokens else 0
            if tokens > self._max:
                middle = len(units) // 2
                yield from self._checked(_Pack(units[:middle]))
                yield from self._checked(_Pack(units[middle:]))
                return
        yield start, end


def sentences(text: str, paragraph: Span) -> Iterator[Span]:
    """The sentences of a paragraph, each with the space after it."""
    start, end = paragraph
    for match in _SENTENCE_END.finditer(text, start, end):
        if not _ABBREVIATED.search(text[max(start, match.start() - 12) : match.start()]):
            yield start, match.end()
            start = match.end()
    yield start, end


def _split(text: str, span: Span, separator: re.Pattern[str]) -> Iterator[Span]:
    start, end = span
    for match in separator.finditer(text, start, end):
        yield start, match.start()
        start = match.end()
    yield start, end


def _stripped(text: str, span: Span) -> Span:
    """The span without the spaces at its ends."""
    start, end = span
    leading = _SPACE.match(text, start, end)
    start = leading.end() if leading else start
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _continues(text: str, index: int) -> bool:
    """Whether the character belongs to the letter before it: a mark, or attached by a joiner."""
    if index >= len(text):
        return False
    return (
        unicodedata.category(text[index])[0] == "M" or text[index] in _JOINERS or text[index - 1] == "\u200d"
    )
