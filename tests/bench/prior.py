"""What the prior is worth before the first label, and what fits that are held to it are worth with a few.

    python -m tests.bench.prior [--data FOLDER]

Each stored set is scored by a prior fitted on the answers under datasets/answers without that set, by one
without that model, and by one without its kin either. Labels are drawn from the set, 16 times over; the
other answers are scored by the prior alone, by a fit to the labels alone and by a fit that is held to the
prior. Beside the mean AUROC stand the 2.5 % and 97.5 % quantiles of the draws, with no label those of
bootstrapped answers.

    python -m tests.bench.prior --collect MODEL_SET.jsonl.gz ...

writes the signals of answers that `codex export` wrote to datasets/answers/prior.jsonl.gz, and

    python -m tests.bench.prior --fit

fits the prior that ships to that file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex.calibration import SIGNALS, Design, fit, metrics
from codex.calibration.prior import FILE, LIKE, Prior
from codex.evaluation.generations import read
from codex.outputs import output
from codex.signals import REGISTRY, compute
from codex.signals.text import normalise
from codex.text import sha256
from tests.bench.line import Line
from tests.support.frozen import frozen_answers
from tests.support.prior_answers import PRIOR_ANSWERS, PriorAnswers, prior_answers
from tests.support.shared_data import add_option, shared_data

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIGNS = {name: 1 if signal.higher_is_confident else -1 for name, signal in REGISTRY.items()}
SCORED: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "arithmetic": (("qwen15-arithmetic",), ("arithmetic",), "Qwen2.5-Coder-1.5B"),
    "countries": (("qwen15-countries",), ("countries",), "Qwen2.5-Coder-1.5B"),
    "triviaqa": (("qwen15-triviaqa",), ("triviaqa",), "Qwen2.5-Coder-1.5B"),
    "SmolLM2's countries": (("smol-countries",), ("countries",), "SmolLM2-135M"),
    "triviaqa, both files": (("qwen15-triviaqa", "qwen15-triviaqa-2"), ("triviaqa",), "Qwen2.5-Coder-1.5B"),
    "all of Qwen": (
        ("qwen15-arithmetic", "qwen15-countries", "qwen15-triviaqa", "qwen15-triviaqa-2"),
        ("arithmetic", "countries", "triviaqa"),
        "Qwen2.5-Coder-1.5B",
    ),
}
"""Files, sets of the prior that hold the same kind of questions, and the model."""
SINGLE = ("arithmetic", "countries", "triviaqa", "SmolLM2's countries")
"""Those of the folder frozen, a file each."""
LEFT_OUT = ("set", "model", "family")
"""Of the prior: the scored set, the scored model, or that and its kin."""
NONE = Design(terms=())
LABELS = (30, 100, 200, 300, 1000)
LEFT = 40
"""Rows that must be left to score."""
DRAWS = 16
WORSE = 0.005
GAIN = 0.02
TRIVIAQA = 0.857


@dataclass(frozen=True)
class Stored:
    """A scored set."""

    columns: dict[str, Array]
    correct: Flags

    @property
    def n(self) -> int:
        return len(self.correct)

    def of_rows(self, rows: Flags) -> Stored:
        return Stored({name: column[rows] for name, column in self.columns.items()}, self.correct[rows])


def rule_of_thumb(columns: dict[str, Array]) -> Array:
    """[n]: what was shown before there was a prior: the mean of the weakest token and the agreement."""
    return (columns["min_prob_focus"] + columns["answer_frequency_focus"]) / 2


def stored(name: str) -> Stored:
    """Skips, as tests do, where the folder is absent."""
    parts = [frozen_answers(file) for file in SCORED[name][0]]
    rows = [row for signals, _ in parts for row in signals]
    columns = {
        signal: np.array([np.nan if (value := row[signal]) is None else value for row in rows])
        for signal in SIGNS
    }
    return Stored(columns, np.concatenate([correct for _, correct in parts]))


def prior_without(name: str, left_out: str) -> Prior:
    """Fitted on the answers that ship, but for those of the scored set or of the scored model's family."""
    answers = prior_answers()
    _, sets, model = SCORED[name]
    if left_out == "set":
        return answers.of_rows(~np.isin(answers.sets, sets)).fitted()
    begin = model if left_out == "model" else model.partition("-")[0]
    return answers.of_rows(~np.char.startswith(answers.models, begin)).fitted()


@dataclass(frozen=True)
class Cell:
    """One set with one number of labels: AUROC of each draw."""

    name: str
    left_out: str
    labels: int
    rule: Array
    prior: Array
    own: Array
    """Of fits to the labels alone; of none without a label."""
    held: Array
    """Of fits that are held to the prior; of the prior without a label."""
    excess: Array
    """Their calibration error above that of perfect probabilities."""


def cells(draws: int = DRAWS) -> Iterator[Cell]:
    """The label curves of every set, with each prior."""
    for name in SCORED:
        data, priors = stored(name), {left_out: prior_without(name, left_out) for left_out in LEFT_OUT}
        for left_out, prior in priors.items():
            yield _unlabelled(name, left_out, data, prior.confidences(data.columns, data.n))
        for labels in LABELS:
            if data.n - labels >= LEFT:
                yield from _labelled(name, data, priors, labels, draws)


def _unlabelled(name: str, left_out: str, data: Stored, estimate: Array) -> Cell:
    rng = np.random.default_rng(0)
    rule, found = rule_of_thumb(data.columns), []
    for draw in range(1000):
        rows = rng.integers(data.n, size=data.n) if draw else np.arange(data.n)
        correct = data.correct[rows]
        found.append((metrics.auroc(rule[rows], correct), metrics.auroc(estimate[rows], correct)))
    old, new = np.array(found).T
    excess = np.array([metrics.ece_excess(estimate, data.correct)])
    return Cell(name, left_out, 0, old, new, np.empty(0), new, excess)


def _labelled(name: str, data: Stored, priors: dict[str, Prior], labels: int, draws: int) -> Iterator[Cell]:
    rule = rule_of_thumb(data.columns)
    designs = {"": NONE, **{left_out: prior.design for left_out, prior in priors.items()}}
    found: dict[str, list[tuple[float, ...]]] = {left_out: [] for left_out in priors}
    for draw in range(draws):
        rows = np.random.default_rng(draw).permutation(data.n) < labels
        known, rest = data.of_rows(rows), data.of_rows(~rows)
        if known.correct.all() or not known.correct.any():
            continue
        judged = {
            of: fit(known.columns, known.correct, signs=SIGNS, repeats=0, prior=design).confidences(
                rest.columns
            )
            for of, design in designs.items()
        }
        for left_out, prior in priors.items():
            ranked = (
                metrics.auroc(each, rest.correct)
                for each in (
                    rule[~rows],
                    prior.confidences(rest.columns, rest.n),
                    judged[""],
                    judged[left_out],
                )
            )
            found[left_out].append((*ranked, metrics.ece_excess(judged[left_out], rest.correct)))
    for left_out, rows_of in found.items():
        yield Cell(name, left_out, labels, *np.array(rows_of).T)


def measure(home: Path | None = None) -> Iterator[Line]:
    """The part of `make bench`; `home` is not used."""
    if not shared_data("frozen_more").exists():
        print("prior: left out; it takes --data FOLDER with frozen and frozen_more.")
        return
    curves = list(cells())
    for left_out in LEFT_OUT:
        yield from lines([cell for cell in curves if cell.left_out == left_out])
    yield from _own_rows()


def lines(curves: list[Cell]) -> Iterator[Line]:
    """What was asked of the curves of one prior."""
    left_out = f"{curves[0].left_out} left out"
    single = [cell for cell in curves if cell.labels == 0 and cell.name in SINGLE]
    gains = np.mean([cell.prior - cell.rule for cell in single], axis=0)
    how = f"{left_out}; mean over the {len(single)} sets of frozen"
    yield Line("AUROC above the rule of thumb, no label", GAIN, gains[0], "", how, _ends(gains), True)
    for cell in curves:
        ends = _ends(cell.held)
        if not cell.labels:
            how = f"{left_out}; rule {cell.rule[0]:.3f}, excess ECE {cell.excess[0]:.3f}"
            bound = cell.rule[0] - WORSE
            yield Line(f"AUROC, {cell.name}, no label", bound, cell.prior[0], "", how, ends, True)
            continue
        rule, prior, own = (each.mean() for each in (cell.rule, cell.prior, cell.own))
        how = f"{left_out}; rule {rule:.3f}, prior {prior:.3f}, own fit {own:.3f}, "
        how += f"excess ECE {cell.excess.mean():.3f}"
        name, bound = f"AUROC, {cell.name}, {cell.labels} labels", max(prior, own) - WORSE
        yield Line(name, bound, cell.held.mean(), "", how, ends, True)


def _own_rows() -> Iterator[Line]:
    """TriviaQA from its own 300 rows, cross-fitted."""
    data = stored("triviaqa")

    def ranked(prior: Design) -> list[float]:
        made = fit(data.columns, data.correct, signs=SIGNS, prior=prior)
        return [metrics.auroc(row, data.correct) for row in made.crossfitted]

    own = np.mean(ranked(NONE))
    for left_out in LEFT_OUT:
        held = ranked(prior_without("triviaqa", left_out).design)
        how = f"{left_out} left out; cross-fitted 5 x 10; the own fit alone {own:.3f}"
        name, ends = "AUROC, triviaqa from its own 300 rows", (min(held), max(held))
        yield Line(name, TRIVIAQA, float(np.mean(held)), "", how, ends, True)


def _ends(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def collect(files: list[Path]) -> int:
    """Write the signals of stored answers to the file that ships; returns how many.

    Questions of the sets that ship are left out: the shipped calibrators are proven on them.
    """
    asked = set()
    for file in PRIOR_ANSWERS.parent.parent.glob("*.jsonl"):
        with file.open(encoding="utf-8") as lines:
            asked |= {normalise(json.loads(line)["question"]) for line in lines}
    names = [*SIGNALS, *LIKE.values(), "answer_frequency_focus"]
    written = 0
    with output(PRIOR_ANSWERS) as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        for file in files:
            found = re.fullmatch(r"([^_]+)_([^_]+)\.jsonl\.gz", file.name)
            if found is None:
                raise SystemExit(f"{file.name} is not MODEL_SET.jsonl.gz.")
            for each in read(file):
                if each.correct is None or normalise(each.observation.question) in asked:
                    continue
                measured = compute(each.observation)
                kept = {name: value for name in names if (value := measured[name]) is not None}
                row = {
                    "model": found[1],
                    "set": found[2],
                    "id": each.id,
                    "question": sha256(normalise(each.observation.question))[:16],
                    "correct": each.correct,
                    "signals": {name: float(f"{value:.5g}") for name, value in kept.items()},
                }
                packed.write((json.dumps(row) + "\n").encode())
                written += 1
    return written


def fit_shipped() -> PriorAnswers:
    """Fit the prior that ships, and write it."""
    answers = prior_answers()
    text = answers.fitted().model_dump_json(indent=2)
    with output(FILE) as raw:
        raw.write((text + "\n").encode())
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.prior",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_option(parser, "frozen and frozen_more")
    parser.add_argument("--collect", type=Path, nargs="+", metavar="FILE", help="write the file of signals")
    parser.add_argument("--fit", action="store_true", help="fit the prior that ships to it")
    given = parser.parse_args()
    if given.collect:
        print(f"{collect(given.collect)} answers in {PRIOR_ANSWERS}")
        prior_answers.cache_clear()
    if given.fit:
        print(f"fitted on {len(fit_shipped().correct)} answers: {FILE}")
    if given.collect or given.fit:
        return 0
    found = list(measure())
    table = Table("what", "asked", "got", "", "how measured", box=None)
    for line in found:
        table.add_row(line.name, line.asked, line.shown, "reached" if line.reached else "MISSED", line.how)
    Console(width=170).print(table)
    return 0 if all(line.reached for line in found) else 1


if __name__ == "__main__":
    sys.exit(main())
