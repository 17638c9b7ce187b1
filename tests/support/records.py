"""Runs and records made from a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from codex.types import Record, Run, RunParams, Sampling
from tests.support.traces import make_trace


def make_run(number: int = 1, total: int = 10) -> Run:
    """A run that was begun `number` seconds after a fixed time."""
    return Run(
        id=f"run-{number}",
        name=f"run {number}",
        dataset="capitals",
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        model="scripted:a",
        prompt="0123456789ab",
        params=RunParams(answer=Sampling(temperature=0.0, stop=()), n_samples=3),
        total=total,
    )


def make_record(number: int, correct: bool | None = None, error: str = "") -> Record:
    """A record with everything that an observation can hold; correct every second time unless said."""
    step = make_trace(number, question=f"How far is the moon {number}?").last
    graded = None if error else number % 2 == 0 if correct is None else correct
    return Record(
        id=f"q{number}",
        group="odd" if number % 2 else "even",
        answers=("384,400 km", "one light second"),
        observation=replace(step.observation, question=f"How far is the moon {number}?"),
        signals=step.signals,
        correct=graded,
        grade=None if graded is None else float(graded),
        seconds=0.25,
        error=error,
        grader="" if graded is None else "numeric" if number % 2 else "choice",
        choices=() if number % 2 else ("384,400 km", "one mile"),
        labels=() if number % 2 else ("1", "2"),
    )
