"""Connections that hold something without doing anything: told so, and closed."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from codex.errors import Busy, CodexError
from codex.server.errors import error_body

HEADER_SECONDS = 15.0
"""From the connection, or the first byte of a further request, to the end of its head."""
BODY_SECONDS = 15.0
"""In each of which a body has to bring BODY_BYTES, or its end."""
BODY_BYTES = 2**14
MAX_HEADER_BYTES = 2**16
"""Of the first line and all headers together."""
RESERVED_FILES = 192
"""Descriptors that are kept for the database, the index, models and documents."""
MOST_CONNECTIONS = 1024

PEER = "codex.peer"
"""Where the scope of a request holds the address that the connection itself is from."""

State = Literal["idle", "head", "body", "answer"]
"""What the connection waits for: a request, its head, its body (also one that is answered already), us."""


class TooSlow(CodexError):
    """The request did not arrive in time."""

    status = 408


class TooLargeHead(CodexError):
    """The request's first line and headers are too long."""

    status = 431


class BadRequest(CodexError):
    """What arrived is not HTTP."""

    status = 400


def most_connections() -> int:
    """How many may be open at once: as many as the process may have files, less what it needs itself."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(8, min(MOST_CONNECTIONS, soft - RESERVED_FILES, soft // 2))


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits of time, of a head's size, and of the number of connections.

    One connection too many closes the one that has been idle longest, so that a new client is always served;
    where none is idle the new one is told to come back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state: State = "idle"
        self._since = self.loop.time()
        self._next_begun = False
        """Whether a further request has begun while this one is answered."""
        self._head_bytes = 0
        self._body_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock, and make room where there is none."""
        super().connection_made(transport)
        if len(self.connections) > most_connections() and not self._make_room():
            self._refuse(Busy("Too many connections are open; try again shortly."))
            return
        self._enter("idle", HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what arrives of a head or a body."""
        if self._state == "idle":
            self._enter("head", HEADER_SECONDS)
        if self._state == "head":
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        super().data_received(data)
        if self._state == "head" and self._head_bytes > MAX_HEADER_BYTES:
            self._refuse(TooLargeHead(f"The request's head is larger than {MAX_HEADER_BYTES:,} bytes."))

    def on_message_begin(self) -> None:
        """A further request may begin in the same bytes as the last one ended."""
        super().on_message_begin()
        # The address in `client` may come from a header that a proxy, or anybody on this machine, wrote.
        self.scope[PEER] = self.client[0] if self.client else ""  # type: ignore[literal-required]
        self._next_begun = self._state == "answer"
        if self._state == "idle":
            self._enter("head", HEADER_SECONDS)

    def on_headers_complete(self) -> None:
        """The head is there; now the body has to come."""
        self._next_begun = False
        self._enter("body", BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of the request is there; how long the answer takes is not the client's fault."""
        if self.cycle is not None and self.cycle.response_complete:
            self._enter("idle", HEADER_SECONDS)
        else:
            self._enter("answer", None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for a further request, unless it is there, or the rest of this one is still on its way."""
        if self._state == "answer" and not self.pipeline:
            self._enter("head" if self._next_begun else "idle", HEADER_SECONDS)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over, which has timeouts of its own."""
        self._stop_timer()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Say in the shape of every other error that this is not HTTP."""
        self._refuse(BadRequest("The request is not HTTP/1.1, or its head is malformed."))

    def _enter(self, state: State, seconds: float | None) -> None:
        self._stop_timer()
        self._state, self._since = state, self.loop.time()
        self._head_bytes = self._body_bytes = 0
        if seconds is not None and not self.transport.is_closing():
            self._timer = self.loop.call_later(seconds, self._late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self._state == "body" and (self.flow.read_paused or self._body_bytes >= BODY_BYTES):
            self._enter("body", BODY_SECONDS)
            return
        if self._state == "idle":
            self.transport.close()
            return
        what = "head" if self._state == "head" else "body"
        self._refuse(TooSlow(f"The request's {what} did not arrive in time. Send it faster."))

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a request or its head. False where none does."""
        waiting = [
            it
            for it in self.connections
            if isinstance(it, PatientProtocol) and it is not self and it._state in ("idle", "head")
        ]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda it: (it._state == "head", it._since))
        oldest.transport.abort()
        return True

    def _refuse(self, error: CodexError) -> None:
        """Answer with the error where nothing has been answered yet, and close."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self._state in ("idle", "head") or not self.cycle.response_started:
            body = error_body(error).model_dump_json().encode()
            headers = {"content-type": "application/json", "content-length": len(body), "connection": "close"}
            if isinstance(error, Busy):
                headers["retry-after"] = error.retry_after
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            self.transport.write(STATUS_LINE[error.status] + head.encode() + b"\r\n" + body)
        self.transport.close()
