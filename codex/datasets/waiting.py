"""Files of questions that wait in the home until it is said what their columns hold."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from codex.errors import InvalidInput, NotFound
from codex.private import PARTIAL, make_folder

DRAFT = re.compile(r"[A-Za-z0-9-]{1,64}")
"""What the one who sends a file may call it."""
SECONDS = 3600
"""A file waits, counted from when it was last looked at."""
MOST = 8
"""Files that wait; the one that was not looked at for longest goes first."""


def keep(path: Path, draft: str, home: Path) -> Path:
    """Take a file over, instead of what waits under that name, and return where it is.

    Raises InvalidInput, OSError.
    """
    folder = _folder(draft, home)
    discard(draft, home)
    make_folder(folder)
    sweep(home)
    return path.rename(folder / path.name)


def find(draft: str, home: Path) -> Path:
    """The file that waits under that name. Raises NotFound, InvalidInput."""
    sweep(home)
    folder = _folder(draft, home)
    with suppress(OSError, StopIteration):
        file = next(folder.iterdir())
        folder.touch()
        return file
    raise NotFound(
        "The file is no longer here: it was imported or cancelled, or nobody looked at it for an hour. "
        "Upload it again."
    )


def discard(draft: str, home: Path) -> None:
    """Delete the file that waits under that name, if there is one. Raises InvalidInput."""
    folder = _folder(draft, home)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


def sweep(home: Path, now: float | None = None) -> None:
    """Delete what waits too long. now: seconds since the epoch; None: the clock's."""
    ages: list[tuple[float, Path]] = []
    with suppress(FileNotFoundError):
        for folder in (home / PARTIAL / "datasets").iterdir():
            with suppress(FileNotFoundError):
                ages.append(((time.time() if now is None else now) - folder.stat().st_mtime, folder))
    for at, (age, folder) in enumerate(sorted(ages)):
        if at >= MOST or age > SECONDS:
            discard(folder.name, home)


def _folder(draft: str, home: Path) -> Path:
    if not DRAFT.fullmatch(draft):
        raise InvalidInput(
            f"{draft[:80]!r} is no name of a draft: use up to 64 letters, digits and -.", ["draft"]
        )
    return home / PARTIAL / "datasets" / draft
