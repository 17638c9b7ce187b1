"""The documents of the demo: a few pages that ship, in an index of their own."""

from __future__ import annotations

import threading

from codex.ask.workbench import Workbench
from codex.paths import resources
from codex.retrieval import Index
from codex.retrieval.config import RetrievalConfig

FOLDER = "demo"
PASSAGES = 1
"""That go into the prompt: the default model loses itself in more."""


class DemoDocuments:
    """The index, built at first use under the home's cache. The user's own documents are left alone."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._index: Index | None = None
        self._lock = threading.Lock()

    def index(self) -> Index:
        """Raises RetrievalError, ModelError."""
        with self._lock:
            if self._index is None:
                settings = self._workbench.settings
                config = RetrievalConfig(device=settings.retrieval.device, k=PASSAGES)
                index = Index(config, settings.home / "cache" / FOLDER)
                index.add([resources("datasets") / FOLDER / "documents"])
                index.run(check=True)
                self._index = index
            return self._index

    def close(self) -> None:
        """Give files and embedding back."""
        with self._lock:
            if self._index is not None:
                self._index.close()
                self._index = None
