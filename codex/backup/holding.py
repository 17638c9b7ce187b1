"""A home that nobody else uses while its files change places."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from codex.errors import Conflict, StoreError
from codex.private import SERVED
from codex.retrieval.lock import IndexLock
from codex.store.database.lock import holder
from codex.store.store import DATABASE

PATIENCE = 2.0
"""Seconds that a workbench has to answer."""


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Keep every other restore out of a home while the block runs. Raises Conflict, StoreError."""
    try:
        folder = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"The home {home} cannot be used: {error.strerror or error}.") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict(f"Another process restores into {home} now. Wait for its end.") from error
    finally:
        os.close(folder)


@contextmanager
def unused(home: Path) -> Iterator[None]:
    """Keep the files of a home from being opened while the block runs, as far as they are there.

    Raises Conflict where a process serves the home, uses its database, indexes documents, or trains.
    """
    if url := _serving(home):
        raise Conflict(
            f"A workbench serves the home {home} on {url}. Stop it (Ctrl-C or SIGTERM), then restore."
        )
    with ExitStack() as stack:
        if (home / DATABASE).exists():
            stack.enter_context(_database(home / DATABASE))
        index = home / "index" / "writer.lock"
        if index.exists():
            stack.enter_context(IndexLock(index).exclusive())
        for lock in sorted(home.glob("adapters/*/.lock")):
            stack.enter_context(_training(lock))
        yield


def _serving(home: Path) -> str | None:
    """Where a workbench serves the home, also one whose database is elsewhere; None: nowhere."""
    with suppress(OSError, ValueError, KeyError, TypeError, httpx.HTTPError, httpx.InvalidURL):
        url = str(json.loads((home / SERVED).read_text())["url"])
        if "status" in httpx.get(f"{url}/healthz", timeout=PATIENCE, trust_env=False).json():
            return url
    return None


@contextmanager
def _database(path: Path) -> Iterator[None]:
    """The lock that DuckDB takes, which a process loses as soon as it closes the file once."""
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = holder(path)
            who = f"process {pid}" if pid else "another process"
            raise Conflict(f"The home {path.parent} is in use by {who}. Stop it, then restore.") from error
        yield


@contextmanager
def _training(lock: Path) -> Iterator[None]:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"A process trains in {lock.parent}: wait for its end, then restore.") from error
        yield
