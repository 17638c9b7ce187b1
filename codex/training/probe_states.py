"""The hidden states of the answers of runs, read once for all probes that are tried on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codex import prompts
from codex.calibration.combine import PROBES
from codex.datasets.splits import split
from codex.engines.base import Engine
from codex.errors import Cancelled, CapabilityError, CodexError, InvalidInput, PromptTooLong
from codex.jobs import OnProgress
from codex.signals import focus_mask
from codex.signals.probes import SIGNALS, Pooling, Probe, Probes, fold_of, pooled
from codex.signals.text import normalise
from codex.store import Store
from codex.store.evaluation.records import Reading
from codex.store.evaluation.states import Kept
from codex.text import sha256
from codex.types import HiddenStates, Probed, ProbeTarget, Record, Run, Side

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Vectors = NDArray[np.float16]

POOLED: tuple[Pooling, ...] = ("prompt", "mean", "last")
"""What is kept of an answer's states; "mean and last" is made of two of them."""


@dataclass(frozen=True, slots=True)
class States:
    """Hidden states of n answers, pooled."""

    layers: tuple[int, ...]
    """Counted from 1."""
    pooled: dict[Pooling, Vectors]
    """[n, layers, hidden size]: of each of POOLED."""

    def of(self, rows: Rows) -> States:
        """Those of some rows."""
        return States(self.layers, {name: each[rows] for name, each in self.pooled.items()})

    def vectors(self, layer: int, pooling: Pooling) -> NDArray[np.float32]:
        """[n, d] of one layer."""
        at = self.layers.index(layer)
        parts: tuple[Pooling, ...] = ("mean", "last") if pooling == "mean and last" else (pooling,)
        return np.concatenate([self.pooled[part][:, at].astype(np.float32) for part in parts], axis=1)


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of runs with their hidden states, and what is known of them; n of them."""

    states: States
    runs: tuple[str, ...]
    """[n] ids."""
    ids: tuple[str, ...]
    """[n] of the questions."""
    questions: tuple[str, ...]
    groups: NDArray[np.str_]
    """[n]: the datasets."""
    correct: tuple[bool | None, ...]
    """[n]; None: nobody could tell."""
    bare: NDArray[np.bool_]
    """[n]: no passages were in the prompt."""
    signals: dict[str, Array]
    """By name, [n]; NaN where one is missing. Without those of probes."""
    sides: tuple[Side, ...] = ("calibration",)
    """The sides of the split that are fitted on."""

    @property
    def to_fit(self) -> Rows:
        """Rows that are fitted on, each question once."""
        first: dict[str, int] = {}
        for row, question in enumerate(self.questions):
            if split(question) in self.sides:
                first.setdefault(normalise(question), row)
        return np.array(list(first.values()), dtype=np.intp)

    def folds(self, count: int) -> Rows:
        """[n]: the fold of each question."""
        return np.array([fold_of(question, count) for question in self.questions], dtype=np.intp)

    def probabilities(self, probe: Probe, rows: Rows) -> Array:
        """[rows]: what a probe says of them."""
        return probe.probabilities(self.states.of(rows).vectors(probe.layer, probe.pooling))

    def told(self, probes: Probes) -> dict[ProbeTarget, Array]:
        """Target -> [n]: what the probe says that did not see the question's fold; NaN: nothing."""
        folds = self.folds(len(probes.folds))
        found = {target: np.full(len(folds), np.nan) for target in probes.targets}
        for number, each in enumerate(probes.folds):
            for probe in each:
                said = (folds == number) & (self.bare | (probe.target != "question"))
                rows = np.flatnonzero(said)
                found[probe.target][rows] = self.probabilities(probe, rows)
        return found

    def readings(self, probes: Probes, run: str) -> dict[str, Reading]:
        """What probes tell of the answers of a run, by question."""
        told = self.told(probes)
        found = {}
        for row in range(len(self.ids)):
            if self.runs[row] == run:
                values = {target: float(v[row]) for target, v in told.items() if not np.isnan(v[row])}
                signals = {SIGNALS[target]: value for target, value in values.items()}
                found[self.ids[row]] = Reading(Probed(probes.version, values), signals)
        return found


def read_answers(
    engine: Engine,
    store: Store,
    runs: Sequence[Run],
    layers: tuple[int | float, ...],
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> Answers:
    """The answers of runs, each read once more by the engine for the hidden states of some layers.

    What failed, or does not fit the way in which the engine shows them, is left out. Raises InvalidInput
    where nothing is left; Cancelled, ModelError.
    """
    cancel = cancel or threading.Event()
    total, rows = sum(store.runs.get(run.id).done for run in runs), _Rows()
    unread: CodexError | None = None
    for done, (run, record) in enumerate(_records(store, runs)):
        if progress is not None:
            progress(done, total)
        if cancel.is_set():
            raise Cancelled("The training was cancelled; nothing was saved.")
        if not record.error and record.observation.generation.tokens:
            try:
                rows.add(run, record, _read(engine, store, run, record, layers, cancel))
            except (PromptTooLong, CapabilityError) as error:
                unread = error
    if progress is not None:
        progress(total, total)
    if not rows.records:
        why = f": {unread}" if unread else "."
        raise InvalidInput(f"The runs hold no answer whose hidden states can be read{why}", ["runs"])
    return rows.all()


@dataclass(slots=True)
class _Rows:
    """Answers as they come."""

    layers: tuple[int, ...] = ()
    pooled: dict[Pooling, list[Vectors]] = field(default_factory=lambda: {part: [] for part in POOLED})
    records: list[tuple[Run, Record]] = field(default_factory=list)

    def add(self, run: Run, record: Record, read: Kept) -> None:
        self.layers = read.layers
        for part, vectors in zip(POOLED, read.vectors, strict=True):
            self.pooled[part].append(vectors)
        self.records.append((run, record))

    def all(self) -> Answers:
        records = [record for _, record in self.records]
        names = dict.fromkeys(name for record in records for name in record.signals if name not in PROBES)
        return Answers(
            States(self.layers, {part: np.stack(each) for part, each in self.pooled.items()}),
            tuple(run.id for run, _ in self.records),
            tuple(record.id for record in records),
            tuple(record.observation.question for record in records),
            np.array([record.group for record in records], dtype=np.str_),
            tuple(record.correct for record in records),
            np.array([not record.observation.passages for record in records], dtype=np.bool_),
            {
                name: np.array([record.signals.get(name) for record in records], dtype=np.float64)
                for name in names
            },
        )


def _read(
    engine: Engine,
    store: Store,
    run: Run,
    record: Record,
    layers: tuple[int | float, ...],
    cancel: threading.Event,
) -> Kept:
    """The states of an answer as they are pooled, those that are kept or read now; [POOLED, layers, hidden].

    Raises what `Engine.read_states` raises; StoreError.
    """
    seen = record.observation
    prompt, tokens, mask = prompts.ask(seen.question, seen.passages), seen.generation.tokens, focus_mask(seen)
    wanted = sha256(repr((prompt, [token.id for token in tokens], mask, layers)))
    kept = store.states.read(run.id, record.id, wanted)
    if kept is None:
        states = engine.read_states(prompt, tokens, layers, cancel)
        kept = Kept(states.layers, np.stack([pooled_layers(states, mask, part) for part in POOLED]))
        store.states.keep(run.id, record.id, wanted, kept)
    return kept


def pooled_layers(states: HiddenStates, mask: Sequence[bool], pooling: Pooling) -> Vectors:
    """[layers, hidden size]"""
    found = (pooled(states, layer, mask, pooling) for layer in states.layers)
    return np.stack([vector for vector in found if vector is not None]).astype(np.float16)


def _records(store: Store, runs: Sequence[Run]) -> Iterator[tuple[Run, Record]]:
    for run in runs:
        for record in store.runs.records(run.id):
            yield run, record
