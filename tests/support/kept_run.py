"""What tests of the Tune page share: a run with known answers in the store."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from codex.store import Store
from codex.types import Generation, Observation, Record, Run, RunParams

GROUP = "invented"
HOSTILE = "<img src=x onerror=window.hacked=1>\u202e${window.hacked=1}"


def keep_run(
    store: Store,
    run_id: str = "r1",
    name: str = "invented sums",
    n: int = 200,
    *,
    model: str = "scripted",
    seed: int = 4,
    seconds: float = 0.1,
) -> None:
    """A run whose n answers have confidence 1/n, 2/n, ... 1, and are as often correct.

    That is the support by passages: without another signal of the prior the estimate is that.
    seed: which of them are; seconds: that each question took.
    """
    seeded = np.random.default_rng(seed)
    confidence = np.arange(1, n + 1) / n
    correct = seeded.random(n) < confidence
    store.runs.create(
        Run(run_id, name, GROUP, datetime.now(UTC), model, "prompt", RunParams(n_samples=0), n, "running")
    )
    records = [
        Record(
            id=f"q{i}",
            group=GROUP,
            answers=("1",),
            observation=Observation(
                question=HOSTILE if i == n // 2 else f"What is {i} plus {i}?",
                generation=Generation(f"It is {2 * i}.", (), "stop", 1, 0.1),
            ),
            signals={
                "evidence_support": float(confidence[i]),
                "avg_logprob": float(np.log(confidence[i])),
                "entropy": float(4 * (1 - confidence[i])),
                "top1_prob": float(confidence[i]),
            },
            correct=bool(correct[i]),
            grade=float(correct[i]),
            seconds=seconds,
        )
        for i in seeded.permutation(n)
    ]
    store.runs.add(run_id, records)
    store.runs.finish(run_id, "done")
