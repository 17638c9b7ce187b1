"""Answers in OpenAI's shape, found as any other.

What is said to the user is settled only with the decision, after every step: a stream brings the answer when
it is settled, not a draft that the decision may take back.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from fastapi import Request, Response
from pydantic import BaseModel
from sse_starlette import ServerSentEvent

from codex.ask.workbench import last_trace
from codex.server.openai.errors import OpenAIError, streamed
from codex.server.serving import STOP_SECONDS
from codex.server.streaming import EventStream, UnderWay, cancelled_when_gone
from codex.types import Event, Trace, TraceEvent

Said = TypeVar("Said", bound=BaseModel)


async def said(
    request: Request, ask: Callable[[threading.Event], Iterator[Event]], told: Callable[[Trace], Said]
) -> Said:
    """The whole response. Closing the connection cancels the work.

    ask: begins the question, which the event stops. told: what is said of its trace.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        events = await run_sync(ask, cancel)
        return told(await run_sync(last_trace, events, abandon_on_cancel=True))


async def streamed_events(
    request: Request,
    ask: Callable[[threading.Event], Iterator[Event]],
    told: Callable[[Trace], Iterator[ServerSentEvent]],
    failed: Callable[[OpenAIError], ServerSentEvent],
) -> Response:
    """The response as events, once it is settled. Closing the connection cancels the work.

    What cannot be asked is told with its own status; failed: how a later error is told, as the last event.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        asked = UnderWay(await run_sync(ask, cancel), cancel)
        first = await asked.next()

    async def gone(_: Any) -> None:
        cancel.set()

    async def events() -> AsyncIterator[ServerSentEvent]:
        event = first
        try:
            while event is not None:
                if isinstance(event, TraceEvent):
                    for each in told(event.trace):
                        yield each
                event = await asked.next()
        except Exception as error:
            yield failed(streamed(error))
        finally:
            await asked.close()

    return EventStream(events(), client_close_handler_callable=gone, shutdown_grace_period=STOP_SECONDS)
