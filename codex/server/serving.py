"""The server under the application: its limits, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from codex.redaction.logs import mask_logs
from codex.server.connections import PatientProtocol

LOOPBACK = ("127.0.0.1", "::1")
LOOK = 0.05
"""Seconds between two looks at what is still under way."""
STOP_SECONDS = 3
"""What is under way at the end has so long to say so to its client."""


class Server(uvicorn.Server):
    """Serves an application until it is told to end, and then ends what is under way first."""

    def __init__(
        self,
        app: FastAPI,
        stop: Callable[[], None],
        trusted_proxies: Sequence[str] = LOOPBACK,
        drain: Callable[[], bool] = lambda: True,
        grace_seconds: float = 0.0,
    ) -> None:
        """stop: makes the requests under way end with an error of their own.

        drain: takes no more questions, and says whether those under way have finished, for which they have
        grace_seconds.

        trusted_proxies: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                log_level="warning",
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._stop, self._drain, self._grace_seconds = stop, drain, grace_seconds
        mask_logs()  # uvicorn has set up its handlers by now

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the questions under way finish, stop what is left, and wait for the answers to be sent."""
        await self._drained()
        self._stop()
        logging.getLogger("uvicorn.error").addFilter(_unless_cut_off)
        await super().shutdown(sockets)

    async def _drained(self) -> None:
        """Until no question is under way, the grace is over, or it was told to end a second time.

        The listener stays open, so that whoever looks whether Codex is ready learns that it is not any more.
        """
        until = time.monotonic() + self._grace_seconds
        while self._grace_seconds and not (self._drain() or self.force_exit) and time.monotonic() < until:
            await asyncio.sleep(LOOK)


def _unless_cut_off(record: logging.LogRecord) -> bool:
    """Whether a record tells of anything but requests that the end cut off: theirs is a page of traceback."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError) and "graceful shutdown" not in str(record.msg)
