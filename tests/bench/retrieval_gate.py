"""P(IK) as a gate before the first answer, against the signals of that answer.

    python -m tests.bench.retrieval_gate MODEL.gguf --keep FOLDER [--set nq|popqa] [--questions 300]

Each question is answered twice, without passages and with its own ones, both at temperature 0. Then k of the
n questions are retrieved for, the least confident first: the gain is what that adds to the share of correct
answers, and the area is the mean gain over k = 0 to n. P(IK) is read from the question alone, by probes that
did not see its fold, on hidden states of the engine named by --engine; the signals take the whole first
answer. Intervals are 95 %, by a bootstrap over the questions. --keep: what was answered and read there is not
answered and read again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex import prompts, signals
from codex.calibration.metrics import auroc
from codex.engines.base import Engine, GenerationParams
from codex.signals import REGISTRY
from codex.signals.probes import fold_of
from codex.training.probe import LAYERS
from codex.training.probe_fit import FOLDS, fit_probe
from codex.training.probe_states import States
from codex.types import Observation, Passage
from tests.bench import kept
from tests.bench.kept import Row
from tests.bench.line import Line
from tests.support.frozen import is_correct
from tests.support.shared_data import add_option, shared_data

Array = NDArray[np.float64]
NEW_TOKENS = 32
PASSAGES = 2
"""At most, of PopQA's that support the answer."""
RESAMPLES = 2000
LEAD = 0.05
"""By which P(IK)'s area should be above that of the best signal."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.retrieval_gate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--set", choices=("nq", "popqa"), default="nq")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--engine", choices=("llama_cpp", "huggingface"), default="huggingface")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "nq_gold_passage and popqa")
    given = parser.parse_args()
    given.keep.mkdir(parents=True, exist_ok=True)
    wanted = chosen(given.set, given.questions)
    rows = kept.rows(
        given.keep / f"{given.set}.jsonl",
        wanted,
        lambda: kept.engine_of("llama_cpp", given.model, given.threads),
        _answered,
    )
    vectors, layers = states(given.model, given.engine, wanted, given.threads, given.keep, given.set)
    line = told(rows, vectors, layers, f"{len(rows)} of {given.set}, {given.engine}")
    print(line)
    return 0 if line.reached else 1


def chosen(name: str, count: int) -> list[Row]:
    """Questions with their passages, in the order of their hashes."""
    found = list(_nq() if name == "nq" else _popqa())
    return sorted(found, key=lambda row: hashlib.sha256(row["id"].encode()).hexdigest())[:count]


def _nq() -> Iterator[Row]:
    with gzip.open(shared_data("nq_gold_passage", "questions.jsonl.gz"), "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            yield row | {"passages": [(row["title"], row["context"])]}


def _popqa() -> Iterator[Row]:
    with gzip.open(shared_data("popqa", "passages.jsonl.gz"), "rt", encoding="utf-8") as file:
        passages = {row["pid"]: row for row in map(json.loads, file)}
    for line in shared_data("popqa", "with_passages.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        own = [passages[each["pid"]] for each in row["passages"] if each["supporting"]][:PASSAGES]
        if own:
            yield row | {"passages": [(each["title"], each["text"]) for each in own]}


def _answered(engine: Engine, row: Row) -> Row:
    """{id, question, text, correct, text_with, correct_with, signals}; "with": with passages."""
    question, params = row["question"], GenerationParams(max_tokens=NEW_TOKENS)
    passages = [
        Passage(f"{number}", f"{number}", title, text, 0, len(text))
        for number, (title, text) in enumerate(row["passages"])
    ]
    bare = engine.chat(prompts.ask(question), params)
    full = engine.chat(prompts.ask(question, passages), params)
    return {
        "id": row["id"],
        "question": question,
        "text": bare.text,
        "correct": is_correct(bare.text, tuple(row["answers"])),
        "text_with": full.text,
        "correct_with": is_correct(full.text, tuple(row["answers"])),
        "signals": signals.compute(Observation(question=question, generation=bare)),
    }


def states(
    model: str, engine_name: str, wanted: Sequence[Row], threads: int, keep: Path, name: str
) -> tuple[NDArray[np.float16], tuple[int, ...]]:
    """[n, layers, hidden size] at the last token of the questions' prompts, and the layers."""
    path = keep / f"{name}-{engine_name}.npz"
    found: dict[str, NDArray[np.float16]] = {}
    layers: tuple[int, ...] = ()
    if path.exists():
        with np.load(path) as stored:
            layers = tuple(stored["layers"].tolist())
            found = dict(zip(stored["ids"].tolist(), stored["vectors"], strict=True))
    left = [row for row in wanted if row["id"] not in found]
    if left:
        engine, started = kept.engine_of(engine_name, model, threads), time.perf_counter()
        tried = LAYERS if engine.capabilities.hidden_states == "all layers" else (-1,)
        for number, row in enumerate(left, 1):
            read = engine.read_states(prompts.ask(row["question"]), (), tried)
            layers, found[row["id"]] = read.layers, read.prompt.astype(np.float16)
            if number % 20 == 0 or number == len(left):
                np.savez(path, layers=layers, ids=list(found), vectors=np.stack(list(found.values())))
                print(f"read {number} of {len(left)}, {time.perf_counter() - started:.0f} s", flush=True)
        engine.unload()
    return np.stack([found[row["id"]] for row in wanted]), layers


def told(rows: Sequence[Row], vectors: NDArray[np.float16], layers: tuple[int, ...], how: str) -> Line:
    """Prints the areas of P(IK) and of each signal of the first answer; returns by how much P(IK) leads."""
    before = np.array([row["correct"] for row in rows], dtype=np.bool_)
    after = np.array([row["correct_with"] for row in rows], dtype=np.bool_)
    ordered = {"P(IK)": p_ik(rows, vectors, layers, before)}
    for name, signal in REGISTRY.items():
        values = np.array([row["signals"].get(name) for row in rows], dtype=np.float64)
        if not np.isnan(values).any():
            ordered[name] = values if signal.higher_is_confident else -values
    areas = {name: area(values, before, after) for name, values in ordered.items()}
    drawn = np.random.default_rng(0).integers(0, len(rows), (RESAMPLES, len(rows)))
    draws = {
        name: np.array([area(values[at], before[at], after[at]) for at in drawn])
        for name, values in ordered.items()
    }
    table = Table("order", "AUROC, without passages", "area", "P(IK) - it", box=None)
    for name in sorted(areas, key=lambda name: -areas[name]):
        low, high = np.quantile(draws["P(IK)"] - draws[name], (0.025, 0.975))
        gap = areas["P(IK)"] - areas[name]
        table.add_row(
            name,
            f"{auroc(ordered[name], before):.3f}",
            f"{areas[name]:.4f}",
            f"{gap:+.4f} ({low:+.4f} to {high:+.4f})",
        )
    print(
        f"{len(rows)} questions, {before.mean():.3f} correct without passages, {after.mean():.3f} with them"
    )
    ideal = area(before.astype(float) - after, before, after)
    print(
        f"areas: at random {(after.mean() - before.mean()) / 2:.4f}, by the verdicts themselves {ideal:.4f}"
    )
    Console(width=160).print(table)
    best = max((name for name in areas if name != "P(IK)"), key=lambda name: areas[name])
    low, high = np.quantile(draws["P(IK)"] - draws[best], (0.025, 0.975))
    return Line(
        "P(IK) gate above the best signal",
        LEAD,
        areas["P(IK)"] - areas[best],
        "area",
        f"{how}; best: {best}",
        (float(low), float(high)),
        at_least=True,
    )


def p_ik(
    rows: Sequence[Row], vectors: NDArray[np.float16], layers: tuple[int, ...], correct: NDArray[np.bool_]
) -> Array:
    """[n]: how likely each is known, by probes of the other folds."""
    pooled = States(layers, {"prompt": vectors})
    folds = np.array([fold_of(row["question"], FOLDS) for row in rows])
    found = np.empty(len(rows))
    for fold in range(FOLDS):
        rest, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        probe = fit_probe(pooled.of(rest), correct[rest], "question")
        found[held] = probe.probabilities(pooled.of(held).vectors(probe.layer, probe.pooling))
    return found


def area(confidence: Array, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """The mean gain over 0 to n retrievals, the least confident first; ties in the order of the rows."""
    order = np.argsort(confidence, kind="stable")
    gains = np.cumsum(after[order].astype(float) - before[order]) / len(order)
    return float(np.concatenate([[0.0], gains]).mean())


if __name__ == "__main__":
    sys.exit(main())
