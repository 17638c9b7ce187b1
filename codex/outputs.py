"""Files and folders that appear whole, or stay as they were."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
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


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """A new folder to write files into; it takes its place when the block ends, not when it raises.

    Only its owner may read it. Its files are on the disk before it has its name; a folder that is there is
    replaced. What a kill leaves begins with a dot and the name. Raises OSError.
    """
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        yield made
        _flush(made)
        if path.exists():
            old = made.with_name(f"{made.name}.old")
            path.rename(old)
            made.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            made.rename(path)
        _flush_names(path.parent)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def file_sha256(path: Path) -> str:
    """Of what a file holds, as 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _flush(folder: Path) -> None:
    """Bring what a folder holds to the disk, as its owner's alone."""
    for each in folder.iterdir():
        if each.is_dir():
            each.chmod(0o700)
            _flush(each)
            continue
        each.chmod(0o600)
        with each.open("rb") as data:
            os.fsync(data.fileno())
    _flush_names(folder)


def _flush_names(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
