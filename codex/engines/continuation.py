"""A decode on its way through an engine, and its rows: what is counted and told alike in all of them."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from codex.engines.admission import current_client
from codex.engines.base import Enough, Finished, GenerationParams, Internals
from codex.engines.stopping import StopFilter
from codex.types import FinishReason, Generation, Token


@dataclass(eq=False, slots=True)
class Call:
    """One decode: what was asked for, and the way back to the caller."""

    prompt: list[int]
    rows: Sequence[GenerationParams]
    prefix: Sequence[Token]
    cancel: threading.Event
    """The caller's own."""
    enough: Enough | None = None
    internals: Internals | None = None
    """Of row 0."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the caller no longer reads, or the model is to be unloaded."""
    out: queue.SimpleQueue[Token | Finished | BaseException | None] = field(default_factory=queue.SimpleQueue)
    """None is the end; an error is raised at the caller's."""
    client: str | None = field(default_factory=current_client)
    """Whose share of the engine it takes."""

    done: dict[int, Generation] = field(default_factory=dict)
    """The rows that are complete."""

    @property
    def context(self) -> list[int]:
        """The ids that every row continues."""
        return self.prompt + [token.id for token in self.prefix]

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the rest."""
        return self.stop.is_set() or self.cancel.is_set()

    def tell(self, item: Token | Finished) -> None:
        """Hand an item to the caller."""
        if isinstance(item, Finished):
            self.done[item.row] = item.generation
        self.out.put(item)

    def begins(self, row: int) -> bool:
        """Whether `row` is to be decoded too, all rows before it being complete where it is asked."""
        if self.enough is None or row not in self.enough.after or self.cancelled:
            return True
        return not self.enough.is_reached([self.done[at] for at in range(row)])

    def groups(self) -> Iterator[range]:
        """The rows, divided where it is asked whether they are enough."""
        ends = [it for it in (self.enough.after if self.enough else ()) if 0 < it < len(self.rows)]
        return itertools.starmap(range, itertools.pairwise([0, *ends, len(self.rows)]))


class Continuation:
    """One row under way.

    ends: the tokens that end an answer; they are never among its own.
    """

    def __init__(
        self,
        index: int,
        params: GenerationParams,
        prompt: Sequence[int],
        prefix: Sequence[Token],
        ends: Set[int],
    ) -> None:
        self.index = index
        self.params = params
        self.context = [*prompt, *(token.id for token in prefix)]
        """The ids of the prompt and of the answer so far."""
        self.tokens_left = params.max_tokens
        """How many more tokens were asked for."""
        self.reason: FinishReason | None = None
        """Set when the row is complete."""
        self._end_logprob: float | None = None
        self.prompt_tokens = len(prompt)
        self._prefix_tokens = self._told = len(prefix)
        self._ends = ends
        self._started = time.perf_counter()
        self._filter = StopFilter(params.stop)
        for token in prefix:
            self._take(token)

    def push(self, token: Token) -> None:
        """Take the next token of the model; of a complete row nothing changes."""
        if self.reason is not None:
            return
        self.context.append(token.id)
        self.tokens_left -= 1
        self._take(token)
        if self.reason is None and not self.tokens_left:
            self.reason = "length"

    def news(self, cancelled: bool = False) -> Iterator[Token | Finished]:
        """What the caller is to be told since the last time; a Finished is the end of the row."""
        if cancelled and self.reason is None:
            self.reason = "cancelled"
        if self.reason is not None:
            self._filter.finish()
        tokens = self._filter.tokens
        if self.index == 0:
            yield from tokens[self._told :]
            self._told = max(self._told, len(tokens))
        if self.reason is not None:
            yield Finished(self.index, self._generation(self.reason))

    def _take(self, token: Token) -> None:
        if self.reason is not None:
            return
        if token.id in self._ends:
            self._end_logprob = token.logprob
        else:
            self._filter.push(token)
        if token.id in self._ends or self._filter.stopped:
            self.reason = "stop"

    def _generation(self, reason: FinishReason) -> Generation:
        return Generation(
            text=self._filter.text,
            tokens=tuple(self._filter.tokens),
            finish_reason=reason,
            prompt_tokens=self.prompt_tokens,
            seconds=time.perf_counter() - self._started,
            prefix_tokens=min(self._prefix_tokens, len(self._filter.tokens)),
            end_logprob=self._end_logprob,
        )


def unstarted(call: Call) -> Iterator[Token | Finished]:
    """What a call comes to that was cancelled before it began."""
    for at, params in enumerate(call.rows):
        yield from Continuation(at, params, call.prompt, call.prefix, frozenset()).news(cancelled=True)
