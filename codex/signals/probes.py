"""Probe signals: what linear probes of the model's hidden states tell, and the probes themselves.

A probe is fitted to answers whose label is known (codex/training). Several are fitted for each target, each
without one fold of the questions; a question is judged by the one that did not see its fold, so that it makes
no difference whether it was among those fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from codex.signals.focus import focus_mask
from codex.signals.registry import signal
from codex.signals.text import normalise
from codex.signals.view import View
from codex.text import sha256
from codex.types import HiddenStates, Observation, Probed, ProbeTarget, Side

Array = NDArray[np.float32]
Pooling = Literal["prompt", "mean", "last", "mean and last"]
"""The prompt's last token; the mean over the tokens of the answer's focus; the last of them; both."""
LARGEST = 30.0
"""Of log odds either way: beyond it a probability is 0 or 1 in print."""
SIGNALS: dict[ProbeTarget, str] = {
    "answer": "probe",
    "question": "p_ik",
    "entropy": "semantic_entropy_probe",
}
"""The signal that shows what a probe of each target tells."""


def pooled(states: HiddenStates, layer: int, mask: Sequence[bool], pooling: Pooling) -> Array | None:
    """[hidden size], of "mean and last" [2 * hidden size].

    layer: counted from 1. mask: [tokens], which of the answer's are of its focus. None where the states are
    not of that layer, or there is no such token.
    """
    if layer not in states.layers:
        return None
    at = states.layers.index(layer)
    if pooling == "prompt":
        return np.asarray(states.prompt[at], np.float32)
    tokens = states.answer[at][np.flatnonzero(mask[: states.answer.shape[1]])].astype(np.float32)
    if not len(tokens):
        return None
    parts = {"mean": [tokens.mean(0)], "last": [tokens[-1]], "mean and last": [tokens.mean(0), tokens[-1]]}
    return np.concatenate(parts[pooling])


class Probe(BaseModel):
    """Log odds as a linear function of the hidden states of one layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: ProbeTarget
    layer: int = Field(ge=1)
    """Counted from 1."""
    pooling: Pooling
    weights: Base64Bytes = Field(repr=False)
    """[d] little-endian float32, d as `pooled` gives it."""
    intercept: float

    @classmethod
    def of(cls, target: ProbeTarget, layer: int, pooling: Pooling, weights: Array, intercept: float) -> Probe:
        """weights: [d]."""
        # The field takes base64, and keeps the bytes.
        return cls.model_construct(
            target=target,
            layer=layer,
            pooling=pooling,
            weights=np.asarray(weights, "<f4").tobytes(),
            intercept=float(intercept),
        )

    def probability(self, states: HiddenStates, mask: Sequence[bool]) -> float | None:
        """In [0, 1]; None where the states do not hold what it reads. mask: as for `pooled`."""
        vector = pooled(states, self.layer, mask, self.pooling)
        if vector is None or len(vector) != len(self.weights) // 4:
            return None
        return float(self.probabilities(vector[None])[0])

    def probabilities(self, vectors: Array) -> NDArray[np.float64]:
        """[n] in [0, 1]. vectors: [n, d]."""
        odds = vectors.astype(np.float64) @ np.frombuffer(self.weights, "<f4") + self.intercept
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -LARGEST, LARGEST))))


class Gain(BaseModel):
    """What a probe adds to the AUROC of the other signals, on the answers to one dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    questions: int
    signals: float
    """AUROC of the signals without it, cross-fitted."""
    probe: float
    """AUROC of the probe by itself, cross-fitted."""
    gain: float
    """AUROC of signals and probe minus that of the signals."""
    low: float
    """Of the 95 % bootstrap interval over the answers."""
    high: float


class Probes(BaseModel):
    """The probes of one training; they hold for the model alone that they were fitted to."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    model: str
    """The engine's fingerprint."""
    folds: tuple[tuple[Probe, ...], ...]
    """Those that did not see a fold of the questions; one of each target."""
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    questions: int
    """Answers that they were fitted on."""
    sides: tuple[Side, ...] = ("calibration",)
    """The sides of the split that these are on."""
    accuracy: float | None
    """Their share of correct ones; None: they had no labels, so that there is only the entropy probe."""
    in_domain: dict[str, Gain] = {}
    """By dataset, and of all under "": fitted on questions of the same dataset too."""
    left_out: dict[str, Gain] = {}
    """By dataset: fitted on the other datasets alone."""
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def version(self) -> str:
        """The name and ten hexadecimal digits of the content, apart from name and time."""
        content = self.model_dump_json(exclude={"name", "created_at"})
        return f"{self.name}@{sha256(content)[:10]}"

    @property
    def targets(self) -> tuple[ProbeTarget, ...]:
        """What they tell."""
        return tuple(probe.target for probe in self.folds[0])

    @property
    def helps(self) -> bool:
        """Whether the probe of the answer adds to the signals in its own domain, by its interval."""
        return "" in self.in_domain and self.in_domain[""].low > 0

    @property
    def travels(self) -> bool:
        """Whether it adds to them on every dataset that it was not fitted on, by its interval."""
        return bool(self.left_out) and all(gain.low > 0 for gain in self.left_out.values())

    def of(self, question: str) -> tuple[Probe, ...]:
        """Those that judge a question: they did not see its fold."""
        return self.folds[fold_of(question, len(self.folds))]

    def layers(self, question: str) -> tuple[int, ...]:
        """Whose hidden states they read, counted from 1."""
        return tuple(sorted({probe.layer for probe in self.of(question)}))

    def read(self, observation: Observation) -> Probed | None:
        """What they tell of an answer, and of its question; None where its hidden states are not there."""
        states = observation.generation.hidden_states
        if states is None:
            return None
        mask = focus_mask(observation)
        # With passages in the prompt it is not the question alone that P(IK) would be read from.
        told = {
            probe.target: probe.probability(states, mask)
            for probe in self.of(observation.question)
            if probe.target != "question" or not observation.passages
        }
        values = {target: value for target, value in told.items() if value is not None}
        return Probed(self.version, values) if values else None


def fold_of(question: str, folds: int) -> int:
    """Which of so many folds a question is in: by its normalised text, whatever side of a split it is on."""
    return int(sha256(normalise(question))[16:32], 16) % folds


@signal(
    "probe",
    label="Probe",
    meaning="How likely the answer is to be correct, read in the model's hidden states by a linear probe.",
    forms=("whole",),
    needs={"probe"},
    source="SAPLMA; Azaria & Mitchell 2023, arXiv:2304.13734",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def probe(view: View) -> float | None:
    """Probability in [0, 1], before calibration; missing where there is no probe of answers."""
    return _told(view, "answer")


@signal(
    "p_ik",
    label="P(IK)",
    meaning="How likely the model is to know the answer, read from the question alone by a linear probe.",
    forms=("whole",),
    needs={"probe"},
    source="Kadavath et al. 2022, arXiv:2207.05221",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def p_ik(view: View) -> float | None:
    """Probability in [0, 1], before calibration; missing where there is no probe of questions."""
    return _told(view, "question")


@signal(
    "semantic_entropy_probe",
    label="Semantic entropy probe",
    meaning="How likely its samples are to mean the same, read in the hidden states without drawing any.",
    forms=("whole",),
    needs={"probe"},
    source="Kossen et al. 2024, arXiv:2406.15927",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def semantic_entropy_probe(view: View) -> float | None:
    """Probability in [0, 1] that the semantic entropy is low; missing where there is no such probe."""
    return _told(view, "entropy")


def _told(view: View, target: ProbeTarget) -> float | None:
    probed = view.observation.probed
    return probed.values.get(target) if probed else None
