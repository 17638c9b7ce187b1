"""What llama.cpp's server streams, as tokens: one chunk parsed at a time, and nothing lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codex.engines.base import ALTERNATIVES, GenerationParams
from codex.engines.continuation import Continuation
from codex.engines.entropy import entropy_estimate
from codex.types import Alternative, Token

LOWEST_LOGPROB = -104.0
"""Stands for the logarithm of zero, which arrives as -3.4e38. llama.cpp takes the logarithm of a 32-bit
probability, and the smallest of these above zero has -103.3."""

Chunk = dict[str, Any]
"""One event of a completion stream in OpenAI's shape, with llama.cpp's timings."""
Entry = dict[str, Any]
"""A token on the wire: id, bytes, logprob, and of the chosen one top_logprobs."""
Probe = Callable[[Sequence[int], int], list[Entry]]
"""The likeliest tokens after the given ones, likeliest first, and how many of them are wanted."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is to be known of a model's tokens."""

    size: int
    ends: frozenset[int]
    """Tokens that end an answer."""

    def token(self, entry: Entry, likeliest: Sequence[Entry]) -> Token:
        """The chosen token and its distribution; it is put among the alternatives where it is not."""
        chosen = entry["id"]
        logprob = max(entry["logprob"], LOWEST_LOGPROB)
        rank = next((at for at, other in enumerate(likeliest, 1) if other["id"] == chosen), None)
        alternatives = [self._alternative(other) for other in likeliest]
        return Token(
            id=chosen,
            bytes=bytes(entry["bytes"]),
            logprob=logprob,
            entropy=entropy_estimate([it.logprob for it in alternatives], self.size),
            rank=rank,
            alternatives=tuple(alternatives if rank else [*alternatives, self._alternative(entry)]),
        )

    def _alternative(self, entry: Entry) -> Alternative:
        return Alternative(
            entry["id"],
            bytes(entry["bytes"]),
            max(entry["logprob"], LOWEST_LOGPROB),
            entry["id"] in self.ends,
        )


class Row(Continuation):
    """A row that llama.cpp's server streams.

    llama.cpp sends no chunk for a token that ends inside a character: its count of tokens jumps when the
    character is whole, and the last token comes with the bytes of them all. The row is `paused` there.
    `mend` finds what was not sent, asking for the distribution at its place: the likeliest token whose
    bytes fit. For that, nothing else of the call should be running: cells of the cache that a probe
    takes and leaves would change the order in which the others are summed.
    """

    def __init__(
        self,
        index: int,
        params: GenerationParams,
        prompt: Sequence[int],
        prefix: Sequence[Token],
        vocabulary: Vocabulary,
    ) -> None:
        super().__init__(index, params, prompt, prefix, vocabulary.ends)
        self.paused = False
        self._vocabulary = vocabulary
        self._pending: deque[Chunk] = deque()
        self._counted = 0

    def take(self, chunk: Chunk) -> None:
        """Take one chunk of the stream; sets `reason` when it was the last that counts."""
        self._pending.append(chunk)
        if not self.paused:
            self._work(None)

    def mend(self, probe: Probe) -> None:
        """Find the tokens that were not sent, and take what came after them."""
        self._work(probe)

    def restart(self) -> None:
        """The next chunk is the first of a new request, which continues `context`."""
        self._pending.clear()
        self._counted = 0

    def _work(self, probe: Probe | None) -> None:
        while self._pending and not self.reason:
            chunk = self._pending[0]
            choice, counted = chunk["choices"][0], chunk["timings"]["predicted_n"]
            entry = choice["logprobs"]["content"][0] if choice["logprobs"] else None
            missing = counted - self._counted - (entry is not None)
            if missing > 0:
                if probe is None:
                    self.paused = True
                    return
                entry = self._find(entry, missing, probe)
            self._counted = max(self._counted, counted)
            if entry:
                self.push(self._vocabulary.token(entry, entry["top_logprobs"]))
            if choice["finish_reason"] and not self.reason:
                self.reason = choice["finish_reason"]
            self._pending.popleft()
        self.paused = False

    def _find(self, ender: Entry | None, missing: int, probe: Probe) -> Entry | None:
        """Push the `missing` tokens before `ender`, which then gets the bytes that are its own.

        None: the answer ended inside a character, and nothing tells its bytes; the likeliest tokens that
        open a character are taken.
        """
        whole = bytes(ender["bytes"]) if ender else b""
        known = ender["top_logprobs"] if ender else []
        own = next((len(it["bytes"]) for it in known if ender and it["id"] == ender["id"]), None)
        found, end = 0, len(whole) - (own or 0)
        for left in range(missing - 1, -1, -1):
            after = left + (own is None)
            spelled = whole[found:end] if ender else None
            token = self._vocabulary.token(*self._likeliest(spelled, after, probe))
            found += len(token.bytes)
            self.push(token)
        return {**ender, "bytes": whole[found:]} if ender else None

    def _likeliest(self, spelled: bytes | None, after: int, probe: Probe) -> tuple[Entry, list[Entry]]:
        """The likeliest token that can stand here with `after` more to come, and the distribution."""
        for wanted in (ALTERNATIVES, 50 * ALTERNATIVES, self._vocabulary.size):
            entries = probe(self.context, wanted)
            for entry in entries:
                if _fits(bytes(entry["bytes"]), spelled, after):
                    return entry, entries[:ALTERNATIVES]
        return entries[0], entries[:ALTERNATIVES]


def _fits(token: bytes, spelled: bytes | None, after: int) -> bool:
    if spelled is None:
        return _ends_inside_character(token)
    if not after:
        return token == spelled
    return 0 < len(token) <= len(spelled) - after and spelled.startswith(token)


def _ends_inside_character(token: bytes) -> bool:
    """Whether the bytes end in a UTF-8 character that is not whole."""
    for back in range(1, min(3, len(token)) + 1):
        byte = token[-back]
        if byte >= 0xC0:
            return back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
        if byte < 0x80:
            return False
    return bool(token)
