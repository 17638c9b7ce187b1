"""A random model of this machine, and runs of its answers that a verifier learns to tell apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from codex import prompts
from codex.ask.workbench import Workbench
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.models import Models
from codex.settings import load_settings
from codex.store import Store
from codex.types import Generation, Observation, Record, Run, RunParams
from tests.support.tiny_model import tiny_model

N = 100


def random_workbench(home: Path, *overrides: str) -> Workbench:
    """A workbench with a random model of two layers, in a home of its own."""
    model = tiny_model(home / "tiny", layers=2)
    settings = load_settings(
        [
            *(f"home={home}", "engine=huggingface", f"engine.model_path={model}"),
            *("engine.dtype=float32", "engine.threads=1", *overrides),
        ]
    )
    engine = HuggingFaceEngine(settings.engine, Models(home))  # type: ignore[arg-type]
    return Workbench(settings, engine, Store(settings.database))


def put_colours(
    store: Store, model: str, run_id: str = "colours", correct: Callable[[int], bool] = lambda at: at % 3 == 0
) -> Run:
    """Put a run of graded answers by that model into a store: green is correct, purple is not."""
    now = datetime.now(UTC)
    run = Run(run_id, run_id, "colours", now, model, prompts.fingerprint(), RunParams(), N)
    store.runs.create(run)
    store.runs.add(run_id, [answered(at, correct=correct(at)) for at in range(N)])
    store.runs.finish(run_id, "done")
    return run


def answered(number: int, *, correct: bool) -> Record:
    """The answer to one of N questions."""
    return Record(
        id=f"q{number}",
        group="colours",
        answers=("green",),
        observation=Observation(
            f"What is colour number {number}?",
            Generation("green" if correct else "purple", (), "stop", 1, 0.1),
        ),
        signals={},
        correct=correct,
        grade=float(correct),
        seconds=0.1,
    )
