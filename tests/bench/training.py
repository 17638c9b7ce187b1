"""Codex's own training loop against the Trainer of Transformers: tokens a second, and memory.

python -m tests.bench training
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.line import Line, median

ROUNDS = 3
WARM = 2
"""Updates that do not count."""
STEPS = 8
"""Updates that do."""
ROWS = 64
LONGEST = 64
"""Tokens of a row; the shortest has 4."""


class _Run(NamedTuple):
    rate: float
    """Tokens a second."""
    peak: float
    """The largest resident memory of the process, in MB."""
    loss: float
    """Of the last update."""


def measure(home: Path) -> Iterator[Line]:
    """SmolLM2-135M with an adapter, in a process of its own each time, the engines in turn."""
    found: dict[str, list[_Run]] = {"loop": [], "hf": []}
    for turn in range(ROUNDS):
        for engine in ("loop", "hf") if turn % 2 == 0 else ("hf", "loop"):
            found[engine].append(_apart(home, engine))
    pairs = list(zip(found["loop"], found["hf"], strict=True))
    rate = statistics.median(run.rate for run in found["loop"])
    how = f"SmolLM2-135M, LoRA of rank 16, fp32, 4 rows x 2, {STEPS} updates, {ROUNDS} pairs of processes"
    yield _at_least(
        "own loop over Trainer: tokens a second", 0.95, f"{how}; {rate:,.0f} tokens a second", pairs
    )
    yield median(
        "own loop over Trainer: peak memory",
        1.0,
        "x",
        how,
        [ours.peak / theirs.peak for ours, theirs in pairs],
    )
    apart = max(abs(ours.loss - theirs.loss) / theirs.loss for ours, theirs in pairs)
    yield Line("own loop and Trainer: losses apart", 1e-3, apart, "", how)


def _at_least(name: str, bound: float, how: str, pairs: list[tuple[_Run, _Run]]) -> Line:
    ratios = [ours.rate / theirs.rate for ours, theirs in pairs]
    return Line(name, bound, statistics.median(ratios), "x", how, (min(ratios), max(ratios)), at_least=True)


def _apart(home: Path, engine: str) -> _Run:
    """A training in a new process, whose peak of memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_trained, (home, engine))


def _trained(home: Path, engine: str) -> _Run:
    from codex.engines.huggingface.loading import HuggingFaceConfig
    from codex.engines.models import Models
    from codex.training import hf, loop
    from codex.training.base_model import load_base, trainable
    from codex.training.batches import RowBatches
    from codex.training.config import TrainConfig
    from codex.training.data import answer_loss
    from codex.training.state import Step, Training
    from tests.support.tiny_llama import TinyRows

    config = TrainConfig(precision="fp32", batch_size=4, accumulate=2, steps=WARM + STEPS)
    base = load_base(HuggingFaceConfig(threads=2, device="cpu"), Models(home), config)
    training = Training.begin(trainable(base.loaded.model, config), config, WARM + STEPS)
    batches = RowBatches(TinyRows(ROWS, vocabulary=49_000, longest=LONGEST), config.batch_size, config.seed)
    ends: list[tuple[float, Step]] = []

    def after(step: Step) -> bool:
        ends.append((time.perf_counter(), step))
        return True

    {"loop": loop.train, "hf": hf.train}[engine](training, batches, answer_loss, config, after)
    seconds = ends[-1][0] - ends[WARM - 1][0]
    tokens = sum(step.tokens for _, step in ends[WARM:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _Run(tokens / seconds, peak, ends[-1][1].loss)
