"""Whether the guarantees of Codex hold, and what they cost in coverage.

    python -m tests.bench.guarantees

The stored answers of one model to three sets of questions, with confidences from fits that did not see them,
are a population whose risk at each threshold is known. From it 400 rows are drawn with replacement, 1,000
times, and a threshold is chosen on each draw. All that for each of ten cross-fits: a figure is their mean,
with the smallest and the largest in brackets. Needs the folder that `tests.support.frozen` reads.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.calibration.prediction_sets import ConformalPredictor
from tests.bench.line import Line
from tests.support.draws import broken, stored_answers, stored_shares
from tests.support.shared_data import add_option, shared_data

DELTA = 0.05
DRAWS = 1_000
LABELS = 400
SETS = 2_000


def measure(home: Path | None = None) -> Iterator[Line]:
    """Two lines for each alpha, and one for the coverage of prediction sets; `home` is not used."""
    if not shared_data("frozen").exists():
        print("guarantees: left out; it takes --data FOLDER with frozen.")
        return
    confidences, correct = stored_answers(repeats=10)
    allowed = DELTA + 2 * math.sqrt(DELTA * (1 - DELTA) / DRAWS)
    for alpha in (0.1, 0.2, 0.3):
        runs = [
            broken(confidence, correct, alpha, DELTA, draws=DRAWS, labels=LABELS, seed=seed)
            for seed, confidence in enumerate(confidences)
        ]
        how = f"{len(runs)} x {DRAWS} draws of {LABELS} of {len(correct)} rows, delta {DELTA}"
        yield _mean(f"guarantees broken, alpha {alpha}", allowed, [run.broken / DRAWS for run in runs], how)
        best = statistics.mean(run.best for run in runs)
        refused = statistics.mean(run.refused / DRAWS for run in runs)
        yield _mean(
            f"coverage, alpha {alpha}, best possible {best:.3f}",
            0.6 * best,
            [run.coverage for run in runs],
            f"the same draws; no guarantee in {refused:.0%}",
            at_least=True,
        )
    shares, _ = stored_shares()
    simulated = np.random.default_rng(1).binomial(10, np.random.default_rng(2).beta(1, 1, 20_000)) / 10
    for alpha in (0.1, 0.3, 0.5):
        for name, population in (("stored", shares), ("simulated", simulated)):
            off = 100 * abs(_covered(population, alpha) - (1 - alpha))
            yield Line(
                f"prediction sets off {1 - alpha:.0%}, {name}",
                1.0,
                off,
                "points",
                f"{SETS} draws of 199 questions, ten samples each; the others judge",
            )


def _covered(shares: NDArray[np.float64], alpha: float) -> float:
    """Mean share of sets that hold the correct answer."""
    rng = np.random.default_rng(0)
    held = []
    for draw in range(SETS):
        order = rng.permutation(len(shares))
        sets = ConformalPredictor.of(shares[order[:199]], alpha, seed=draw)
        held.append(sets.holds(shares[order[199:]], rng.random(len(shares) - 199)).mean())
    return float(np.mean(held))


def _mean(name: str, bound: float, figures: list[float], how: str, at_least: bool = False) -> Line:
    spread = (min(figures), max(figures))
    return Line(name, bound, statistics.mean(figures), "", how, spread, at_least=at_least)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guarantees", description=__doc__)
    add_option(parser, "frozen")
    parser.parse_args()
    missed = 0
    for line in measure():
        missed += not line.reached
        print(f"{line.name}: {line.shown} (asked {line.asked}; {line.how})")
    sys.exit(bool(missed))
