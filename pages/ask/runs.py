"""Questions under way for the Ask page: each is answered to its end, whether or not a page follows it."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from codex.ask.places import Client
from codex.errors import NotFound
from codex.pages import JSON

EARLY = 100
"""Runs that are remembered as cancelled before they began; the oldest are forgotten."""
FOLLOWERS = 2
"""Pages that follow one run at once, since each holds a thread; one more takes the place of the oldest, which
sees that it has fallen behind and asks again."""
ENDED = 64
"""Runs that can still be followed after their end; the oldest are forgotten."""
CLOSING_SECONDS = 5
"""What is cancelled at the end of Codex has so long to stop."""

States = Callable[[threading.Event], Iterator[JSON]]
"""From the event that stops a run to its states, the last of which says how it ended."""


@dataclass(eq=False)
class Run:
    """One question under way, or one that has ended."""

    id: str
    owner: str | None
    """The secret of the client that asked."""
    about: JSON
    """What a page needs to show it again."""
    cancel: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    state: JSON | None = None
    version: int = 0
    """How many states there were."""
    ended: bool = False
    followers: deque[object] = field(default_factory=lambda: deque(maxlen=FOLLOWERS))
    left: bool = False
    """Whether its page has gone, so that the next page of its client takes it up."""

    def work(self, states: States) -> None:
        """Run to the end."""
        try:
            for state in states(self.cancel):
                with self.changed:
                    self.state, self.version = state, self.version + 1
                    self.changed.notify_all()
        finally:
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def admit(self, follower: object) -> None:
        """Let one more follow."""
        with self.changed:
            self.followers.append(follower)
            self.left = False
            self.changed.notify_all()

    def after(self, version: int, follower: object) -> JSON | None:
        """The newest state, once it is newer than a version; None: there will be none for that follower."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.version > version or self.ended or follower not in self.followers
            )
            if self.state is None or self.version == version or follower not in self.followers:
                return None
            return {**self.state, "version": self.version}


class Runs:
    """Which questions run, by the id that the page gave them. Thread-safe."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._early: deque[str] = deque(maxlen=EARLY)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def start(self, id_: str, client: Client | None, about: JSON, states: States) -> None:
        """Begin a run in a thread of its own."""
        run = Run(id_, _owner(client), about)
        thread = threading.Thread(target=run.work, args=[states], name="codex-run", daemon=True)
        with self._lock:
            if id_ in self._early:
                run.cancel.set()
            ended = [each for each in self._runs.values() if each.ended]
            for each in ended[: max(0, len(ended) - ENDED)]:
                del self._runs[each.id]
            self._runs[id_] = run
            self._threads = {each for each in self._threads if each.is_alive()} | {thread}
            thread.start()

    def follow(self, id_: str, client: Client | None) -> Iterator[JSON]:
        """The present state of a run, then each newer one until its end. Raises NotFound.

        The run does not depend on who follows it.
        """
        run = self._of(id_, client)
        if run is None:
            raise NotFound("This answer is no longer under way. Ask again.")
        me, seen = object(), 0
        run.admit(me)
        while (state := run.after(seen, me)) is not None:
            seen = state["version"]
            yield state

    def version(self, id_: str, client: Client | None) -> int | None:
        """How many states a run has had; None: there is no such run of the client."""
        run = self._of(id_, client)
        return run.version if run else None

    def leave(self, id_: str, client: Client | None) -> None:
        """The page that followed a run has gone."""
        if run := self._of(id_, client):
            run.left = True

    def left(self, client: Client | None, own: str | None = None) -> JSON | None:
        """What the client's newest run was about that its page has left.

        own: the run that the page began before it was reloaded, which may not have said yet that it leaves.
        """
        mine = [run for run in self._mine(client) if run.left or (run.id == own and not run.ended)]
        return mine[-1].about if mine else None

    def under_way(self, client: Client | None) -> list[JSON]:
        """What the client's runs are about that have not ended, newest first."""
        return [run.about for run in reversed(self._mine(client)) if not run.ended]

    def cancel(self, id_: str) -> None:
        """Stop a run, also one that has yet to begin; does nothing when it has ended."""
        with self._lock:
            if id_ in self._runs:
                self._runs[id_].cancel.set()
            else:
                self._early.append(id_)

    def cancel_session(self, session: str) -> None:
        """Stop what is asked in a session."""
        with self._lock:
            for run in self._runs.values():
                if run.about["session"] == session:
                    run.cancel.set()

    def close(self) -> None:
        """Stop all runs, and wait for their end."""
        with self._lock:
            runs, threads = [*self._runs.values()], [*self._threads]
        for run in runs:
            run.cancel.set()
        for thread in threads:
            thread.join(CLOSING_SECONDS)

    def _of(self, id_: str, client: Client | None) -> Run | None:
        with self._lock:
            run = self._runs.get(id_)
        return run if run and run.owner == _owner(client) else None

    def _mine(self, client: Client | None) -> list[Run]:
        with self._lock:
            return [run for run in self._runs.values() if run.owner == _owner(client)]


def _owner(client: Client | None) -> str | None:
    return client.secret if client else None
