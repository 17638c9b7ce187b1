"""Runs and their questions as the Evaluate page shows them: plain JSON, made without Gradio or a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from codex import figures
from codex.calibration.glossary import GLOSSARY, Metric, glossary_view
from codex.evaluation.scoring import Scores
from codex.grading.kinds import told
from codex.jobs import Job
from codex.pages import JSON, Fact
from codex.pages.ask.evidence import evidence_view
from codex.pages.ask.token_texts import token_texts
from codex.pages.ask.view import samples_view, signals_view, token_view, weakest
from codex.policy import Policy
from codex.signals import REGISTRY, label_of
from codex.signals.focus import focus_mask
from codex.store.codec.nouns import encode
from codex.store.evaluation.runs import RunSummary
from codex.text import percent
from codex.types import Record

CONFIDENCE = ("auroc", "prr", "ece", "ece_excess", "brier", "nll")
"""Metrics of the confidence that are shown of a run."""
METRICS = ("accuracy", "auroc", "ece", "coverage")
"""Those that the page's tables have as columns."""


def board_heads() -> dict[str, dict[str, str]]:
    """The columns of metrics on the leaderboard: what each is called and says."""
    accuracy, auroc, ece = (GLOSSARY[name] for name in ("accuracy", "auroc", "ece"))
    own = "It is cross-fitted on the run's own answers, not from the active calibrator."
    heads = {
        "accuracy": accuracy,
        "best_auroc": Metric("Best signal", f"AUROC of the signal that ranks best. {auroc.says}"),
        "auroc": Metric("Confidence", f"AUROC of the confidence. {auroc.says} {own}"),
        "ece": Metric(ece.name, f"{ece.says} {own}"),
    }
    return {key: head._asdict() for key, head in heads.items()}


def run_line(
    summary: RunSummary, *, running: bool, measured: JSON | None, note: str = "", failure: str = ""
) -> JSON:
    """One line of the leaderboard.

    running: it is being asked now. measured: {best, best_auroc, auroc, ece}, None while they are not
    known; note: why they never will be, "" when they can; failure: why every question failed, if so.
    """
    run = summary.run
    graded = summary.correct + summary.incorrect
    state = "running" if running else "stopped" if run.state in ("running", "cancelled") else run.state
    if failure and state == "done":
        state = "failed"
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset,
        "model": run.model,
        "state": state,
        "resumable": not running and summary.done < run.total and run.params.questions is not None,
        "extendable": not running and run.params.questions is not None and run.params.limit is not None,
        "done": summary.done,
        "total": run.total,
        "failed": summary.failed,
        "graded": graded,
        "labels": summary.labels,
        "accuracy": summary.correct / graded if graded else None,
        "created": run.created_at.isoformat(),
        "scoring": measured is None and not note and not running,
        "note": note,
        "failure": failure,
        **(measured or {"best": None, "best_auroc": None, "auroc": None, "ece": None}),
    }


def run_facts(summary: RunSummary) -> list[Fact]:
    """How a run was asked and graded."""
    run, params = summary.run, summary.run.params
    temperature, n_samples = params.samples.temperature, params.n_samples
    asked = f"{n_samples} samples" if n_samples is not None else "unknown"
    if n_samples and params.adaptive:
        asked = f"at most {asked}, fewer where the first ones settled it"
    if n_samples and temperature is not None:
        asked += f" at temperature {temperature:g}"
    facts: list[Fact] = [
        ("dataset", f"{run.dataset}{_split(params.split)}"),
        ("model", run.model),
        ("asked", {"at": run.created_at.isoformat()}),
        ("samples", asked),
        ("evidence", "passages in the prompt" if params.evidence else "none"),
        ("graded as", told(summary.graders) or params.grader or "the kind of each answer"),
    ]
    if said := summary.by_person_in_words:
        facts.append(("labels", said))
    if run.prompt:
        facts.append(("prompt", run.prompt))
    if params.overrides:
        facts.append(("settings", ", ".join(params.overrides)))
    return facts


def standing(scores: Scores) -> JSON:
    """What the leaderboard says of a run's scores."""
    ranked = _ranked(scores)
    best, confidence = next(iter(ranked), None), scores.confidence
    return {
        "best": label_of(best) if best else None,
        "best_auroc": scores.signals[best].auroc if best else None,
        "auroc": confidence.auroc if confidence else None,
        "ece": confidence.ece if confidence else None,
    }


def scores_view(scores: Scores) -> JSON | None:
    """A run's signals, best first, as a figure and as a choice, and the metrics of its confidence.

    None where nothing tells correct answers from incorrect ones.
    """
    ranked = _ranked(scores)
    if not ranked:
        return None
    labels = [(name, label_of(name)) for name in ranked]
    found = [(label, scores.signals[name].auroc, scores.signals[name].auroc_ci) for name, label in labels]
    if scores.confidence and scores.confidence.auroc is not None:
        found.append(("Cross-fitted confidence", scores.confidence.auroc, scores.confidence.auroc_ci))
    ranking = figures.interval_bars(
        [label for label, _, _ in found],
        [math.nan if value is None else value for _, value, _ in found],
        [math.nan if ci is None else ci[0] for _, _, ci in found],
        [math.nan if ci is None else ci[1] for _, _, ci in found],
        title="AUROC of each signal, with 95% intervals",
    )
    return {
        "ranking": ranking,
        "table": {
            "head": ["signal", "AUROC", "95% from", "to"],
            "rows": [[label, value, *(ci or (None, None))] for label, value, ci in found],
        },
        "signals": labels,
        "pair": [ranked[0], _unlike(ranked)],
        "accuracy": {"interval": scores.accuracy_ci},
        "confidence": [
            {
                **metric,
                "value": getattr(scores.confidence, name),
                "interval": getattr(scores.confidence, f"{name}_ci"),
            }
            for name, metric in glossary_view(CONFIDENCE).items()
        ]
        if scores.confidence
        else [],
        "source": scores.confidence.source if scores.confidence else "",
    }


def ended_words(job: Job) -> str | None:
    """How asking ended, in words; None while it goes on, or when it failed."""
    done = job.result
    if job.state == "cancelled":
        return "Stopped. The answers so far are saved; the run can be resumed."
    if job.state != "done" or not isinstance(done, RunSummary):
        return None
    graded = done.correct + done.incorrect
    words = f"{graded:,} answers graded"
    words += f", {percent(done.correct / graded)} correct" if graded else ""
    return words + (f", {done.failed:,} failed" if done.failed else "")


def record_view(record: Record, confidence: float | None, source: str, policy: Policy) -> JSON:
    """A question with its answer, in the shape in which the Ask page's parts show a trace.

    source: where the confidence comes from, in words.
    """
    observation = record.observation
    generation = observation.generation
    cut = token_texts(generation.tokens, generation.text)
    focus = focus_mask(observation)
    return {
        **encode(record, without=("observation", "signals")),
        "question": observation.question,
        "confidence": confidence,
        "source": source,
        "rules": policy.model_dump(mode="json")["rules"],
        "last": {
            "tokens": [
                token_view(token, text, given=index < generation.prefix_tokens)
                for index, (token, text) in enumerate(zip(generation.tokens, cut.texts, strict=True))
            ],
            "text": generation.text,
            "units": cut.units,
            "words": cut.words,
            "focus": focus,
            "weakest": weakest(generation, focus),
            "generation": encode(generation, without=("text", "tokens")),
            "samples": samples_view(observation),
            "signals": signals_view(record.signals),
            "evidence": evidence_view(observation, cut.texts) | {"note": "", "looked": False},
        },
    }


def number(value: float | np.floating[Any] | None) -> float | None:
    """A number for JSON: what is not finite is missing."""
    return float(value) if value is not None and math.isfinite(value) else None


def _ranked(scores: Scores) -> list[str]:
    """The signals that are there, best first."""
    known = {name: one.auroc for name, one in scores.signals.items() if one.auroc is not None}
    return sorted(known, key=lambda name: -known[name])


def _unlike(ranked: Sequence[str]) -> str:
    """The best signal that needs something else than the very best one does, to be set against it."""

    def needs(name: str) -> object:
        known = REGISTRY.get(name)
        return known.needs if known else None

    return next((name for name in ranked if needs(name) != needs(ranked[0])), ranked[min(1, len(ranked) - 1)])


def _split(split: object) -> str:
    return f", {split} half" if split in ("calibration", "test") else ""
