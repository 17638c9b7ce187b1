"""Saved verifiers as they are listed, with advice on what to do with them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from codex.ask.verifying import stored
from codex.calibration.calibrator import Metric, MetricName
from codex.grounding.form import Form
from codex.grounding.trained import Method, TrainedVerifier
from codex.store.versions.versions import SavedVersion

AUROC: JsonDict = {"value": 0.78, "low": 0.7, "high": 0.85}
VERIFIER: JsonDict = {
    "version": "verifier@0a1b2c3d4e",
    "name": "verifier",
    "active": True,
    "created_at": "2026-01-31T12:00:00Z",
    "method": "lora",
    "model": "huggingface:smollm2-135m-instruct:fp32",
    "prompt": "0a1b2c3d4e5f",
    "form": "plain",
    "answers_of": "huggingface:smollm2-135m-instruct:fp32",
    "runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"],
    "datasets": ["capitals"],
    "labels": 120,
    "accuracy": 0.58,
    "folds": 3,
    "layers": [21, 30],
    "rank": 8,
    "kl_weight": 1.0,
    "epochs": 2,
    "curve": [0.64, 0.61, 0.62],
    "temperature": 1.1,
    "offset": -0.4,
    "metrics": {"zero_shot": {"auroc": AUROC | {"value": 0.61, "low": 0.52}}, "trained": {"auroc": AUROC}},
    "seconds": 240.0,
    "advice": "It ranks answers better than the model as it is.",
}


class SavedVerifier(BaseModel):
    """A saved verifier, without its weights and the questions that it was trained on."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_extra={"examples": [VERIFIER]}
    )

    version: str
    """Of its content, and the name that it had at first; it never changes."""
    name: str
    active: bool
    created_at: datetime
    method: Method
    """A readout of the model's hidden states, or a LoRA adapter."""
    model: str
    """The fingerprint of the engine that verifies with it."""
    prompt: str
    """The fingerprint of the prompt templates that it was trained under."""
    form: Form
    """Whether it was shown the sampled answers too."""
    answers_of: str
    """The fingerprint of the model whose answers it was trained on."""
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    labels: int
    """Graded answers that it was trained on, of the calibration half alone."""
    accuracy: float
    """Their share of correct ones."""
    folds: int
    """Adapters or readouts that each saw all labels but a part."""
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
    offset: float
    metrics: dict[Literal["zero_shot", "trained"], dict[MetricName, Metric]]
    """On the same answers; trained: each by an adapter or readout and a temperature that did not see it."""
    seconds: float
    """That the training took."""
    advice: str
    """Whether it helps, and what to do next."""

    @classmethod
    def of(cls, saved: SavedVersion) -> SavedVerifier:
        """A verifier as it is stored."""
        made = stored(saved)
        told = {
            name: getattr(made, name) for name in cls.model_fields if name in TrainedVerifier.model_fields
        }
        whole = told | {"name": saved.name, "created_at": saved.created_at}
        return cls(version=saved.version, active=saved.active, advice=advice(made), **whole)

    @property
    def helps(self) -> bool:
        """Whether it ranks answers better than the model as it is, its interval above that one's value."""
        return helps(self.metrics)


def helps(metrics: dict[Literal["zero_shot", "trained"], dict[MetricName, Metric]]) -> bool:
    """Whether the trained verifier's AUROC is above the untrained one's, with all of its interval."""
    return metrics["trained"]["auroc"].low > metrics["zero_shot"]["auroc"].value


def advice(made: TrainedVerifier) -> str:
    """Whether a verifier helps, and what to do next."""
    before, after = (made.metrics[kind]["auroc"].value for kind in ("zero_shot", "trained"))
    told = f"AUROC {after:.3f} on answers that it has not seen, {before:.3f} before the training"
    if not made.reliability.is_sufficient:
        return (
            f"Its AUROC is not clearly above chance ({told}), so P(True) stays missing while it is active. "
            "Train it on more answers, or train a larger model."
        )
    if helps(made.metrics):
        return (
            f"It helps: {told}. Next, verify its runs with it, fit a calibrator on them, and activate both."
        )
    return (
        f"It does not measurably rank answers better than the model as it is: {told}. Grade more answers, or "
        "keep the model as it is."
    )
