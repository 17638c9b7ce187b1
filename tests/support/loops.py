"""Coroutines in tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from anyio.from_thread import start_blocking_portal

T = TypeVar("T")


def run_async(function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """What the coroutine function gives, run in a thread of its own.

    Not in this one: the browser that the tests share keeps an event loop running here.
    """
    with start_blocking_portal() as portal:
        return portal.call(function, *args)
