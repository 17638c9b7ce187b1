"""What Codex keeps is its owner's alone: files of mode 0600 in folders of mode 0700."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from codex.errors import SettingsError

PARTIAL = ".partial"
"""The folder in the home of files that are still arriving, or wait to be imported; empty at the start."""
SERVED = "server.json"
"""In the home, while a workbench serves it: its address, its process, and its settings."""
UMASK = 0o077
"""For processes of our own; a library must not change its host's."""
FOLDER = 0o700
FILE = 0o600
IN_FILE = "_FILE"
"""Behind the name of an environment variable: the variable that names a file with the secret instead."""
KEPT = (
    "access.sqlite*",
    "adapters",
    "choices.json",
    "codex.duckdb*",
    PARTIAL,
    ".before-restore-*",
    ".restore",
    "cache",
    "datasets",
    "documents",
    "index",
    "models",
    SERVED,
    "verifiers",
)
"""What Codex puts into its home, as patterns. A home may be a folder that holds other things too."""


def secret(name: str) -> str | None:
    """What the environment variable `name` holds, or the file that `name`_FILE names, without white space
    around it; None where neither is there. Raises SettingsError where the file cannot be read.
    """
    given, path = os.environ.get(name, "").strip(), os.environ.get(f"{name}{IN_FILE}")
    if given or not path:
        return given or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{name}{IN_FILE} names {path}, which cannot be read: {error}. Put the secret there, or into "
            f"{name}.",
            [name],
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing; one that is there stays as it is. Raises OSError."""
    try:
        path.mkdir(FOLDER, exist_ok=True)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(FOLDER, exist_ok=True)


def opener(path: str, flags: int) -> int:
    """For `open`: a file that is made is private from its first byte on."""
    return os.open(path, flags | os.O_CLOEXEC, FILE)


def tighten(path: Path, *, deep: bool = False) -> None:
    """Take others' rights from a file, or from a folder and everything below it.

    Of a folder that is private already the content is not looked at, unless `deep`. Links, and what belongs
    to somebody else, are left alone; so is what goes away meanwhile.
    """
    mode = _own_mode(path)
    if mode is None:
        return
    if stat.S_ISDIR(mode) and (deep or mode & UMASK):
        for entry in _entries(path):
            tighten(entry, deep=deep)
    if mode & UMASK:
        _chmod(path, stat.S_IMODE(mode) & ~UMASK)


def tighten_home(home: Path) -> None:
    """Make the home private with all that Codex keeps in it, also one that an older version made."""
    for pattern in KEPT:
        for entry in home.glob(pattern):
            tighten(entry)
    mode = _own_mode(home)
    shared = home == Path.home() or home.parent == home or (mode is not None and mode & stat.S_ISVTX)
    if mode is not None and mode & UMASK and not shared:
        _chmod(home, stat.S_IMODE(mode) & ~UMASK)


def _own_mode(path: Path) -> int | None:
    """The mode of a file or folder of the user's; None for what is to be left alone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    return found.st_mode if ours and found.st_uid == os.geteuid() else None


def _entries(path: Path) -> Iterator[Path]:
    try:
        yield from path.iterdir()
    except OSError:
        return


def _chmod(path: Path, mode: int) -> None:
    try:
        path.chmod(mode, follow_symlinks=False)
    except NotImplementedError:
        path.chmod(mode)
    except OSError:  # gone, or on a file system without modes
        return
