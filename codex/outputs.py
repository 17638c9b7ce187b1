"""Files that commands write: each appears whole, or stays as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from codex.errors import InvalidInput


@contextmanager
def output(path: Path, field: str = "output") -> Iterator[BinaryIO]:
    """A file to write bytes to; it takes its place when the block ends, and not when the block raises.

    A symbolic link is followed. What is no regular file, such as a pipe or a device, is written to directly.
    Raises InvalidInput, which names the field, when it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as direct:
                yield direct
            return
        target = Path(os.path.realpath(path))
        partial = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with partial.open("wb") as file:
                if target.exists():
                    target.open("r+b").close()  # A file that is read-only is not replaced either.
                    shutil.copymode(target, partial)
                yield file
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}.", [field]) from error
