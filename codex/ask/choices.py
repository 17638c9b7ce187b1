"""What people chose on the pages, kept in the home, so that a restart asks nothing again."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Literal

from codex.errors import StoreError
from codex.private import make_folder, opener

FILE = "choices.json"

Name = Literal["privacy", "evidence"]

log = logging.getLogger(__name__)


class Choices:
    """Choices by name, in one small JSON file. Thread-safe; read anew each time."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self._lock = threading.Lock()

    def get(self, name: Name) -> str | None:
        """What was chosen; None: nothing yet, or the file cannot be read."""
        value = self._read().get(name)
        return value if isinstance(value, str) else None

    def put(self, name: Name, value: str) -> None:
        """Keep a choice. Raises StoreError."""
        with self._lock:
            text = json.dumps(self._read() | {name: value}, indent=2)
            partial = self.path.with_suffix(".part")
            try:
                make_folder(self.path.parent)
                with open(partial, "w", encoding="utf-8", opener=opener) as file:
                    file.write(text)
                partial.replace(self.path)
            except OSError as error:
                raise StoreError(
                    f"The choice cannot be kept in {self.path}: {error.strerror}. Free some disk space or "
                    "fix the permissions of the home folder."
                ) from error

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read, so nothing counts as chosen: %s", self.path, error)
            return {}
        return found if isinstance(found, dict) else {}
