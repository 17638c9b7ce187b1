"""Passing the events of a question on, one after another, and what they return at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import TypeVar

from codex.types import Event

T = TypeVar("T")


def passed_on(
    events: Generator[Event, None, T], shown: Callable[[Event], Iterable[Event]]
) -> Generator[Event, None, T]:
    """What is shown of each event. Returns what they return; they are closed with it."""
    with closing(events):
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                result: T = end.value
                return result
            yield from shown(event)
