"""How long a live question takes while an evaluation is under way, beside the same question alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from codex.ask.workbench import Workbench
from codex.evaluation.runner import prepare, run
from codex.jobs import JobProgress
from tests.bench.line import Line, ratio

ENGINES = {"llama_cpp": 7, "huggingface": 5}
"""How often each is measured."""
DATASET = "capitals"
SETTINGS = ("ask.reflect=false", "ask.retrieve=false", "engine.params.max_tokens=48")


def measure(home: Path) -> Iterator[Line]:
    """One line for each engine."""
    for engine, rounds in ENGINES.items():
        # Each with a database of its own, so that the runs are not left in the home.
        database = home / f"live-{engine}.duckdb"
        workbench = Workbench.open([f"home={home}", f"store.path={database}", f"engine={engine}", *SETTINGS])
        workbench.model.load()
        yield ratio(
            f"a live question during a run, {engine}",
            2,
            f"5 samples, 48 tokens; median of {rounds} pairs in turn, during / alone",
            lambda workbench=workbench: _during(workbench),  # type: ignore[misc]
            lambda workbench=workbench: _alone(workbench),  # type: ignore[misc]
            rounds,
        )
        workbench.close()
        database.unlink()


def _alone(workbench: Workbench) -> float:
    started = time.perf_counter()
    workbench.answer("What is the capital of Australia?")
    return time.perf_counter() - started


def _during(workbench: Workbench) -> float:
    """The same in the middle of a run, after its first question."""
    cancel, going = threading.Event(), threading.Event()

    def progress(now: JobProgress) -> None:
        if now.done:
            going.set()

    begun = prepare(workbench, DATASET, n_samples=5)
    thread = threading.Thread(target=run, args=(workbench, begun.id, progress, cancel))
    thread.start()
    going.wait()
    seconds = _alone(workbench)
    cancel.set()
    thread.join()
    return seconds
