"""`codex serve` in a process that was forked where everything is imported already: the imports take 15 s."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from codex.errors import CodexError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from codex.ask.workbench import Workbench

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    [
        *("codex.cli.serve", "codex.pages.shell", "codex.server", "sentence_transformers", "chromadb"),
        "tests.soak.engine",
    ]
)
OFFSET = "CODEX_SOAK_CLOCK"
"""The environment variable with the file that holds how far the clock is off, in seconds."""
INDEXING = "CODEX_SOAK_INDEXING"
"""The environment variable that, set to anything, has documents indexed as they come."""


def started(settings: Sequence[str], environment: Mapping[str, str], log: Path) -> BaseProcess:
    """The process; what it and its own processes print goes into the log."""
    process = _FORKED.Process(target=_serve, args=(list(settings), dict(environment), str(log)))
    process.start()
    return process


def _serve(settings: list[str], environment: dict[str, str], log: str) -> None:
    os.setsid()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ.update(environment)
    if OFFSET in environment:
        _follow_clock(Path(environment[OFFSET]))
    if INDEXING in environment:
        _index_all_the_while()
    from codex.cli.serve import serve

    serve(settings)


def _index_all_the_while() -> None:
    """Index what waits as soon as it does, as somebody at the page of the documents would."""
    from codex import server

    made = server.create_app

    def create_app(workbench: Workbench) -> FastAPI:
        def index() -> None:
            while True:
                # What it could not do stays waiting, and the log of the index says why.
                with suppress(CodexError):
                    workbench.index.run()
                time.sleep(0.1)

        threading.Thread(target=index, daemon=True).start()
        return made(workbench)

    server.create_app = create_app


def _follow_clock(file: Path) -> None:
    """Set the clock as the file says whenever SIGUSR1 comes. Monotonic clocks go on, as they do on Linux."""
    import time_machine

    begun, since = time.time(), time.monotonic()
    clock = time_machine.travel(begun, tick=True).start()

    def jump(*_: object) -> None:
        clock.move_to(begun + time.monotonic() - since + float(file.read_text()))
        file.unlink()

    signal.signal(signal.SIGUSR1, jump)
