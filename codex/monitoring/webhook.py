"""Notices to a web address: in a thread of their own, each until it is delivered or given up.

Whoever sets the address may not know where it leads: redirects are not followed, and unless that is allowed
nothing is sent to this machine or into a private network. The connection is made to the very address that was
checked, so that a name cannot lead elsewhere a moment later.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from codex.errors import StoreError
from codex.networks import NotPublic, resolved
from codex.origins import origin
from codex.store.monitoring.alerts import Alerts, Notice

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For one attempt, all of it."""
ATTEMPTS = 8
"""Before a notice is given up."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
"""Between two attempts; each wait is four times the one before."""
AFTER_STORE_ERROR = 60.0
"""Seconds until the database is tried again."""


class Undelivered(Exception):
    """Why a notice did not arrive, as a sentence."""


class Webhook:
    """Delivers the notices that wait in a store. Nobody waits for it."""

    def __init__(
        self,
        alerts: Alerts,
        url: str,
        *,
        local: bool = False,
        seconds: float = SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """url: in the form of `origins.web_address`. local: whether it may be on this machine or near it."""
        self._alerts, self._url, self._local, self._seconds, self._now = alerts, url, local, seconds, now
        self._changed = threading.Condition()
        self._woken = self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def shown(self) -> str:
        """Where notices go, without the path, which may be secret."""
        return origin(f"{urlsplit(self._url).scheme}://{urlsplit(self._url).netloc}")

    def start(self) -> None:
        """Deliver from now on."""
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="codex-webhook", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something to deliver."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self, seconds: float = SECONDS) -> None:
        """Stop after the attempt under way; what waits is delivered after the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def deliver(self) -> timedelta | None:
        """Try to deliver what is due; returns how long until the next attempt, None: nothing waits.

        Raises StoreError.
        """
        waits = []
        for notice in self._alerts.waiting():
            now = self._now()
            left = (notice.next_at or now) - now
            # A wait longer than any is of before the clock went back.
            if timedelta() < left <= LONGEST_WAIT:
                waits.append(left)
            elif not self._closed:
                tried = self._tried(notice)
                self._alerts.attempted(tried)
                if tried.next_at is not None:
                    waits.append(tried.next_at - now)
        return min(waits, default=None)

    def _tried(self, notice: Notice) -> Notice:
        try:
            post(self._url, payload(notice), local=self._local, seconds=self._seconds)
        except Undelivered as error:
            attempts = notice.attempts + 1
            given_up = attempts >= ATTEMPTS
            wait = min(FIRST_WAIT * 4**notice.attempts, LONGEST_WAIT)
            log.warning(
                "The alert %s did not reach the webhook at %s: %s. %s.",
                *(notice.alert, self.shown, error),
                "It is not tried again" if given_up else f"Next attempt in {wait}",
            )
            return replace(
                notice,
                delivery="failed" if given_up else "waiting",
                attempts=attempts,
                next_at=None if given_up else self._now() + wait,
                error=str(error),
            )
        return replace(notice, delivery="delivered", attempts=notice.attempts + 1, next_at=None, error="")

    def _run(self) -> None:
        while True:
            try:
                left = self.deliver()
                wait = None if left is None else left.total_seconds()
            except StoreError as error:
                log.warning("Alerts cannot be delivered: %s", error)
                wait = AFTER_STORE_ERROR
            with self._changed:
                self._changed.wait_for(lambda: self._woken or self._closed, wait)
                self._woken = False
                if self._closed:
                    return


def payload(notice: Notice) -> dict[str, object]:
    """What is sent of a notice; `text` is what chat programs show. Nothing of any question is in it."""
    return {
        "text": f"Codex: {notice.alert.replace('_', ' ')}, {notice.kind}. {notice.message}",
        "alert": notice.alert,
        "kind": notice.kind,
        "at": notice.made_at.isoformat(),
        "message": notice.message,
        "value": notice.value,
        "threshold": notice.threshold,
    }


def post(url: str, body: object, *, local: bool, seconds: float = SECONDS) -> None:
    """POST JSON within so many seconds. Raises Undelivered."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme.lower() == "https"
    port = parts.port or (443 if secure else 80)
    connection = _Pinned(host, port, _addresses(host, port, local), secure, seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    deadline = threading.Timer(seconds, connection.abort)
    deadline.daemon = True
    deadline.start()
    try:
        headers = {"Content-Type": "application/json", "User-Agent": "Codex", "Connection": "close"}
        connection.request("POST", target, json.dumps(body).encode(), headers)
        status = connection.getresponse().status
        if connection.aborted:  # in the middle of the headers, which then look complete
            raise TimeoutError
    except (OSError, http.client.HTTPException) as error:
        if connection.aborted or isinstance(error, TimeoutError):
            raise Undelivered(f"it took longer than {seconds:g} seconds") from error
        raise Undelivered(str(error) or type(error).__name__) from error
    finally:
        deadline.cancel()
        connection.close()
    if 300 <= status < 400:
        raise Undelivered(
            f"it answered {status}, a redirect, which is not followed: "
            "set monitoring.webhook to where it leads"
        )
    if not 200 <= status < 300:
        raise Undelivered(f"it answered {status}")


def _addresses(host: str, port: int, local: bool) -> list[str]:
    """Where a host is. Raises Undelivered where it may not be reached."""
    try:
        return resolved(host, port, local=local)
    except NotPublic as error:
        raise Undelivered(f"{error}: allow it with monitoring.webhook_local=true") from error
    except (OSError, UnicodeError) as error:
        raise Undelivered(f"no address of {host} is known: {error}") from error


class _Pinned(http.client.HTTPConnection):
    """A connection to given addresses under a name."""

    def __init__(self, host: str, port: int, addresses: Sequence[str], secure: bool, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self.default_port = 443 if secure else 80  # else the port stands in the Host header
        self.aborted = False
        self._addresses = addresses
        self._tls = ssl.create_default_context() if secure else None

    def connect(self) -> None:
        """Connect to the first address that accepts."""
        for last, address in ((each == self._addresses[-1], each) for each in self._addresses):
            try:
                self.sock = socket.create_connection((address, self.port), self.timeout)
                break
            except OSError:
                if last or self.aborted:
                    raise
        if self.aborted:  # before there was a socket to shut down
            raise TimeoutError
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def abort(self) -> None:
        """End what is under way, from another thread."""
        self.aborted = True
        sock = self.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
