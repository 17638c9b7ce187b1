"""Several servers of one model: each request goes to the least busy, and to another where one fails."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from codex.engines.openai_api.probing import Findings, probe
from codex.engines.openai_api.server import Server, Unanswered
from codex.errors import Busy, ModelError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds for which a server that did not answer is left out: twice as long each time."""
SAME_MODEL = 0.5
"""Nats by which the likeliest first tokens of two servers may differ, by rounding, if they have one model."""

ALIKE = (
    *("kind", "logprobs", "alternatives", "streamed", "token_ids", "vocabulary", "limit"),
    *("takes_temperature", "scores_turns", "scores_text", "json_schema"),
)
"""What every server has to have in common with the others."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Replica:
    """One of the servers, and how it stands."""

    server: Server
    findings: Findings | None = None
    """None: it was not probed since it last failed."""
    under_way: int = 0
    """Requests that it works on."""
    failures: int = 0
    """In a row."""
    back_at: float = 0.0
    """In the loop's time: it is left out until then."""
    why: str = ""
    """Why it is left out."""


@dataclass(eq=False, slots=True)
class Replicas:
    """The servers of an engine. It belongs to one event loop, but `answering` and `missing` to any thread."""

    all: Sequence[Replica]
    most: int
    """Requests at once at each."""
    retries: int
    _findings: Findings | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when one has become free."""

    @classmethod
    async def to(cls, servers: Sequence[Server]) -> Replicas:
        """Probe them all; those that do not answer are left out for now.

        Raises ModelError where none answers or two have not the same model, Busy.
        """
        config = servers[0].config
        self = cls([Replica(server) for server in servers], config.concurrency, config.retries)
        failed: list[BaseException] = []
        probed = await asyncio.gather(*(probe(server) for server in servers), return_exceptions=True)
        for replica, found in zip(self.all, probed, strict=True):
            if isinstance(found, Findings):
                self._take(replica, found)
            elif isinstance(found, Unanswered | Busy) and len(servers) > 1:
                self._leave_out(replica, found)
                failed.append(found)
            else:
                raise found
        if len(failed) == len(servers):
            raise failed[0]
        return self

    async def close(self) -> None:
        """Give the connections back."""
        for replica in self.all:
            await replica.server.close()

    @property
    def findings(self) -> Findings:
        """What they have in common."""
        assert self._findings is not None
        return self._findings

    @property
    def answering(self) -> int:
        """How many are not left out."""
        return sum(not each.why for each in self.all)

    @property
    def missing(self) -> str:
        """Which are left out, in a sentence; "": none."""
        if self.answering == len(self.all):
            return ""
        out = " ".join(each.why for each in self.all if each.why)
        return f"{self.answering} of {len(self.all)} servers answer. {out}"

    async def anywhere(self, work: Callable[[Server], Awaitable[None]]) -> None:
        """Have a request done by the least busy server, and by another one where that fails.

        Raises what `work` raises, once every server and as many retries as are set have failed.
        """
        left = len(self.all) + self.retries if len(self.all) > 1 else 1
        while True:
            replica = await self._least_busy()
            left -= 1
            try:
                if replica.findings is None:
                    self._take(replica, await probe(replica.server))
                await work(replica.server)
                replica.failures = 0
                return
            except (Unanswered, Busy) as error:
                if len(self.all) > 1:
                    self._leave_out(replica, error)
                if not left:
                    raise
            except Unlike as error:
                self._leave_out(replica, error)
                if not left:
                    raise
            finally:
                replica.under_way -= 1
                self._changed.set()

    async def _least_busy(self) -> Replica:
        """The one that is taken; it counts as one request more."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            free = [each for each in self.all if each.back_at <= now and each.under_way < self.most]
            if free:
                # One that has to be probed first is tried by one request at a time, if there are others.
                taken = min(free, key=lambda it: (it.findings is None and it.under_way > 0, it.under_way))
                taken.under_way += 1
                return taken
            back = min((each.back_at for each in self.all if each.back_at > now), default=None)
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if back is None else back - now)

    def _take(self, replica: Replica, found: Findings) -> None:
        """Raises Unlike."""
        if self._findings is not None:
            difference = _difference(self._findings, found)
            if difference:
                others = [each.server.address for each in self.all if each is not replica]
                raise Unlike(
                    f"{replica.server.address} is no replica of {', '.join(others)}: {difference}. Start "
                    "them alike, or leave it out of engine.base_url."
                )
            found = replace(found, choices=min(found.choices, self._findings.choices))
        self._findings = replica.findings = found
        if replica.why:
            log.info("%s answers again", replica.server.address)
        replica.why = ""

    def _leave_out(self, replica: Replica, error: Exception) -> None:
        pause = min(FIRST_PAUSE * 2**replica.failures, LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        if isinstance(error, Busy):
            pause = min(float(error.retry_after), LONGEST_PAUSE)
        else:
            replica.findings = None  # What comes back may be another server.
        replica.failures += 1
        replica.back_at = asyncio.get_running_loop().time() + pause
        replica.why = str(error)
        log.warning("left out for %.1f s: %s", pause, error)


class Unlike(ModelError):
    """A server has another model than the others, or can do less."""


def _difference(first: Findings, second: Findings) -> str:
    """What two servers do not have in common, in words; "": nothing that matters."""
    for name in ALIKE:
        mine, other = getattr(first, name), getattr(second, name)
        if mine != other:
            return f"{name.replace('_', ' ')} is {other!r}, not {mine!r}"
    if first.first is None or second.first is None:
        return ""
    for entry in first.first.others[:3]:
        same = next((it.logprob for it in second.first.others if it.is_same(entry)), None)
        if entry.logprob is None:
            continue
        if same is None or abs(same - entry.logprob) > SAME_MODEL:
            told = "of an unlikely one" if same is None else f"{same:.2f}"
            return (
                f"its model is another one, as the word {entry.bytes.decode(errors='replace')!r} after the "
                f"same prompt has the log-probability {told}, not {entry.logprob:.2f}"
            )
    return ""
