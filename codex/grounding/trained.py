"""A verifier that was trained on graded answers: what it is, and which of its parts verifies an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from codex import prompts
from codex.calibration.calibrator import Metric, MetricName
from codex.engines.base import Engine
from codex.grounding.form import Form
from codex.signals.text import normalise
from codex.text import sha256
from codex.types import Reliability

FOLDER = "verifiers"
"""In the home: a folder for each verifier, by the digits of its version."""
WHOLE = "whole"
"""Of a verifier's parts, adapters or readouts, the one fitted on all labels; the others are its folds'."""
Method = Literal["readout", "lora"]
"""A logistic readout of the hidden state at the end of the verifier's prompt, or a LoRA adapter."""


class TrainedVerifier(BaseModel):
    """What is stored of a verifier, beside the weights in its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Literal[1] = 1
    """Raised when a newer one means something else."""
    name: str
    """What people call it."""
    method: Method = "lora"
    model: str
    """The fingerprint of the engine that verifies with it."""
    prompt: str
    """The fingerprint of the prompt templates that it was trained under."""
    form: Form
    """Whether it was shown the sampled answers too."""
    answers_of: str
    """The fingerprint of the model whose answers it was trained on."""
    runs: tuple[str, ...]
    """Where its labels are from."""
    datasets: tuple[str, ...]
    """The names of their sets."""
    labels: int
    """Graded answers that it was trained on, of the calibration half alone."""
    accuracy: float
    """Their share of correct ones."""
    folds: int
    """Adapters or readouts that each saw all labels but a part."""
    questions: tuple[str, ...]
    """The keys of the questions that it was trained on: see `question_key`."""
    layers: tuple[int, int]
    """The first adapted layer, or the one that is read, counted from 1, and the number of layers."""
    rank: int
    """Of the adapter; 0: it is a readout."""
    kl_weight: float
    """Of the divergence from the unchanged model in the loss; 0 of a readout."""
    epochs: int
    """Passes over the labels, chosen by cross-validation; 0: it is a readout, which has none."""
    curve: tuple[float, ...]
    """Cross-entropy of held-out answers after each epoch, in nats; empty: it is a readout."""
    temperature: float
    """Log-odds of True are divided by it."""
    offset: float
    """Added to them before."""
    metrics: dict[Literal["zero_shot", "trained"], dict[MetricName, Metric]]
    """On the same answers; trained: each by an adapter or readout and a temperature that did not see it."""
    weights: str
    """SHA-256 over the adapters' weights, or of the readouts' file."""
    seconds: float
    """That the training took."""
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def version(self) -> str:
        """The name and ten hexadecimal digits of the content, apart from name and time."""
        return f"{self.name}@{self.digits}"

    @property
    def digits(self) -> str:
        """Those of the version."""
        left_out = {"name", "created_at", "seconds"}
        left_out |= {"method"} if self.method == "lora" else set()  # Older versions do not name it.
        return sha256(self.model_dump_json(exclude=left_out))[:10]

    @property
    def reliability(self) -> Reliability:
        """How it ranked the answers that it was not trained on."""
        found = self.metrics["trained"]["auroc"]
        return Reliability(found.value, found.low, found.high, self.labels, self.digits)

    def mismatch(self, engine: Engine, form: Form) -> str:
        """Why it does not verify for this engine, as a sentence; "" where it does."""
        able, readout = engine.capabilities, self.method == "readout"
        if readout and able.hidden_states == "none":
            return f"The {engine.name} engine shows no hidden states; use the engine of {self.model}."
        if not readout and not able.adapters:
            return (
                f"The {engine.name} engine cannot switch an adapter on for one call; use engine=huggingface."
            )
        if self.model != engine.fingerprint:
            kind = "a readout of" if readout else "an adapter for"
            return f"It is {kind} {self.model}, and the model is {engine.fingerprint}."
        if self.prompt != prompts.fingerprint():
            return "It was trained under other prompt templates."
        if self.form != form:
            return f"It was trained with grounding.verifier_form={self.form}."
        return ""


@dataclass(frozen=True, slots=True)
class InUse:
    """A trained verifier and where its weights are."""

    verifier: TrainedVerifier
    home: Path

    @property
    def folder(self) -> Path:
        """Of its weights."""
        return verifier_folder(self.home, self.verifier)

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The folders of all of its adapters; a readout has none."""
        if self.verifier.method == "readout":
            return ()
        return tuple(self.folder / part for part in parts(self.verifier.folds))

    def part(self, question: str) -> str:
        """The one that verifies an answer to a question: it was not trained on it."""
        key = question_key(question)
        return fold_name(fold(key, self.verifier.folds)) if key in self.verifier.questions else WHOLE

    def adapter(self, question: str) -> Path:
        """The folder of the adapter that verifies an answer to a question: one that was not trained on it."""
        return self.folder / self.part(question)


def verifier_folder(home: Path, verifier: TrainedVerifier) -> Path:
    """Where the weights of a verifier are."""
    return home / FOLDER / verifier.digits


def parts(folds: int) -> tuple[str, ...]:
    """The names of a verifier's parts: the one fitted on all labels, and those of its folds."""
    return (WHOLE, *map(fold_name, range(folds)))


def fold_name(number: int) -> str:
    """The part that did not see a fold; of an adapter, its folder in the verifier's folder."""
    return f"without-{number}"


def question_key(question: str) -> str:
    """16 hexadecimal digits by which a question is known again, whatever its case and punctuation."""
    return sha256(normalise(question))[:16]


def fold(key: str, folds: int) -> int:
    """The fold of a question, by its key alone."""
    return int(key, 16) % folds
