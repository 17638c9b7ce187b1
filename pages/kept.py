"""Results that took seconds, kept in the home for the next start."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import codex
from codex.private import make_folder
from codex.text import sha256

T = TypeVar("T")
MOST = 512
"""Results that are kept; the oldest are forgotten."""

log = logging.getLogger(__name__)


class Kept:
    """Texts in a folder, by key. What another version of Codex computed is not found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def recall(
        self, key: str, compute: Callable[[], T], write: Callable[[T], str], read: Callable[[str], T]
    ) -> T:
        """What was kept under a key, which stands for all that it depends on; else compute and keep it."""
        path = self.folder / f"{sha256(f'{_sources()} {key}')[:32]}.json"
        try:
            return read(path.read_text("utf-8"))
        except (OSError, ValueError):
            value = compute()
        try:
            make_folder(self.folder)
            partial = path.with_suffix(".part")
            partial.write_text(write(value), "utf-8")
            partial.replace(path)
            self._forget()
        except OSError as error:  # A full disk costs the time only.
            log.warning("%s is not kept: %s", path, error)
        return value

    def _forget(self) -> None:
        files = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-MOST]:
            path.unlink(missing_ok=True)


@cache
def _sources() -> str:
    """Changes whenever any code does that results could depend on."""
    digest = hashlib.sha256()
    for path in sorted(Path(codex.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
