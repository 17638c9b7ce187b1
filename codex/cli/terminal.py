"""Words that come from a terminal and go to it."""

from __future__ import annotations

import os
import signal
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it."""
UNWRAPPED = 1_000_000
"""Columns of what is no terminal: more than any line has."""
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Settings, e.g. engine=huggingface policy.answer_above=0.8"
    ),
]


def console(*, stderr: bool = False) -> Console:
    """Where a command prints. Lines are wrapped on a terminal only: in a pipe or a file each stays whole."""
    made = Console(stderr=stderr)
    return made if made.is_terminal else Console(stderr=stderr, width=UNWRAPPED)


def printable(text: str) -> str:
    """Text from a model or a document for a terminal: control characters show as U+FFFD, they do not act."""
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"} else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def paths_and_overrides(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Which words are paths and which are settings: key=value, unless a file or folder is called so."""
    paths, overrides = list[Path](), list[str]()
    for word in words:
        if "=" in word and not os.path.lexists(word):
            overrides.append(word)
        else:
            paths.append(Path(word))
    return paths, overrides


@contextmanager
def interruptible(errors: Console) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second ends the program at once."""
    cancel = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, before)
        errors.print("Stopping …")

    signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
