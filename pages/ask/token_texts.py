"""Tokens as people read them: the text each one adds, and which belong to one word."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from codex.signals.text import words
from codex.types import Token


@dataclass(frozen=True, slots=True)
class TokenTexts:
    """An answer cut up for showing; `units` and `words` hold the index after the last token of each."""

    texts: tuple[str, ...]
    """What each token adds; "" for a token that only begins a character."""
    units: tuple[int, ...]
    """The smallest groups of tokens that hold whole characters; most are single tokens."""
    words: tuple[int, ...]
    """Units that make up a word; spaces and punctuation stand alone."""


class Decoder:
    """Bytes to text, token by token; a character that is split shows with the token that completes it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: Token) -> str:
        """The text that the token completes."""
        return self._decoder.decode(token.bytes)

    @property
    def whole(self) -> bool:
        """No character is under way."""
        return not self._decoder.getstate()[0]

    def rest(self) -> str:
        """The end: a character that was never completed shows as U+FFFD."""
        return self._decoder.decode(b"", final=True)


def token_texts(tokens: Sequence[Token], text: str) -> TokenTexts:
    """Cut a generation into what its tokens show; the texts join to `text`, or to its start."""
    decoder = Decoder()
    texts: list[str] = []
    units: list[int] = []
    room, shown = len(text), 0
    for index, token in enumerate(tokens):
        added = decoder.push(token)
        if index == len(tokens) - 1:
            added += decoder.rest()
        # The last token may reach past a stop string; what lies there is not part of the answer.
        texts.append(added[:room])
        room -= len(texts[-1])
        shown += len(texts[-1])
        if decoder.whole and shown:
            units.append(index + 1)
            shown = 0
    if tokens:
        units[-1:] = [len(tokens)]
    return TokenTexts(tuple(texts), tuple(units), _words(texts, units))


def _words(texts: Sequence[str], units: Sequence[int]) -> tuple[int, ...]:
    """A unit continues the one before it when one word of the text covers the border between them."""
    inside = {at for word in words("".join(texts)) for at in range(word.start + 1, word.end)}
    ends: list[int] = []
    at = start = 0
    for end in units:
        at += sum(len(text) for text in texts[start:end])
        start = end
        if at not in inside:
            ends.append(end)
    return tuple(ends)
