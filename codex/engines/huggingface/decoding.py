"""The decodes under way: who reads a prompt, who steps, and who is told what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codex.engines.continuation import Call, Continuation
from codex.engines.huggingface.batch import Batch
from codex.engines.huggingface.internals import Plan, Watched
from codex.engines.huggingface.kept import KeptPrompts
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.passes import Read, Reading


@dataclass(eq=False, slots=True)
class _Decode:
    """One call's way."""

    call: Call
    groups: list[range]
    """Rows that are not begun."""
    read: Read | None = None
    open: int = 0
    """Rows of its group that are not complete."""


class Decoding:
    """Continuous batching (Yu et al. 2022, Orca): rows of several calls step together, and join and leave
    between two steps. Prompts are read one after another, a piece before each step, so that a long one holds
    the others up for no longer than a piece. Not thread-safe: one thread drives it, turn by turn.
    """

    def __init__(self, loaded: LoadedModel, kept: KeptPrompts, piece: int) -> None:
        """piece: tokens of a prompt that are read in one pass."""
        self._loaded = loaded
        self._kept = kept
        self._piece = piece
        self._reading: tuple[_Decode, Reading] | None = None
        self._ready: _Decode | None = None
        """Read, and not in the batch, which cannot take it in yet."""
        self._decodes: dict[Call, _Decode] = {}
        """Those with rows in the batch."""
        self._begun: set[Call] = set()
        self._batch = Batch(loaded)

    @property
    def is_idle(self) -> bool:
        """Whether no turn would do anything."""
        return not self._begun

    def turn(self, another: Callable[[], Call | None]) -> None:
        """Read a piece of a prompt, and continue every row by a token.

        another: gives the next call where one more prompt can be read; its items are handed to it, and at
        its end None.
        """
        for seat in self._batch.seats:
            if seat.call.cancelled:
                self._tell(seat.call, seat.row)
        self._batch.leave()
        self._settle()
        self._read(another)
        if self._batch.seats:
            self._step()

    def cancel(self) -> None:
        """End every call that has begun."""
        for call in self._begun:
            call.stop.set()
        while not self.is_idle:
            self.turn(lambda: None)

    def fail(self, error: BaseException) -> None:
        """End every call that has begun with an error."""
        begun, self._begun, self._decodes = self._begun, set(), {}
        self._reading = self._ready = None
        self._batch = Batch(self._loaded)
        for call in begun:
            call.out.put(error)

    def _read(self, another: Callable[[], Call | None]) -> None:
        """One piece of the prompt that is being read, or of the next one."""
        if self._ready is None and self._reading is None and (call := another()):
            self._begun.add(call)
            ids, plan = call.context, self._plan(call)
            # Of a watched row the prompt's last token and all of the prefix are read.
            known = self._kept.beginning(call.prompt if plan else ids, self._piece)
            reading = Reading(self._loaded, ids, self._piece, known, plan, 1 + len(call.prefix))
            self._reading = _Decode(call, list(call.groups())), reading
        if self._reading:
            decode, reading = self._reading
            if decode.call.cancelled:
                self._reading = None
                self._end(decode)
            elif read := reading.advance():
                self._kept.keep(decode.call.context, read.cache, reading.exact)
                decode.read, self._reading, self._ready = read, None, decode
        if self._ready and self._ready.read and self._batch.takes(self._ready.read):
            decode, self._ready = self._ready, None
            self._join(decode)

    def _step(self) -> None:
        self._batch.step()
        for seat in self._batch.seats:
            self._tell(seat.call, seat.row)
        self._batch.leave()
        self._settle()

    def _tell(self, call: Call, row: Continuation) -> None:
        for item in row.news(call.cancelled):
            call.tell(item)
        if row.reason is not None:
            self._decodes[call].open -= 1

    def _settle(self) -> None:
        """Begin the next rows of the calls whose group is complete."""
        for decode in [it for it in self._decodes.values() if not it.open]:
            del self._decodes[decode.call]
            self._join(decode)

    def _join(self, decode: _Decode) -> None:
        """Begin a call's next group of rows, as long as it wants one that is not complete at once."""
        call = decode.call
        if call.cancelled:
            self._end(decode)
            return
        while decode.groups and call.begins(decode.groups[0].start):
            group = decode.groups.pop(0)
            rows = [self._row(call, at, decode.read) for at in group]
            self._decodes[call], decode.open = decode, len(rows)
            begun = [row for row in rows if row.reason is None]  # a prefix may hold a stop string
            if begun and decode.read:
                self._batch.join(call, begun, decode.read)
            if not decode.groups:
                decode.read = None  # nobody needs it any more
            for row in rows:
                self._tell(call, row)
            if decode.open:
                return
            del self._decodes[call]
        self._leave(call)

    def _end(self, decode: _Decode) -> None:
        """Tell a cancelled call that none of its other rows begins."""
        for group in decode.groups:
            for at in group:
                for item in self._row(decode.call, at).news(cancelled=True):
                    decode.call.tell(item)
        self._leave(decode.call)

    def _leave(self, call: Call) -> None:
        self._begun.discard(call)
        call.out.put(None)

    def _plan(self, call: Call) -> Plan | None:
        return Plan.of(call.internals, self._loaded.model) if call.internals else None

    def _row(self, call: Call, at: int, read: Read | None = None) -> Continuation:
        if at == 0 and read and (plan := self._plan(call)):
            return Watched(call, self._loaded.ends, plan, read.seen)
        return Continuation(at, call.rows[at], call.prompt, call.prefix, self._loaded.ends)
