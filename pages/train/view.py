"""Runs to train on and saved probes as the Train page shows them: plain JSON, without Gradio or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from codex.datasets.splits import split
from codex.pages import JSON, Fact
from codex.signals.probes import Gain
from codex.signals.text import normalise
from codex.store.evaluation.runs import RunSummary
from codex.store.evaluation.table import Lines
from codex.store.names import titled
from codex.text import percent
from codex.training.saved_probes import SavedProbes
from codex.training.saved_verifiers import SavedVerifier
from codex.types import ProbeTarget

Kind = Literal["probe", "verifier", "answerer", "reward"]
"""What can be taught on the page."""
Use = Literal["probe", "verifier", "answerer", "refuse", "reward"]
"""What a run can be learned from for; refuse: an answerer that also learns where to refuse."""
TARGETS: dict[ProbeTarget, str] = {
    "answer": "whether the answer is correct",
    "question": "whether the model knows the answer, before it answers",
    "entropy": "whether its samples agree",
}
"""What a probe of each target tells."""
ALL = "all"
"""In the place of a dataset: the answers to all of them."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The graded answers of a run by the side of the split, each question once."""

    correct: int
    """Of those that probes are trained on."""
    incorrect: int
    held_out: int
    """Those on the other side."""
    questions: int = 0
    """Questions that answers are trained on, graded or not, each once."""


def sides_of(lines: Lines) -> Sides:
    """On which side of the split the graded answers of a run are."""
    seen: set[str] = set()
    questions = {normalise(each) for each in lines.questions if split(each) == "calibration"}
    counts = {"correct": 0, "incorrect": 0, "held_out": 0}
    for question, correct in zip(lines.questions, lines.correct, strict=True):
        if correct is None or (same := normalise(question)) in seen:
            continue
        seen.add(same)
        trained = split(question) == "calibration"
        counts["held_out" if not trained else "correct" if correct else "incorrect"] += 1
    return Sides(**counts, questions=len(questions))


def run_choice(summary: RunSummary, sides: Sides, problems: Mapping[Use, str]) -> JSON:
    """A run as it can be chosen to train on. problems: why it cannot be, as a sentence; "": it can."""
    run = summary.run
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset,
        "model": run.model,
        "correct": sides.correct,
        "incorrect": sides.incorrect,
        "held_out": sides.held_out,
        "questions": sides.questions,
        "problems": dict(problems),
    }


def probes_view(saved: SavedProbes, names: Mapping[str, str], model: str) -> JSON:
    """Saved probes. names: of the runs that are still there, by id. model: the one that is loaded."""
    whole = saved.in_domain.get("")
    return {
        **saved_view("probe", saved, names),
        "mismatch": "" if saved.model == model else f"Of {saved.model}: not read while {model} is loaded.",
        "gain": whole and _gain(whole),
        "rows": [_row(name, gain, saved.left_out.get(name)) for name, gain in _gains(saved)],
        "facts": _facts(saved, names),
    }


def saved_view(kind: Kind, saved: SavedProbes | SavedVerifier, names: Mapping[str, str]) -> JSON:
    """What is shown of both kinds. names: of the runs that are still there, by id."""
    return {
        "kind": kind,
        "version": saved.version,
        "name": saved.name,
        "title": titled(saved.name, saved.version),
        "active": saved.active,
        "created": saved.created_at.isoformat(),
        "helps": saved.helps,
        "advice": saved.advice,
        "run": next((run for run in saved.runs if run in names), None),
    }


def runs_of(ids: Sequence[str], names: Mapping[str, str]) -> str:
    """The names of runs, or what is left of them."""
    return ", ".join(names.get(run, f"{run[:8]} (deleted)") for run in ids)


def _gains(saved: SavedProbes) -> list[tuple[str, Gain]]:
    """The datasets, and last all of them where there are several."""
    parts = [(name, gain) for name, gain in saved.in_domain.items() if name]
    whole = saved.in_domain.get("")
    return parts if whole is None or len(parts) == 1 else [*parts, ("", whole)]


def _row(name: str, gain: Gain, left_out: Gain | None) -> JSON:
    return {
        "dataset": name or ALL,
        "answers": gain.questions,
        "signals": gain.signals,
        "probe": gain.probe,
        "gain": _gain(gain),
        "left_out": left_out and _gain(left_out),
    }


def _gain(gain: Gain) -> JSON:
    return {"value": gain.gain, "low": gain.low, "high": gain.high}


def _facts(saved: SavedProbes, names: Mapping[str, str]) -> list[Fact]:
    answers = f"{saved.questions:,}"
    if saved.accuracy is not None:
        answers += f", {percent(saved.accuracy)} correct"
    return [
        ("answers", answers),
        ("datasets", ", ".join(saved.datasets)),
        ("runs", runs_of(saved.runs, names)),
        ("model", saved.model),
        ("tell", "; ".join(TARGETS[target] for target in saved.targets)),
        ("trained", {"at": saved.created_at.isoformat()}),
    ]
