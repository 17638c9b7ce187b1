"""Ctrl+C in the middle of a training."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from codex.training.course import Progress


def at_the_second(at: Progress) -> bool:
    """When two updates are done."""
    return at.step == 2


@contextmanager
def ctrl_c(trained_by: ModuleType, when: Callable[[Progress], bool] = at_the_second) -> Iterator[None]:
    """It is pressed after an update for which `when` holds, of a training that a module begins."""
    fit = trained_by.fit

    def interrupted(*args: Any) -> Any:
        def progress(at: Progress) -> None:
            args[3](at)
            if when(at):
                os.kill(os.getpid(), signal.SIGINT)

        return fit(*args[:3], progress, args[4])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trained_by, "fit", interrupted)
        yield
