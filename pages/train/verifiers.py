"""Verifiers as the Train page shows them: before and after the training, and epoch by epoch. Plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codex.calibration.calibrator import MetricName
from codex.grounding.trained import Method
from codex.pages import JSON, Fact
from codex.pages.train.view import runs_of, saved_view
from codex.pages.versions import metrics_row
from codex.text import percent
from codex.training.saved_verifiers import SavedVerifier
from codex.training.verifier import Epoch

SHOWN: tuple[MetricName, ...] = ("auroc", "ece", "ece_excess", "brier")
"""The metrics of a verifier, in this order."""
PARTS: dict[Method, str] = {"readout": "a readout", "lora": "an adapter"}
HEIGHT = 220
"""Pixels of a plot."""


def verifier_view(saved: SavedVerifier, names: Mapping[str, str], mismatch: str, verified: bool) -> JSON:
    """A saved verifier. names: of the runs that are still there, by id.

    mismatch: why it does not verify now; "": it does. verified: whether it has verified its runs.
    """
    before, after = (saved.metrics[kind] for kind in ("zero_shot", "trained"))
    return {
        **saved_view("verifier", saved, names),
        "mismatch": f"Not used now. {mismatch}" if mismatch else "",
        "method": saved.method,
        "auroc": after["auroc"].value,
        "rows": [
            metrics_row("before", "Zero-shot: the model as it is", before),
            metrics_row("after", f"Trained; each answer by {PARTS[saved.method]} that did not see it", after),
        ],
        "verified": verified,
        "facts": _facts(saved, names),
    }


def course_view(epochs: Sequence[Epoch]) -> JSON | None:
    """How a training went so far, as two plots; None before the model was measured as it is."""
    if not epochs:
        return None
    at = [epoch.number for epoch in epochs]
    calibration = [
        line("AUROC", at, [epoch.auroc for epoch in epochs], "var(--cx-accent)", "solid"),
        line("ECE", at, [epoch.ece for epoch in epochs], "var(--cx-answer)", "dash"),
    ]
    losses = [line("held out", at, [epoch.heldout for epoch in epochs], "var(--cx-accent)", "solid")]
    # Plotly redraws no plot of which a line was empty.
    if trained := [(epoch.number, epoch.loss) for epoch in epochs if epoch.loss is not None]:
        numbers, values = zip(*trained, strict=True)
        losses.append(line("training", numbers, values, "var(--cx-muted)", "dot"))
    return {
        "epochs": len(epochs),
        "of": "epochs",
        "calibration": figure("AUROC and ECE of held-out answers", calibration, "", {"range": [0, 1]}),
        "loss": figure("Loss", losses, "nats", {}),
    }


def line(
    name: str, x: Sequence[int], y: Sequence[float | None], colour: str, dash: str, of: str = "epoch"
) -> JSON:
    """A line of a plot. of: what x counts."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"color": colour, "size": 6},
        "hovertemplate": f"{name} %{{y:.3f}}, {of} %{{x}}<extra></extra>",
    }


def figure(title: str, traces: Sequence[JSON], unit: str, axis: JSON, of: str = "epoch") -> JSON:
    """A plot over epochs, the 0th of which is before the training, or over updates."""
    below = {"title": {"text": "epoch (0: before)"}, "dtick": 1} if of == "epoch" else {"title": {"text": of}}
    return {
        "data": list(traces),
        "layout": {
            "title": {"text": title},
            "height": HEIGHT,
            "showlegend": True,
            "xaxis": {**below, "rangemode": "tozero"},
            "yaxis": {"title": {"text": unit}, "rangemode": "tozero", **axis},
        },
    }


def _facts(saved: SavedVerifier, names: Mapping[str, str]) -> list[Fact]:
    return [
        ("answers", f"{saved.labels:,}, {percent(saved.accuracy)} correct"),
        ("datasets", ", ".join(saved.datasets)),
        ("runs", runs_of(saved.runs, names)),
        ("model", saved.model),
        *_learned(saved),
        ("temperature", f"{saved.temperature:.2f}"),
        ("training", f"{saved.seconds:,.0f} s"),
        ("trained", {"at": saved.created_at.isoformat()}),
    ]


def _learned(saved: SavedVerifier) -> list[Fact]:
    first, depth = saved.layers
    if saved.method == "readout":
        return [("readout", f"layer {first} of {depth}, logistic")]
    curve = ", ".join(f"{entropy:.3f}" for entropy in saved.curve)
    return [
        ("epochs", f"{saved.epochs} of the {len(saved.curve)} tried"),
        ("held-out loss by epoch", f"{curve} nats"),
        ("adapter", f"layers {first} to {depth}, rank {saved.rank}"),
    ]
