"""What llama.cpp's server streams, as tokens: one chunk parsed at a time, and nothing lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from codex.engines.base import ALTERNATIVES, Finished, GenerationParams
from codex.engines.entropy import entropy_estimate
from codex.engines.stopping import StopFilter
from codex.types import Alternative, FinishReason, Generation, Token

LOWEST_LOGPROB = -104.0
"""Stands for the logarithm of zero, which arrives as -3.4e38. llama.cpp takes the logarithm of a 32-bit
probability, and the smallest of these above zero has -103.3."""

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


class Row:
    """One continuation under way.

    llama.cpp sends no chunk for a token that ends inside a character: its count of tokens jumps when the
    character is whole, and the last token comes with the bytes of them all. A token that was not sent is
    found again by asking for the distribution at its place (`probe`): it is the likeliest whose bytes fit.
    """

    def __init__(
        self,
        index: int,
        params: GenerationParams,
        prompt: Sequence[int],
        prefix: Sequence[Token],
        vocabulary: Vocabulary,
        probe: Probe,
    ) -> None:
        self.index = index
        self.reason: FinishReason | None = None
        self._prompt = prompt
        self._prefix = prefix
        self._vocabulary = vocabulary
        self._probe = probe
        self._started = time.perf_counter()
        self._seen = 0
        self._context = [*prompt, *(token.id for token in prefix)]
        self._filter = StopFilter(params.stop)
        for token in prefix:
            self._push(token)
        self._told = len(prefix)

    def take(self, chunk: dict[str, Any]) -> None:
        """Take one chunk of the stream; sets `reason` when it was the last that counts."""
        choice = chunk["choices"][0]
        counted = chunk["timings"]["predicted_n"]
        ended = choice["finish_reason"]
        if choice["logprobs"]:
            entry = choice["logprobs"]["content"][0]
            if counted > self._seen + 1:
                entry = self._complete(entry, counted - self._seen - 1)
            self._seen = counted
            if entry["id"] not in self._vocabulary.ends:
                self._push(self._vocabulary.token(entry, entry["top_logprobs"]))
        elif ended and counted > self._seen:
            self._find(counted - self._seen, None, 0)
        if ended and not self.reason:
            self.reason = ended

    def news(self, cancelled: bool = False) -> Iterator[Token | Finished]:
        """What the caller is to be told since the last time; a Finished is the end of the row."""
        if cancelled and not self.reason:
            self.reason = "cancelled"
        if self.reason:
            self._filter.finish()
        tokens = self._filter.tokens
        if self.index == 0:
            yield from tokens[self._told :]
            self._told = max(self._told, len(tokens))
        if self.reason:
            yield Finished(self.index, self._generation(self.reason))

    def _push(self, token: Token) -> None:
        if not self._filter.stopped:
            self._context.append(token.id)
            self._filter.push(token)
            if self._filter.stopped:
                self.reason = "stop"

    def _complete(self, entry: Entry, missing: int) -> Entry:
        """Push the `missing` tokens that open a character, and give the one that ends it its own bytes.

        It arrives with the bytes of them all.
        """
        whole = bytes(entry["bytes"])
        own = next((len(it["bytes"]) for it in entry["top_logprobs"] if it["id"] == entry["id"]), None)
        if own is None:
            opened = self._find(missing, whole, after=1)
        else:
            opened = self._find(missing, whole[: len(whole) - own], after=0)
        return {**entry, "bytes": whole[opened:]}

    def _find(self, missing: int, spelled: bytes | None, after: int) -> int:
        """Push tokens that were not sent; returns how many bytes they have.

        spelled: the joined bytes of these and of `after` more tokens; None where they were not sent.
        """
        found = 0
        for left in range(missing - 1, -1, -1):
            rest = None if spelled is None else spelled[found:]
            entry, likeliest = self._likeliest(rest, left + after)
            token = self._vocabulary.token(entry, likeliest)
            found += len(token.bytes)
            self._push(token)
        return found

    def _likeliest(self, spelled: bytes | None, after: int) -> tuple[Entry, list[Entry]]:
        """The likeliest token that can stand here with `after` more to come, and the distribution."""
        for wanted in (ALTERNATIVES, self._vocabulary.size):
            entries = self._probe(self._context, wanted)
            for entry in entries:
                if _fits(bytes(entry["bytes"]), spelled, after):
                    return entry, entries[:ALTERNATIVES]
        return entries[0], entries[:ALTERNATIVES]

    def _generation(self, reason: FinishReason) -> Generation:
        return Generation(
            text=self._filter.text,
            tokens=tuple(self._filter.tokens),
            finish_reason=reason,
            prompt_tokens=len(self._prompt),
            seconds=time.perf_counter() - self._started,
            prefix_tokens=min(len(self._prefix), len(self._filter.tokens)),
        )


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
