"""A verifier's readouts against the same model's zero-shot P(True): `tests.bench.trained_verifier`.

The engine is the one that would serve MODEL: llama_cpp for a GGUF file, of which it shows the last layer, or
huggingface. Layer, penalty, temperature and offset come of cross-validation inside the training rows.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codex import engines
from codex.calibration.calibrator import Metric, MetricName, measured
from codex.calibration.resampling import Resamples, interval
from codex.engines.models import Models
from codex.grounding.trained import WHOLE
from codex.settings import load_settings
from codex.training.readout import fit_readouts, read_prompts, scaled
from tests.bench.line import Line
from tests.bench.trained_verifier import (
    ECE,
    GAIN,
    RESAMPLES,
    SCORED_ON,
    TRAINED_ON,
    answers,
    labelled_of,
    progress,
    report_zero_shot,
    told_metrics,
)

Metrics = dict[MetricName, Metric]


@dataclass(frozen=True, slots=True)
class Found:
    """How the readouts of one number of labels do on the scored rows."""

    labels: int
    metrics: Metrics
    gain: tuple[float, float, float]
    """AUROC above zero-shot, with its 95 % interval."""
    heldout: Metrics
    """Cross-fitted on the training rows."""
    layer: int
    temperature: float
    offset: float
    seconds: float


def compared(
    model: str,
    engine_name: str,
    threads: int,
    counts: Sequence[int],
    told: Path | None,
    scored_rows: int | None,
) -> Iterator[Found]:
    """Readouts for each number of labels, each scored on the same rows."""
    settings = load_settings(
        [f"engine={engine_name}", f"engine.model_path={model}", f"engine.threads={threads}"]
    )
    train_on, score_on = answers(TRAINED_ON).first(max(counts)), answers(SCORED_ON)
    score_on = score_on.first(scored_rows or len(score_on.correct))
    engine = engines.create(engine_name, settings.engine, Models(settings.home))
    started, tell = time.perf_counter(), progress("read")
    try:
        read = read_prompts(
            engine,
            labelled_of(train_on, score_on),
            lambda what, done, total: tell(done, total),
            threading.Event(),
        )
    finally:
        engine.unload()
    n = len(train_on.correct)
    print(f"\n{len(read.zero_shot)} prompts read in {time.perf_counter() - started:.0f} s", flush=True)
    scored = np.arange(n, len(read.zero_shot))
    zero_shot, correct = read.zero_shot[scored], read.labelled.correct[scored]
    report_zero_shot(zero_shot, correct)
    drawn = Resamples(correct, RESAMPLES)
    for count in counts:
        started, own = time.perf_counter(), train_on.first(count)
        fitted = fit_readouts(read.states.of(np.arange(len(own.correct))), own)
        readout = fitted.parts[WHOLE]
        raw = readout.probabilities(read.states.of(scored).vectors(readout.layer, "prompt"))
        odds = np.log(raw) - np.log1p(-raw)
        confidence = scaled(odds, fitted.temperature, fitted.offset)
        gains = (
            drawn.ranking_draws(confidence, ("auroc",))["auroc"]
            - drawn.ranking_draws(zero_shot, ("auroc",))["auroc"]
        )
        metrics = measured(confidence, correct, RESAMPLES)
        before = measured(zero_shot, correct, RESAMPLES)
        found = Found(
            labels=len(own.correct),
            metrics=metrics,
            gain=(metrics["auroc"].value - before["auroc"].value, *(interval(gains) or (np.nan, np.nan))),
            heldout=measured(fitted.heldout, own.correct, RESAMPLES),
            layer=readout.layer,
            temperature=fitted.temperature,
            offset=fitted.offset,
            seconds=time.perf_counter() - started,
        )
        report(found, told)
        yield found


def report(found: Found, told: Path | None) -> None:
    """One line of the curve."""
    gain, low, high = found.gain
    print(
        f"{found.labels} labels, layer {found.layer}: {told_metrics(found.metrics)}; "
        f"gain {gain:+.3f} ({low:+.3f} to {high:+.3f}); cross-fitted {told_metrics(found.heldout)}; "
        f"temperature {found.temperature:.2f}, offset {found.offset:.2f}; {found.seconds:.0f} s",
        flush=True,
    )
    if told:
        row: dict[str, Any] = {
            "method": "readout",
            "labels": found.labels,
            "gain": found.gain,
            "metrics": {name: each.model_dump() for name, each in found.metrics.items()},
            "heldout": {name: each.model_dump() for name, each in found.heldout.items()},
            "layer": found.layer,
            "temperature": found.temperature,
            "seconds": found.seconds,
        }
        with told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def lines(found: Sequence[Found]) -> Iterator[Line]:
    """What is asked of the readout with the most labels."""
    best = max(found, key=lambda each: each.labels)
    how = f"{best.labels} labels of {TRAINED_ON[1]}, scored on {SCORED_ON[1]}"
    low, high = best.gain[1:]
    yield Line("readout verifier above zero-shot", GAIN, best.gain[0], "AUROC", how, (low, high), True)
    ece = best.metrics["ece"]
    yield Line("ECE of the readout verifier", ECE, ece.value, "", how, (ece.low, ece.high))
