"""The sentences of a text, each with its place."""

from __future__ import annotations

import re
from itertools import pairwise

from codex.retrieval import chunking

Span = tuple[int, int]
"""Where a piece of a text starts and ends, in characters."""

MOST = 12
"""Parts that an answer is judged in: each asks the judge once or twice. The sentences of longer answers
are taken several at a time."""

_LINE = re.compile(r"[^\n]+")


def sentences(text: str) -> list[Span]:
    """The sentences in order, without the space around them; a line ends one.

    What holds no letter or digit pair of its own, such as the number of a list's item, belongs to what
    follows it. A text of nothing but space has none.
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        start = line.start()
        for _, end in chunking.sentences(text, line.span()):
            if _says_something(text[start:end]) or end == line.end():
                spans.append((start, end))
                start = end
    return [_trimmed(text, span) for span in spans if text[slice(*span)].strip()]


def parts(text: str) -> list[Span]:
    """The sentences of an answer, taken together evenly where they are more than MOST."""
    every = sentences(text)
    if len(every) <= MOST:
        return every
    bounds = [round(i * len(every) / MOST) for i in range(MOST + 1)]
    return [(every[first][0], every[last - 1][1]) for first, last in pairwise(bounds)]


def _says_something(piece: str) -> bool:
    return any(character.isalpha() for character in piece)


def _trimmed(text: str, span: Span) -> Span:
    piece = text[slice(*span)]
    start = span[0] + len(piece) - len(piece.lstrip())
    return start, start + len(piece.strip())
