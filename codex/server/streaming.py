"""The workbench's blocking iterator over an asynchronous connection that may break at any time."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import anyio
from anyio.to_thread import run_sync
from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Message, Receive, Scope, Send

from codex.ask.response import response_to
from codex.server import bodies
from codex.server.errors import error_body
from codex.server.serving import STOP_SECONDS
from codex.types import Event, TraceEvent

log = logging.getLogger(__name__)

SEND_SECONDS = 30
"""A client that lets the model wait for so long, all waits together, is given up: it holds a place."""


class EventStream(EventSourceResponse):
    """Server-sent events. The class says its media type because OpenAPI reads it there."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the model has waited SEND_SECONDS for the client."""
        left = float(SEND_SECONDS)

        async def patient(message: Message) -> None:
            nonlocal left
            began = anyio.current_time()
            with anyio.fail_after(left):
                await send(message)
            left -= anyio.current_time() - began

        try:
            await super().__call__(scope, receive, patient)
        except* TimeoutError:
            log.info("A client let the model wait for %s seconds and was given up.", SEND_SECONDS)


Each = TypeVar("Each")


class UnderWay(Generic[Each]):
    """Work under way, pulled one event at a time without blocking the event loop."""

    def __init__(self, events: Iterator[Each], cancel: threading.Event) -> None:
        self._events = events
        self._cancel = cancel
        self._pulling = threading.Lock()

    async def next(self) -> Each | None:
        """The next event; None at the end. Raises what the workbench raises."""
        # Abandoned when the connection breaks, so that `close` can cancel the work at once.
        return await run_sync(self._pull, abandon_on_cancel=True)

    async def close(self) -> None:
        """Cancel what is not done, and wait until the model has stopped."""
        self._cancel.set()
        with anyio.CancelScope(shield=True):
            await run_sync(self._end)

    def _pull(self) -> Each | None:
        with self._pulling:
            return next(self._events, None)

    def _end(self) -> None:
        with self._pulling:
            close = getattr(self._events, "close", None)
            if close is not None:
                close()


@asynccontextmanager
async def cancelled_when_gone(request: Request, cancel: threading.Event) -> AsyncIterator[None]:
    """Set `cancel` when the client goes away inside the block, or when the block fails."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        cancel.set()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except BaseException:
        cancel.set()
        raise
    finally:
        watcher.cancel()


def stream(first: Event | None, asked: UnderWay[Event], cancel: threading.Event) -> EventStream:
    """The events as they come, `first` before all others."""

    async def gone(message: Message) -> None:
        cancel.set()

    return EventStream(
        _server_sent(first, asked),
        client_close_handler_callable=gone,
        # At the end of the server the question is stopped, and says so as its last event.
        shutdown_grace_period=STOP_SECONDS,
    )


async def _server_sent(first: Event | None, asked: UnderWay[Event]) -> AsyncIterator[ServerSentEvent]:
    event = first
    try:
        while event is not None:
            yield _encode(event)
            event = await asked.next()
    except Exception as error:  # The headers are sent, so the error is told as the last event.
        yield ServerSentEvent(error_body(error).model_dump_json(), event="error")
    finally:
        await asked.close()


def _encode(event: Event) -> ServerSentEvent:
    if isinstance(event, TraceEvent):
        body: bodies.Body = bodies.TraceEventBody(
            reply=response_to(event.trace), trace=bodies.TraceBody.model_validate(event.trace)
        )
        return ServerSentEvent(body.model_dump_json(), event="trace")
    name = bodies.NAMES[type(event)]
    return ServerSentEvent(bodies.EVENTS[name].model_validate(event).model_dump_json(), event=name)
