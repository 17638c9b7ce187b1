"""Which process has a database open, told without opening it."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path

_FLOCK = "hhqqi4x"
"""struct flock of Linux: kind, whence, start, length, process."""


def holder(path: Path) -> int | None:
    """The other process that has a database open; None: none has, or the system does not say.

    Not for a process that has it open itself: it would lose DuckDB's lock.
    """
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    with suppress(OSError, struct.error), path.open("rb") as file:
        kind, *_, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
        return int(pid) if kind != fcntl.F_UNLCK else None
    return None
