"""What probes of hidden states add to the other signals, and what they tell by themselves.

    python -m tests.bench.probes MODEL FILE.jsonl.gz ... [--states FOLDER]

MODEL is one that huggingface holds, by name or path. Each file holds stored answers, of `codex export` or
in the form of the frozen answers, to one dataset. Their hidden states are read by passing the answers through
the model once more, and kept under --states. All rows are fitted on and scored, cross-fitted: by the probes
that did not see a question's fold, and with each dataset left out. Intervals are 95 %, over the answers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex import prompts
from codex.calibration import fit
from codex.calibration.metrics import auroc
from codex.calibration.resampling import auroc_gain
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.evaluation.generations import Generated, read
from codex.settings import load_settings
from codex.signals import REGISTRY, compute, focus_mask
from codex.signals.probes import Probes
from codex.training.probe import LAYERS, fit_probes
from codex.training.probe_states import POOLED, Answers, States, pooled_layers
from codex.types import Message, Prompt
from tests.support.frozen import is_correct

Array = NDArray[np.float64]
SHORT = "Answer the question with a short phrase and nothing else.\nQuestion: {}"
"""How the frozen answers were asked for."""
FREE = ("avg_logprob_focus", "sum_logprob_focus", "min_prob_focus", "max_entropy_focus", "end_logprob")
"""Signals that need no samples."""


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--states", type=Path, default=Path("states"), help="where hidden states are kept")
    given = parser.parse_args(words)
    config = HuggingFaceConfig(model_path=given.model, threads=2, device="cpu")
    engine = HuggingFaceEngine(config, Models(load_settings().home))
    answers = answers_of(given.files, given.states, engine)
    started = time.perf_counter()
    probes = fit_probes(answers, engine.fingerprint, "bench")
    print(f"{len(answers.ids):,} answers, fitted in {time.perf_counter() - started:.0f} s")
    tell(answers, probes)


def answers_of(files: Sequence[Path], folder: Path, engine: HuggingFaceEngine) -> Answers:
    """The answers of all files with their hidden states; those of a file that was read before are kept."""
    rows: list[Generated] = []
    states: list[States] = []
    for path in files:
        # A question that a grader cannot grade is no label.
        found = [each for each in read(path) if each.observation.generation.text and not each.error]
        name = path.name.partition(".")[0]
        kept = folder / f"{name}.npz"
        if not kept.exists():
            _read_states(found, kept, engine)
        with np.load(kept) as stored:
            states.append(States(tuple(stored["layers"].tolist()), {part: stored[part] for part in POOLED}))
        rows += found
    signals = [compute(each.observation) for each in rows]
    return Answers(
        States(
            states[0].layers, {part: np.concatenate([it.pooled[part] for it in states]) for part in POOLED}
        ),
        tuple(each.group for each in rows),
        tuple(each.id for each in rows),
        tuple(each.observation.question for each in rows),
        np.array([each.group for each in rows], dtype=np.str_),
        tuple(_graded(each) for each in rows),
        np.array([not each.observation.passages for each in rows], dtype=np.bool_),
        {name: np.array([row[name] for row in signals], dtype=np.float64) for name in REGISTRY},
        ("calibration", "test"),
    )


def _graded(each: Generated) -> bool:
    if each.correct is not None:
        return each.correct
    return is_correct(each.observation.generation.text, each.answers)


def _read_states(rows: Sequence[Generated], kept: Path, engine: HuggingFaceEngine) -> None:
    started, found = time.perf_counter(), {part: [] for part in POOLED}
    layers: tuple[int, ...] = ()
    for number, each in enumerate(rows, 1):
        seen = each.observation
        prompt: Prompt = (
            prompts.ask(seen.question, seen.passages)
            if each.origin
            else [Message("user", SHORT.format(seen.question))]
        )
        states = engine.read_states(prompt, seen.generation.tokens, LAYERS)
        layers, mask = states.layers, focus_mask(seen)
        for part in POOLED:
            found[part].append(pooled_layers(states, mask, part))
        if number % 50 == 0:
            print(f"{kept.stem}: {number} of {len(rows)}, {time.perf_counter() - started:.0f} s", flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, layers=np.array(layers), **{part: np.stack(each) for part, each in found.items()})


def tell(answers: Answers, probes: Probes) -> None:
    """The AUROC of signals with and without probes, by dataset and of all."""
    correct = np.array(answers.correct, dtype=np.bool_)
    told = answers.told(probes)
    every = {**answers.signals, **{"probe": told["answer"]}}
    free = {name: answers.signals[name] for name in FREE}
    judged = {
        "signals": _crossfitted(answers.signals, correct, answers.groups),
        "signals + probe": _crossfitted(every, correct, answers.groups),
        "no samples": _crossfitted(free, correct, answers.groups),
        "no samples + probe": _crossfitted(free | {"probe": told["answer"]}, correct, answers.groups),
        "probe": told["answer"],
        "P(IK)": told["question"],
        "entropy probe": told.get("entropy", np.full(len(correct), np.nan)),
    }
    table = Table("dataset", "answers", "correct", *judged, "gain", "probe - signals", box=None)
    for name, inside in _parts(answers.groups):
        label = correct[inside]
        own = {key: column[inside] for key, column in judged.items()}
        table.add_row(
            name,
            f"{inside.sum():,}",
            f"{label.mean():.2f}",
            *(f"{auroc(column, label):.3f}" for column in own.values()),
            _interval(*auroc_gain(own["signals + probe"], own["signals"], label)),
            _interval(*auroc_gain(own["no samples + probe"], own["signals"], label)),
        )
    console = Console(width=200)
    console.print(table)
    left = Table("left out", "signals", "probe", "gain", box=None)
    for name, gain in probes.left_out.items():
        left.add_row(
            name, f"{gain.signals:.3f}", f"{gain.probe:.3f}", _interval(gain.gain, gain.low, gain.high)
        )
    console.print(left)
    chosen = {(probe.target, probe.layer, probe.pooling) for each in probes.folds for probe in each}
    console.print(f"chosen: {sorted(chosen)}")


def _parts(groups: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for name in np.unique(groups):
        yield str(name), groups == name
    yield "all", np.ones(len(groups), dtype=np.bool_)


def _crossfitted(columns: dict[str, Array], correct: NDArray[np.bool_], groups: NDArray[np.str_]) -> Array:
    signs = {name: 1 if signal.higher_is_confident else -1 for name, signal in REGISTRY.items()}
    return fit(columns, correct, signs=signs, groups=groups).crossfitted.mean(0)


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main(sys.argv[1:])
