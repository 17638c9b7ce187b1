"""Finds the files of a folder, and says which are left out and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from codex.retrieval.content import FileStamp


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read, or one that is skipped and why."""

    path: Path
    reason: str = ""
    """Empty: to read."""

    @property
    def stamp(self) -> FileStamp:
        """Zeros where it cannot be read."""
        try:
            return FileStamp.of(self.path)
        except OSError:
            return FileStamp(0, 0)


def discover(given: Path, suffixes: Collection[str]) -> Iterator[FoundFile]:
    """The file, or each file of the folder once, in order of names. Hidden ones are ignored.

    Links are followed to files inside the folder only, so that nobody indexes more than they meant to.
    """
    root = given.resolve()
    if not root.is_dir():
        yield _file(root, suffixes)
        return
    seen: set[Path] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            names = sorted(os.listdir(folder), key=os.fsencode)
        except OSError as error:
            yield FoundFile(folder, f"The folder cannot be opened: {error.strerror}.")
            continue
        inner: list[Path] = []
        for name in names:
            path = folder / name
            if name.startswith("."):
                continue
            if path.is_dir() and not path.is_symlink():
                inner.append(path)
                continue
            found = _judged(path, root, suffixes)
            if found is not None and found.path not in seen:
                seen.add(found.path)
                yield found
        waiting += reversed(inner)


def _judged(path: Path, root: Path, suffixes: Collection[str]) -> FoundFile | None:
    """None: a link to a folder that is visited anyway."""
    real = path
    if path.is_symlink():
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return FoundFile(path, "The link is broken, or leads back to itself.")
        if not real.is_relative_to(root):
            return FoundFile(path, f"The link leads out of the folder, to {real}. Add that path instead.")
        if real.is_dir():
            return None
    return _file(real, suffixes)


def _file(path: Path, suffixes: Collection[str]) -> FoundFile:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return FoundFile(path, f"The file cannot be accessed: {error.strerror}.")
    if not stat.S_ISREG(mode):
        return FoundFile(path, "Not a regular file.")
    if path.suffix.lower() not in suffixes:
        kind = f"{path.suffix} files" if path.suffix else "Files without an extension"
        read = ", ".join(sorted(suffix[1:] for suffix in suffixes))
        return FoundFile(path, f"{kind} are not supported, only {read}.")
    return FoundFile(path)
