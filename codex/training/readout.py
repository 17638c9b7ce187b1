"""codex train verifier --method readout: logistic readouts of what the model makes of the verifier's prompt.

The hidden state of the prompt's last token, from which the model would say True or False, is read by a linear
probe: nothing of the model is trained, so that any engine that shows hidden states can be a verifier.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from codex import prompts
from codex.calibration.calibrator import measured
from codex.calibration.logistic import logistic
from codex.engines.base import Engine
from codex.errors import AdapterError, Cancelled, CapabilityError, CodexError, InvalidInput, PromptTooLong
from codex.grounding.readout import FILE, Readouts
from codex.grounding.trained import TrainedVerifier, fold, parts, verifier_folder
from codex.outputs import output_folder
from codex.private import make_folder
from codex.signals.probes import Probe
from codex.signals.verifier import label_probability
from codex.text import sha256
from codex.training.probe import LAYERS
from codex.training.probe_fit import fit_probe
from codex.training.probe_states import States
from codex.training.verifier_labels import Labelled
from codex.types import Run

Array = NDArray[np.float64]
OnProgress = Callable[[str, int, int], None]
"""Called with what is under way, what is done of it and what there is in all."""

FOLDS = 5
"""Of the questions, by their keys alone."""
LEAST_OF_KIND = 2
"""Answers of each kind that a fold's readout is fitted on: what chooses its layer divides them again."""
STEEPEST = 20.0
"""Temperatures are between this and its inverse."""


@dataclass(frozen=True, slots=True)
class ReadPrompts:
    """What the model made of the verifier's prompts that it could read; n of them."""

    labelled: Labelled
    states: States
    """Of the prompts' last tokens."""
    zero_shot: Array
    """[n]: P(True) of the model as it is; 0.5 where neither True nor False is among the likeliest tokens."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Readouts, and what those of the folds say of the answers that they did not see; n answers."""

    parts: dict[str, Probe]
    """By name: see `codex.grounding.trained.parts`."""
    odds: Array
    """[n]: log-odds of True by the readout that did not see the fold."""
    heldout: Array
    """[n]: the same as probabilities, with temperature and offset of the other folds."""
    temperature: float
    offset: float


def train_readout(
    labelled: Labelled,
    runs: Sequence[Run],
    engine: Engine,
    home: Path,
    name: str,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> TrainedVerifier:
    """Train a verifier's readouts and write them into the home; it is not stored yet.

    runs: where the labels are from, of one model. engine: the one that will verify; loads its model. Raises
    InvalidInput: too few labels or only of one kind; CapabilityError where the engine shows no hidden states;
    ModelError; AdapterError where nothing can be written; Cancelled, with nothing kept.
    """
    labelled.check()
    tell = progress or (lambda what, done, total: None)
    cancel = cancel or threading.Event()
    started = time.perf_counter()
    read = read_prompts(engine, labelled, tell, cancel)
    tell("fitting", 0, 1)
    # Sums this small take longer on several cores, which wait for each other.
    with threadpool_limits(1, "blas"):
        fitted = fit_readouts(read.states, read.labelled, cancel.is_set)
    tell("saving", 0, 1)
    found, correct = read.labelled, read.labelled.correct
    text = Readouts(parts=fitted.parts).model_dump_json()
    whole, *_ = fitted.parts.values()
    verifier = TrainedVerifier(
        name=name,
        method="readout",
        model=engine.fingerprint,
        prompt=prompts.fingerprint(),
        form=found.form,
        answers_of=runs[0].model,
        runs=tuple(run.id for run in runs),
        datasets=tuple(dict.fromkeys(run.dataset for run in runs)),
        labels=len(correct),
        accuracy=float(correct.mean()),
        folds=FOLDS,
        questions=found.keys,
        layers=(whole.layer, max(read.states.layers)),
        rank=0,
        kl_weight=0.0,
        epochs=0,
        curve=(),
        temperature=fitted.temperature,
        offset=fitted.offset,
        metrics={
            "zero_shot": measured(read.zero_shot, correct, 1000),
            "trained": measured(fitted.heldout, correct, 1000),
        },
        weights=sha256(text),
        seconds=time.perf_counter() - started,
    )
    if cancel.is_set():
        raise _cancelled()
    save(verifier_folder(home, verifier), text)
    return verifier


def read_prompts(
    engine: Engine, labelled: Labelled, tell: OnProgress, cancel: threading.Event
) -> ReadPrompts:
    """Read the verifier's prompts. Those that the engine cannot show states of are left out.

    Raises InvalidInput where too few are left; CapabilityError, ModelError, Cancelled.
    """
    # The last one too: it is the one that the model says True or False from, and tells the depth.
    layers = (*LAYERS, -1) if engine.capabilities.hidden_states == "all layers" else (-1,)
    tell("loading the model", 0, 1)
    engine.load()
    known: tuple[int, ...] = ()
    states, zero_shot, rows = [], [], []
    unread: CodexError | None = None
    for row, (prompt, verdict) in enumerate(zip(labelled.prompts, labelled.verdicts, strict=True)):
        if cancel.is_set():
            raise _cancelled()
        try:
            seen = engine.read_states(prompt, (), layers, cancel)
            # Of the model as it is; mostly it was asked when it answered.
            if verdict is None or verdict.verifier != engine.fingerprint:
                alternatives = engine.next_token(prompt, cancel).alternatives
            else:
                alternatives = verdict.alternatives
            said = label_probability(alternatives, "True", "False")
        except (PromptTooLong, CapabilityError) as error:
            unread = error
        except Cancelled:
            raise _cancelled() from None
        else:
            known = seen.layers
            states.append(np.asarray(seen.prompt, np.float16))
            zero_shot.append(0.5 if said is None else said)
            rows.append(row)
        tell("reading", row + 1, len(labelled.prompts))
    left = labelled.of(rows)
    try:
        left.check()
    except InvalidInput as error:
        if unread is None:
            raise
        skipped = len(labelled.prompts) - len(rows)
        raise InvalidInput(f"{skipped} prompts cannot be read: {unread} {error}", ["runs"]) from unread
    return ReadPrompts(left, States(known, {"prompt": np.stack(states)}), np.array(zero_shot))


def fit_readouts(states: States, labelled: Labelled, stop: Callable[[], bool] = lambda: False) -> Fitted:
    """The readouts of all answers and of all folds, each with a layer of its own.

    Raises InvalidInput where a fold holds all but LEAST_OF_KIND of a kind; Cancelled.
    """
    correct = labelled.correct
    folds = np.array([fold(key, FOLDS) for key in labelled.keys], dtype=np.intp)
    odds, fitted = np.empty(len(correct)), {}
    for number, part in enumerate(parts(FOLDS), -1):
        kept = np.flatnonzero(folds != number)  # Nothing is in the fold -1: the whole.
        if min(correct[kept].sum(), (~correct[kept]).sum()) < LEAST_OF_KIND:
            raise InvalidInput(
                f"The {len(correct)} graded answers are too few of a kind: nearly all of one are in the same "
                "fifth of the questions. Grade more answers.",
                ["runs"],
            )
        probe = fit_probe(states.of(kept), correct[kept], "answer", stop, ("prompt",))
        fitted[part] = probe
        held = np.flatnonzero(folds == number)
        told = probe.probabilities(states.of(held).vectors(probe.layer, "prompt"))
        odds[held] = np.log(told) - np.log1p(-told)
    heldout = np.empty(len(odds))
    for number in range(FOLDS):
        held = folds == number
        temperature, offset = fitted_scale(odds[~held], correct[~held])
        heldout[held] = scaled(odds[held], temperature, offset)
    return Fitted(fitted, odds, heldout, *fitted_scale(odds, correct))


def fitted_scale(odds: Array, correct: NDArray[np.bool_]) -> tuple[float, float]:
    """Temperature and offset of the least cross-entropy of (odds + offset) / temperature; Platt 1999.

    With his targets, which are not quite 0 and 1, so that few labels allow no extreme probability. The
    temperature is in [1 / STEEPEST, STEEPEST]: never one that turns the order around.
    """
    n, yes = len(correct), int(correct.sum())
    targets = np.where(correct, (yes + 1) / (yes + 2), 1 / (n - yes + 2))
    (slope, *_), intercept = logistic(odds[:, None], targets, least=1 / STEEPEST, most=STEEPEST)
    return 1 / float(slope), intercept / float(slope)


def scaled(odds: Array, temperature: float, offset: float) -> Array:
    """Log-odds as probabilities."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (odds + offset) / temperature)))


def save(folder: Path, text: str) -> None:
    """Write the readouts of a verifier, whole or not at all. Raises AdapterError."""
    try:
        make_folder(folder.parent)
        with output_folder(folder) as made:
            (made / FILE).write_text(text, "utf-8")
    except OSError as error:
        why = error.strerror or error
        raise AdapterError(f"{folder} cannot be written: {why}. Make room, and train again.") from error


def _cancelled() -> Cancelled:
    return Cancelled("The training was cancelled; nothing was saved.")
