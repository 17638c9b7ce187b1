"""Saved probes as they are listed, with advice on what to do with them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from codex.signals.probes import Gain, Probes
from codex.store.versions.versions import SavedVersion
from codex.types import ProbeTarget, Side

MINUS = "\N{MINUS SIGN}"
GAIN: JsonDict = {
    "questions": 120,
    "signals": 0.81,
    "probe": 0.84,
    "gain": 0.05,
    "low": 0.02,
    "high": 0.08,
}
PROBES: JsonDict = {
    "version": "probe@0a1b2c3d4e",
    "name": "probe",
    "active": True,
    "created_at": "2026-01-31T12:00:00Z",
    "model": "huggingface:smollm2-135m-instruct:fp32",
    "targets": ["answer", "question", "entropy"],
    "runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"],
    "datasets": ["capitals"],
    "questions": 120,
    "sides": ["calibration"],
    "accuracy": 0.58,
    "in_domain": {"": GAIN, "capitals": GAIN},
    "left_out": {},
    "advice": "They help: activate them, and fit a calibrator on the same runs.",
}


class SavedProbes(BaseModel):
    """Saved probes, without their weights."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_extra={"examples": [PROBES]}
    )

    version: str
    """Of their content, and the name that they had at first; it never changes."""
    name: str
    active: bool
    created_at: datetime
    model: str
    """The fingerprint of the engine whose hidden states they read."""
    targets: tuple[ProbeTarget, ...]
    """What they tell: whether the answer is correct, whether the model knows it, its semantic entropy."""
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    questions: int
    """Answers that they were fitted on."""
    sides: tuple[Side, ...]
    """The sides of the split that these are on."""
    accuracy: float | None
    """Their share of correct ones; null: they had no labels."""
    in_domain: dict[str, Gain]
    """By dataset, and of all under "": fitted on questions of the same dataset too, cross-fitted."""
    left_out: dict[str, Gain]
    """By dataset: fitted on the other datasets alone."""
    advice: str
    """Whether they help, and what to do next."""

    @classmethod
    def of(cls, saved: SavedVersion) -> SavedProbes:
        """Probes as they are stored."""
        made = Probes.model_validate_json(saved.body)
        return cls(
            version=saved.version,
            name=saved.name,
            active=saved.active,
            created_at=saved.created_at,
            model=made.model,
            targets=made.targets,
            runs=made.runs,
            datasets=made.datasets,
            questions=made.questions,
            sides=made.sides,
            accuracy=made.accuracy,
            in_domain=made.in_domain,
            left_out=made.left_out,
            advice=advice(made),
        )

    @property
    def helps(self) -> bool:
        """Whether the probe of the answer adds to the signals in its own domain, by its interval."""
        return "" in self.in_domain and self.in_domain[""].low > 0


def advice(made: Probes) -> str:
    """Whether probes help, and what to do next."""
    whole = made.in_domain.get("")
    if "answer" not in made.targets:
        return (
            "They foretell the semantic entropy alone, since too few answers have labels. Grade more, and "
            "train again."
        )
    if whole is None:
        return "There are too few labels to say whether they help. Grade more answers, and train again."
    if not made.helps:
        interval = f"[{whole.low:+z.3f}, {whole.high:+z.3f}]".replace("-", MINUS)
        return (
            f"They do not measurably help: the gain's 95% interval {interval} reaches 0, so a calibrator "
            "leaves the probe out. Grade more answers, or keep the signals as they are."
        )
    where = ""
    if made.left_out and not made.travels:
        where = " On datasets that they were not trained on they do not measurably help."
    elif not made.left_out:
        where = " Whether they help on other datasets is not known: only one was trained on."
    return (
        f"They help: with the probe, the AUROC of the signals rises by {whole.gain:.3f} on the same datasets."
        f"{where} Next, fit a calibrator on the same runs, and activate both."
    )
