"""The active trained verifier: the one place that says and changes which it is."""

from __future__ import annotations

import shutil
from pathlib import Path

from codex.engines.huggingface.adapters import read_manifest
from codex.grounding.readout import FILE, read_readouts
from codex.grounding.trained import InUse, TrainedVerifier
from codex.store import Store
from codex.store.versions.versions import SavedVersion


class ActiveVerifier:
    """Which trained verifier is asked from the next question on, where it holds. Thread-safe."""

    def __init__(self, store: Store, home: Path) -> None:
        """home: where the weights lie. What was activated last is active."""
        self._store, self._home = store, home
        self._in_use = self._read(store.verifiers.active())

    @property
    def in_use(self) -> InUse | None:
        """None: the model is asked as it is."""
        return self._in_use

    def activate(self, version: str | None) -> None:
        """Activate a saved verifier from the next question on; None: none.

        Raises NotFound; AdapterError where weights of its folder are missing or damaged.
        """
        if version is not None:
            check_weights(self._home, stored(self._store.verifiers.load(version)))
        self._store.verifiers.activate(version)
        self._in_use = self._read(self._store.verifiers.active())

    def rollback(self) -> None:
        """Undo the last activation. Raises Conflict when there was none."""
        self._in_use = self._read(self._store.verifiers.rollback())

    def delete(self, version: str) -> None:
        """Delete a verifier with its weights. Raises NotFound; Conflict when it is active."""
        verifier = stored(self._store.verifiers.load(version))
        self._store.verifiers.delete(version)
        shutil.rmtree(InUse(verifier, self._home).folder, ignore_errors=True)

    def _read(self, saved: SavedVersion | None) -> InUse | None:
        return InUse(stored(saved), self._home) if saved else None


def stored(saved: SavedVersion) -> TrainedVerifier:
    """What was saved of a verifier."""
    return TrainedVerifier.model_validate_json(saved.body)


def check_weights(home: Path, verifier: TrainedVerifier) -> None:
    """Raises AdapterError where one of its adapters or readouts is missing or cannot be read."""
    in_use = InUse(verifier, home)
    if verifier.method == "readout":
        read_readouts(in_use.folder / FILE, verifier.weights, verifier.folds)
    for adapter in in_use.adapters:
        read_manifest(adapter)
