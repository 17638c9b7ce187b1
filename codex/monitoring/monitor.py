"""Watches what is answered: rolls up, looks at the alerts, tells people, deletes what is too old."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from codex.ask.workbench import Workbench
from codex.errors import CodexError, NotFound
from codex.monitoring import alerting
from codex.monitoring.readings import NAMES, readings
from codex.monitoring.webhook import Webhook
from codex.store.monitoring.alerts import AlertState, Notice
from codex.store.monitoring.rollups import Retired

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""
RETIRED_EVERY = 3600.0
"""Seconds between two deletions of old answers."""
ERASED_EVERY = 24 * 3600.0
"""Seconds until the database file is rewritten without them again, which costs as much as copying it."""
BY_HAND = frozenset({"paused", "resumed"})
"""Notices of what a person did, which are told to nobody else."""


class Monitor:
    """The alerts of a workbench. Thread-safe."""

    def __init__(self, workbench: Workbench, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.workbench = workbench
        self.settings = workbench.settings.monitoring
        self._now = now
        self._looking = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._retired_at: float | None = None
        self._erased_at: float | None = None
        self.retired: Retired | None = None
        """What the last deletion of old answers in this process left."""
        url = self.settings.webhook
        self.webhook = (
            None
            if url is None
            else Webhook(workbench.store.alerts, url, local=self.settings.webhook_local, now=now)
        )

    def start(self) -> None:
        """Look now, and again and again until `close`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="codex-monitor", daemon=True)
        self._thread.start()
        if self.webhook is not None:
            self.webhook.start()

    def close(self) -> None:
        """Stop looking and delivering; waits for what is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.webhook is not None:
            self.webhook.close()

    def roll_up(self) -> None:
        """Count what was answered, and what failed, since the last time. Raises StoreError."""
        self.workbench.failures.keep(self.workbench.store)
        self.workbench.store.monitoring.roll_up()

    def look(self) -> list[AlertState]:
        """Roll up, look at every alert, and tell what is to be told. Raises StoreError."""
        with self._looking:
            self.roll_up()
            now = self._now()
            before = self.workbench.store.alerts.states()
            renotify = timedelta(hours=self.settings.renotify_hours)
            after, notices = [], []
            for reading in readings(self.workbench, now):
                state, told = alerting.advance(before.get(reading.name), reading, now, renotify)
                after.append(state)
                notices += told
            changed = [state for state in after if before.get(state.name) != state]
            self._tell(changed, notices)
            return after

    def states(self) -> list[AlertState]:
        """How the alerts stood at the last look, in their order. Raises StoreError."""
        found = self.workbench.store.alerts.states()
        return [found[name] for name in NAMES if name in found]

    def pause(self, name: str) -> None:
        """Tell nothing of an alert until it is resumed. Raises NotFound, StoreError."""
        with self._looking:
            state, notices = alerting.paused(self._state(name), self._now())
            self._tell([state], notices)

    def resume(self, name: str) -> None:
        """Tell of an alert again. Raises NotFound, StoreError."""
        with self._looking:
            state, notices = alerting.resumed(self._state(name), self._now())
            self._tell([state], notices)
        self.look()

    def retire(self) -> Retired | None:
        """Delete answers that are older than monitoring.retention_days; None: they are kept for good."""
        days = self.settings.retention_days
        if days is None:
            return None
        self.roll_up()
        self.retired = self.workbench.store.monitoring.retire(self._now() - timedelta(days=days))
        if self.retired.deleted:
            self.workbench.people.forget_questions()
            self.workbench.store.follow_deletion()
            log.info("%d answers older than %d days were deleted.", self.retired.deleted, days)
        return self.retired

    def _state(self, name: str) -> AlertState:
        found = self.workbench.store.alerts.states().get(name)
        if found is None:
            raise NotFound(f"There is no alert {name!r}; there are {', '.join(NAMES)}.")
        return found

    def _tell(self, states: list[AlertState], notices: list[Notice]) -> None:
        told = [self._outgoing(notice) for notice in notices]
        if states or told:
            self.workbench.store.alerts.put(states, told)
        for notice in told:
            level = logging.WARNING if notice.kind in {"alert", "again"} else logging.INFO
            log.log(level, "Alert %s, %s: %s", notice.alert, notice.kind, notice.message)
        if self.webhook is not None and told:
            self.webhook.wake()

    def _outgoing(self, notice: Notice) -> Notice:
        if self.webhook is None or notice.kind in BY_HAND:
            return notice
        return replace(notice, delivery="waiting", next_at=notice.made_at)

    def _run(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                self.look()
                self._retire_when_due()
                said = ""
            except CodexError as error:
                # Once, not every minute, for as long as the disk is full.
                if str(error) != said:
                    log.warning("Monitoring waits: %s", error)
                said = str(error)
            except Exception:
                log.exception("A look at the alerts failed; the next one is in a minute.")
            self._stop.wait(EVERY)

    def _retire_when_due(self) -> None:
        now = time.monotonic()
        if self._retired_at is None or now - self._retired_at >= RETIRED_EVERY:
            retired = self.retire()
            self._retired_at = now
            rested = self._erased_at is None or now - self._erased_at >= ERASED_EVERY
            if retired is not None and retired.deleted and rested:
                self.workbench.store.erasure.start()
                self._erased_at = now
