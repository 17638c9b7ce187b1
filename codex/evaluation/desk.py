"""Where the workers of a run on Ray begin and hear that they should stop.

In a module of its own: Ray keeps an actor's class, and with it all that its module names, to the very end.
"""

from __future__ import annotations

import asyncio


class Desk:
    """An actor that lets workers begin, those that died again too, and says when they should stop."""

    def __init__(self, most: int) -> None:
        """most: how often a worker may begin."""
        self._left = most
        self._stopped = asyncio.Event()

    async def begin(self) -> bool:
        self._left -= 1
        return self._left >= 0

    async def stop(self) -> None:
        self._stopped.set()

    async def stopped(self) -> None:
        await self._stopped.wait()
