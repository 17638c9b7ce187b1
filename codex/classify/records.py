"""Rows that are done: kept in memory, and in a file where one is named, so that a run resumes.

A line of the file has a row's key, a SHA-256 of all that decides its result, and the probabilities; nothing
of the row itself.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from codex.classify.label_probabilities import Classified
from codex.errors import InvalidInput
from codex.private import make_folder, opener


class Records:
    """Results by key. Thread-safe; a file may be shared by several processes that append to it."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises InvalidInput for a file that holds something else or cannot be read."""
        self.path = path
        self._lock = threading.Lock()
        self._known: dict[str, Classified] = {}
        if path is not None and path.exists():
            self._known = _read(path)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str) -> Classified | None:
        """None: not done yet."""
        return self._known.get(key)

    def put(self, key: str, found: Classified) -> None:
        """Keep a result, in the file at once. Raises InvalidInput where that cannot be written."""
        with self._lock:
            self._known[key] = found
            if self.path is None:
                return
            line = json.dumps(
                {"key": key, "p": found.probabilities, "mass": found.mass, "source": found.source}
            )
            try:
                make_folder(self.path.parent)
                with open(self.path, "ab", opener=opener) as file:
                    # A line that a killed process left unfinished must not swallow this one.
                    torn = file.tell() > 0 and not _ends_a_line(self.path)
                    file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            except OSError as error:
                raise InvalidInput(
                    f"The cache {self.path} cannot be written: {error.strerror or error}.", ["cache"]
                ) from error


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _read(path: Path) -> dict[str, Classified]:
    found: dict[str, Classified] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InvalidInput(
            f"The cache {path} cannot be read: {error.strerror or error}.", ["cache"]
        ) from error
    strange = 0
    for line in filter(None, lines):
        try:
            said = json.loads(line)
            result = Classified(tuple(map(float, said["p"])), float(said["mass"]), said["source"])
            found[str(said["key"])] = result
        except (ValueError, KeyError, TypeError):
            strange += 1
    if strange and not found:
        raise InvalidInput(f"{path} is no cache of classified rows: name another file.", ["cache"])
    return found
