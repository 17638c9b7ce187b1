"""The answers of a run, verified again by a trained verifier."""

from __future__ import annotations

import threading
from collections.abc import Callable

from codex import prompts
from codex.engines.base import Engine
from codex.errors import Cancelled, Conflict, InvalidInput
from codex.grounding.form import Form
from codex.grounding.trained import InUse
from codex.grounding.verifier import verify
from codex.signals.verifier import verdict_probability
from codex.store import Store
from codex.store.evaluation.records import Verified
from codex.types import Run


def verify_run(
    store: Store,
    run: Run,
    engine: Engine,
    form: Form,
    in_use: InUse,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Put the verdicts of a trained verifier in the place of a run's own, and `p_true` with them.

    engine: the one that verifies. Loads its model and lets it go, unless it was loaded before. An answer for
    which the verifier does not hold has no `p_true`. Raises InvalidInput where it holds for none; Conflict
    while the run goes on; AdapterError, ModelError; Cancelled, with nothing kept.
    """
    if why := in_use.verifier.mismatch(engine, form):
        raise InvalidInput(f"{in_use.verifier.version} does not verify these answers. {why}", ["version"])
    if run.origin.follows:
        raise InvalidInput(
            f"The run {run.name} asked follow-ups, whose turns are not kept: verify first questions.", ["run"]
        )
    if run.state == "running":
        raise Conflict(f"The run {run.name} is still running. Wait for it, or cancel it.")
    found: dict[str, Verified] = {}
    was_loaded = engine.is_loaded
    if in_use.adapters:
        engine.use_adapters(in_use.adapters)
    try:
        for done, record in enumerate(store.runs.records(run.id), 1):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The verification was cancelled; the run is as it was.")
            observation = record.observation
            if not record.error and observation.generation.text.strip():
                conversation = prompts.ask(observation.question, observation.passages)
                verdict = verify(engine, observation, conversation, form, cancel, in_use)
                counts = verdict.is_reliable and verdict.trained == in_use.verifier.version
                value = verdict_probability(verdict) if counts else None
                found[record.id] = Verified(verdict, value)
            if progress is not None:
                progress(done)
    finally:
        if not was_loaded:
            engine.unload()
    store.runs.add_verdicts(run.id, in_use.verifier.version, found)
