"""Tokens as they are written, each shown once it is settled that it is no part of a secret."""

from __future__ import annotations

from codex.redaction.named import NAMES
from codex.redaction.observed import hidden, spelled
from codex.redaction.secrets import open_private_key, secrets
from codex.types import Token

VISIBLE = "".join(map(chr, range(33, 127)))
"""What a secret may be made of: no secret but a private key has a space."""
CONTEXT = 256
"""Characters before a word that may say what it is."""
LONGEST_WORD = 4096
"""A longer one is shown while it is written."""


class Settling:
    """The tokens of one text. Not thread-safe.

    A word waits for its end, a private key for its last line.
    """

    def __init__(self, before: str = "") -> None:
        """before: the text that the tokens continue."""
        self._before = before
        self._waiting: list[Token] = []

    def push(self, token: Token) -> list[Token]:
        """The tokens that are settled now, as they are shown."""
        self._waiting.append(token)
        text = self._before + spelled(self._waiting)
        return self._settled(text, unsettled(text))

    def end(self) -> list[Token]:
        """The rest, at the end of the text."""
        text = self._before + spelled(self._waiting)
        return self._settled(text, len(text))

    def _settled(self, text: str, settled: int) -> list[Token]:
        count = self._within(text, settled)
        if not count:
            return []
        found = secrets(text)
        end = len(self._before + spelled(self._waiting[:count]))
        for span in found:
            if span.start < end < span.end:  # Its last token waits, so that all of them do.
                count = self._within(text, span.start)
        shown = hidden(self._waiting, found, self._before) if found else self._waiting
        self._before = _context(self._before + spelled(self._waiting[:count]))
        self._waiting = self._waiting[count:]
        return list(shown[:count])

    def _within(self, text: str, end: int) -> int:
        """How many of the tokens that wait are in text[:end]."""
        room = len(text[:end].encode("utf-8", "surrogateescape"))
        room -= len(self._before.encode("utf-8", "surrogateescape"))
        for count, token in enumerate(self._waiting):
            room -= len(token.bytes)
            if room < 0:
                return count
        return len(self._waiting)


def unsettled(text: str) -> int:
    """From where on a text that is being written may be, or become, a part of a secret."""
    word = len(text.rstrip(VISIBLE))
    if word and not text[word - 1].isspace() and any(name in text[-CONTEXT:].lower() for name in NAMES):
        word = next((at for at in range(word, 0, -1) if text[at - 1].isspace()), 0)
    if len(text) - word > LONGEST_WORD:
        word = len(text)
    key = open_private_key(text)
    return word if key is None else min(word, key)


def _context(text: str) -> str:
    """The end of a text from the beginning of a word on."""
    if len(text) <= CONTEXT:
        return text
    end = text[-CONTEXT:]
    space = next((at for at, letter in enumerate(end) if letter.isspace()), -1)
    return end[space + 1 :]
