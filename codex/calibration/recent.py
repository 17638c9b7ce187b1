"""The newest answers under a calibrator, held against those that it was fitted on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping

from codex.calibration import Calibrator
from codex.calibration.drift import EVERY, WINDOW, Drift, Reference

Signals = Mapping[str, float | None]


class Stream:
    """Tells when answers move away from what a calibrator saw; looks at every EVERY-th. Thread-safe."""

    def __init__(self, calibrator: Calibrator, newest: Iterable[Signals] = (), seen: int = 0) -> None:
        """newest: answers under this calibrator that are stored, oldest first; seen: how many there are."""
        self.calibrator = calibrator
        kept = calibrator.reference
        self._reference = None if kept is None else Reference.model_validate(kept)
        self._lock = threading.Lock()
        self._newest: deque[Signals] = deque(newest, maxlen=WINDOW + EVERY)
        self._seen = max(seen, len(self._newest))
        self._drift = self._look()

    @property
    def drift(self) -> Drift | None:
        """What the newest look found, or the first that detected; None where there is no reference."""
        return self._drift

    def add(self, signals: Signals) -> None:
        """One more answer."""
        with self._lock:
            self._newest.append(dict(signals))
            self._seen += 1
            if self._seen % EVERY == 0 and not (self._drift and self._drift.detected):
                self._drift = self._look()

    def _look(self) -> Drift | None:
        if self._reference is None:
            return None
        columns = {
            name: [float("nan") if (value := row.get(name)) is None else value for row in self._newest]
            for name in self._reference.signals
        }
        return self._reference.compare(columns, seen=self._seen)
