"""Who may write the index: one thread of one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from codex.errors import Conflict, RetrievalError
from codex.private import make_folder, opener

PATIENCE = 2.0
"""Seconds that a writer waits for searches of other processes, which take milliseconds."""


class IndexLock:
    """An advisory lock on a file, which the system releases when its holder ends, however it ends.

    It belongs to the open file, so two threads of one process exclude each other too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """For writing. Raises Conflict with the PID of the process that writes already."""
        with self._opened() as file:
            deadline = time.monotonic() + PATIENCE
            while not _acquired(file, fcntl.LOCK_EX):
                if not _acquired(file, fcntl.LOCK_SH) or time.monotonic() > deadline:
                    holder = os.pread(file, 20, 0).decode().strip() or "unknown"
                    raise Conflict(
                        f"Process {holder} is indexing into {self.path.parent} already. "
                        "Wait until it is done, or stop it; what it has indexed stays."
                    )
                fcntl.flock(file, fcntl.LOCK_UN)
                time.sleep(0.02)
            os.pwrite(file, f"{os.getpid():<20}".encode(), 0)
            try:
                yield
            finally:
                os.ftruncate(file, 0)

    @contextlib.contextmanager
    def shared(self) -> Iterator[bool]:
        """Whether nobody writes; then nobody starts to until the block ends."""
        with self._opened() as file:
            yield _acquired(file, fcntl.LOCK_SH)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, whose lock is released as it is closed."""
        try:
            make_folder(self.path.parent)
            file = opener(str(self.path), os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise RetrievalError(
                f"The index folder {self.path.parent} is not writable: {error.strerror}. "
                "Change its permissions, or set another CODEX_HOME."
            ) from error
        try:
            yield file
        finally:
            os.close(file)


def _acquired(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
