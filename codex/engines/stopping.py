"""Where an answer ends, counted alike in every engine."""

from __future__ import annotations

from collections.abc import Sequence

from codex.types import Token


class StopFilter:
    """Holds tokens back while they may be part of a stop string.

    A token belongs to the answer when its first byte lies before the stop string; the text is cut
    exactly. Bytes are compared, so a stop string is found across tokens and inside characters.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stops = [s.encode() for s in stop if s]
        self._bytes = bytearray()
        self._ends: list[int] = []
        self._held: list[Token] = []
        self._cut: int | None = None
        self.tokens: list[Token] = []
        """The tokens that are certain to belong to the answer."""

    @property
    def stopped(self) -> bool:
        """A stop string was found; push nothing more."""
        return self._cut is not None

    def push(self, token: Token) -> list[Token]:
        """Add a token; returns those that are now certain to belong to the answer."""
        searched = len(self._bytes)
        self._bytes += token.bytes
        self._held.append(token)
        self._ends.append(len(self._bytes))
        found = [
            at
            for stop in self._stops
            if (at := self._bytes.find(stop, max(0, searched - len(stop) + 1))) >= 0
        ]
        if found:
            self._cut = min(found)
        return self._release(self._cut if self._cut is not None else self._safe())

    def finish(self) -> list[Token]:
        """The end of the model's output: returns the tokens still held out that belong to it."""
        return self._release(self._cut if self._cut is not None else len(self._bytes))

    @property
    def text(self) -> str:
        """The answer so far, cut before the stop string."""
        released = self._ends[len(self.tokens) - 1] if self.tokens else 0
        end = released if self._cut is None else self._cut
        return self._bytes[:end].decode("utf-8", "replace")

    def _safe(self) -> int:
        """How many bytes cannot be part of a stop string that has only begun."""
        end = len(self._bytes)
        for stop in self._stops:
            for overlap in range(min(len(stop) - 1, len(self._bytes)), 0, -1):
                if self._bytes.endswith(stop[:overlap]):
                    end = min(end, len(self._bytes) - overlap)
                    break
        return end

    def _release(self, end: int) -> list[Token]:
        out: list[Token] = []
        while self._held:
            at = len(self.tokens)
            start = self._ends[at - 1] if at else 0
            # A token of no bytes at the end has no place of its own; it goes with what precedes it.
            if start >= end and self._ends[at] > end:
                break
            token = self._held.pop(0)
            self.tokens.append(token)
            out.append(token)
        return out
