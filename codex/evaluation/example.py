"""The answers that a shipped calibrator was fitted on, as a first run: the pages live from the start."""

from __future__ import annotations

import threading
from contextlib import suppress

from codex.calibration.shipped import shipped_calibrators
from codex.errors import NotFound
from codex.evaluation.imported import import_run
from codex.paths import resources
from codex.store import Store

NAME = "Shipped example"


def load_example(store: Store, model: str, cancel: threading.Event | None = None) -> str | None:
    """Keep the answers of the calibrator that ships for a model as a run; its id, None where there is none.

    Once in the life of a database: a run that was deleted does not come back. model: an engine's fingerprint.
    Raises Cancelled, StoreError.
    """
    calibrator = next((each for each in shipped_calibrators() if each.model == model), None)
    if calibrator is None:
        return None
    (run_id,) = calibrator.runs
    if store.runs.came(run_id):
        return None
    path = resources("datasets") / "answers" / f"{calibrator.name}-{model.partition(':')[0]}.jsonl.gz"
    with suppress(NotFound):  # What an earlier start did not finish.
        store.runs.delete(run_id)
    import_run(store, path, NAME, cancel=cancel, run_id=run_id)
    store.runs.note_came(run_id)
    return run_id
