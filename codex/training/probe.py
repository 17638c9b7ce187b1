"""codex train probe: probes of a model's hidden states, fitted to the graded answers of its runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from codex.ask.workbench import Workbench
from codex.engines.base import Engine
from codex.errors import CapabilityError, Conflict, InvalidInput
from codex.jobs import OnProgress
from codex.signals.probes import Probes
from codex.training.probe_fit import FOLDS, LEAST_OF_ALL, fit_probe, low_entropy, too_few
from codex.training.probe_gains import in_domain, left_out
from codex.training.probe_states import Answers, read_answers
from codex.types import ProbeTarget, Run

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

LAYERS = (0.45, 0.55, 0.62, 0.7, 0.85)
"""Shares of the depth, of whose layers the best is chosen."""
ENTROPY = "semantic_entropy"
"""The signal that the entropy probe foretells."""


def train_probes(
    workbench: Workbench,
    run_ids: Sequence[str],
    name: str = "probe",
    layers: Sequence[int | float] | None = None,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> Probes:
    """Fit probes to the answers of runs; keep them, and what they read for each answer. None is activated.

    They are fitted on the calibration half of the questions alone, so that the other half can prove
    guarantees. layers: whose hidden states are tried, as `Internals` takes them. progress: of the answers
    that are read. Loads the model.

    Raises NotFound; InvalidInput where the runs are of another model or of follow-ups, or have too few
    labels; Conflict while one of them runs; CapabilityError where the engine shows no hidden states;
    Cancelled, with nothing saved.
    """
    engine, store = workbench.model.engine, workbench.store
    runs = runs_to_train_on(workbench, run_ids)
    if layers is None:
        layers = LAYERS if engine.capabilities.hidden_states == "all layers" else (-1,)
    with workbench.model.holding(f"The training of {name!r}"):
        workbench.model.load()
        answers = read_answers(engine, store, runs, tuple(layers), progress, cancel)
    # Sums this small take longer on several cores, which wait for each other.
    with threadpool_limits(1, "blas"):
        made = fit_probes(answers, engine.fingerprint, name, cancel)
    store.probes.save(made.version, made.name, made.model_dump_json(), runs[0].id)
    for run in runs:
        store.runs.add_readings(run.id, made.version, answers.readings(made, run.id))
    return made


def fit_probes(answers: Answers, model: str, name: str, cancel: threading.Event | None = None) -> Probes:
    """The probes of the calibration side's answers, with what that of answers adds to the signals.

    model: the engine's fingerprint. Those of answers and of questions take labels, that of the entropy takes
    samples; what cannot be learned is left out. Raises InvalidInput where nothing can; Cancelled.
    """
    stop = (cancel or threading.Event()).is_set
    labels = _labels(answers)
    if not labels:
        verdicts = [answers.correct[row] for row in answers.to_fit]
        raise too_few([verdict for verdict in verdicts if verdict is not None])
    folds = answers.folds(FOLDS)
    probes = Probes(
        name=name,
        model=model,
        folds=tuple(
            tuple(
                fit_probe(answers.states.of(kept), label[kept], target, stop)
                for target, (rows, label) in labels.items()
                for kept in [rows[folds[rows] != fold]]
            )
            for fold in range(FOLDS)
        ),
        runs=tuple(dict.fromkeys(answers.runs)),
        datasets=tuple(np.unique(answers.groups[next(iter(labels.values()))[0]]).tolist()),
        questions=len(next(iter(labels.values()))[0]),
        sides=answers.sides,
        accuracy=None,
    )
    if "answer" not in labels:
        return probes
    rows, correct = labels["answer"]
    return probes.model_copy(update=_gains(answers, rows, correct, probes, stop))


def _gains(
    answers: Answers, rows: Rows, correct: Flags, probes: Probes, stop: Callable[[], bool]
) -> dict[str, object]:
    told = answers.told(probes)["answer"]
    return {
        "accuracy": float(correct[rows].mean()),
        "in_domain": in_domain(answers, rows, correct, told),
        "left_out": left_out(answers, rows, correct, told, stop),
    }


def _labels(answers: Answers) -> dict[ProbeTarget, tuple[Rows, Flags]]:
    """Target -> the rows to fit on, and [n] the labels; of targets that can be learned."""
    rows = answers.to_fit
    correct = np.array([bool(verdict) for verdict in answers.correct], dtype=np.bool_)
    graded = rows[[answers.correct[row] is not None for row in rows]]
    wanted: dict[ProbeTarget, tuple[Rows, Flags]] = {
        "answer": (graded, correct),
        "question": (graded[answers.bare[graded]], correct),
    }
    if ENTROPY in answers.signals:
        entropies = answers.signals[ENTROPY]
        known = rows[~np.isnan(entropies[rows])]
        low = np.zeros_like(correct)
        low[known] = low_entropy(entropies[known])
        wanted["entropy"] = (known, low)
    return {target: (chosen, label) for target, (chosen, label) in wanted.items() if _enough(label[chosen])}


def _enough(labels: Flags) -> bool:
    """Whether what is left without a fold holds enough of both kinds, as far as folds are alike."""
    return min(int(labels.sum()), int((~labels).sum())) >= LEAST_OF_ALL


def runs_to_train_on(workbench: Workbench, run_ids: Sequence[str]) -> list[Run]:
    """The runs of these ids, each once. Raises what `train_probes` raises of them before it reads them."""
    engine = workbench.model.engine
    check_engine(engine)
    runs = [workbench.store.runs.get(run_id).run for run_id in dict.fromkeys(run_ids)]
    if not runs:
        raise InvalidInput("Name a run to train on; `codex runs` lists them.", ["runs"])
    for run in runs:
        if run.state == "running":
            raise Conflict(f"The run {run.name!r} is still running. Wait for it, or cancel it.")
        if problem := unfit(run, engine):
            raise InvalidInput(problem, ["runs"])
    return runs


def check_engine(engine: Engine) -> None:
    """Raise CapabilityError where an engine shows no hidden states."""
    if engine.capabilities.hidden_states == "none":
        raise CapabilityError(
            f"The {engine.name} engine shows no hidden states: use engine=huggingface, or engine=llama_cpp."
        )


def unfit(run: Run, engine: Engine) -> str:
    """Why probes of an engine's model cannot be trained on a run, as a sentence; "": they can."""
    if run.model != engine.fingerprint:
        return (
            f"The run {run.name!r} is of {run.model}, and {engine.fingerprint} is loaded. Start Codex "
            "with that model, or evaluate this one."
        )
    if run.origin.follows:
        return f"The run {run.name!r} asked follow-ups, whose turns are not kept: train on first questions."
    return ""
