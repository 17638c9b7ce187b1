"""Calibrators over HTTP: fitted on runs, exported, activated, rolled back, renamed and deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.calibration.calibrator import Metric, MetricName
from codex.errors import InvalidInput
from codex.evaluation.calibrating import (
    Counts,
    Target,
    answers_of,
    calibrate,
    delete,
    guarantee,
    keep,
    labelled_runs,
    with_guarantee,
)
from codex.jobs import Job, JobProgress
from codex.numbers import NumbersAsSuch
from codex.server.guard import GuardedRoute
from codex.server.jobs import EXAMPLE, AppJobs, JobBody
from codex.server.names import ActivateBody, RenameBody, Version
from codex.server.routes import Bench, errors
from codex.store.versions.versions import SavedVersion

router = APIRouter(prefix="/calibrators", tags=["calibrators"], route_class=GuardedRoute)

KIND = "calibrate"
"""Of the jobs that fit."""

Level = Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)]


CALIBRATOR: JsonDict = {
    "version": "autumn@0a1b2c3d4e",
    "name": "autumn",
    "active": True,
    "created_at": "2026-01-31T12:00:00Z",
    "method": "platt",
    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
    "runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"],
    "datasets": ["capitals"],
    "questions": 120,
    "accuracy": 0.58,
    "holds_out": True,
    "metrics": {"after": {"auroc": {"value": 0.81, "low": 0.72, "high": 0.89}}},
    "mismatch": "",
}


EXPORTED: JsonDict = {"name": "autumn", "method": "platt", "design": {}, "map": {}, "metrics": {}}
"""A part of what is sent."""


class FitBody(NumbersAsSuch):
    """What a calibrator is to be fitted on, and for."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"], "name": "autumn", "alpha": 0.1, "delta": 0.05}
            ]
        },
    )

    runs: list[str] = Field(min_length=1, max_length=100, description="The ids of runs, asked in one way.")
    method: Literal["auto", "none", "temperature", "platt", "isotonic", "venn_abers"] = Field(
        "auto", description="auto: chosen by Brier score."
    )
    name: str = Field(
        "calibrator",
        strict=True,
        max_length=80,
        description="What it is called.",
        json_schema_extra={"pattern": "^[^@]*[^@\\s][^@]*$"},
    )
    alpha: Level | None = Field(
        0.1, description="At most this share of the answers given is to be incorrect; null: no guarantee."
    )
    delta: Level = Field(0.05, description="1 minus the confidence level of that.")
    sets: Level | None = Field(
        0.1, description="The share of prediction sets that may lack the correct answer; null: no sets."
    )


class GuaranteeBody(NumbersAsSuch):
    """What is to be guaranteed of the answers given."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"version": "autumn@0a1b2c3d4e", "alpha": 0.1, "delta": 0.05, "activate": False}]
        },
    )

    version: str = Field(description="Of the calibrator.")
    alpha: Level = Field(0.1, description="At most this share of the answers given is to be incorrect.")
    delta: Level = Field(0.05, description="1 minus the confidence level of that.")
    activate: bool = Field(
        False, strict=True, description="Activate the calibrator, and the policy with the guarantee."
    )


class ProvenBody(BaseModel):
    """A guarantee, or why there is none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "holds": True,
                    "words": "At most 10% of the answers given are incorrect, at the 95% confidence level.",
                    "policy": "autumn@0a1b2c3d4e",
                    "counts": {"graded": 130, "duplicates": 26, "to_fit": 70, "held_out": 34},
                }
            ]
        }
    )

    holds: bool
    words: str
    policy: str | None = Field(description="The version of the policy that carries it, which is saved.")
    counts: Counts = Field(description="Which answers it rests on: those held out.")


class FitJobBody(JobBody):
    """A fit in the background."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE
                | {"kind": "calibrate", "about": "", "title": "Fitting autumn", "unit": "fits"}
                | {"counts": {"graded": 130, "duplicates": 26, "to_fit": 70, "held_out": 34}}
            ]
        }
    )

    counts: Counts = Field(description="Which answers it is fitted on, and which are held out.")


class SavedCalibratorBody(BaseModel):
    """A saved calibrator."""

    model_config = ConfigDict(json_schema_extra={"examples": [CALIBRATOR]})

    version: str = Field(description="Of its content, and the name that it had at first; it never changes.")
    name: str
    active: bool
    created_at: datetime
    method: str
    model: str = Field(description="The fingerprint of the engine whose answers it was fitted on.")
    runs: list[str]
    datasets: list[str]
    questions: int = Field(description="Graded answers that it was fitted on.")
    accuracy: float = Field(description="Their share of correct ones.")
    holds_out: bool = Field(
        description="Whether others were held out, for guarantees to rest on; false: it was fitted on all."
    )
    metrics: dict[Literal["before", "after"], dict[MetricName, Metric]] = Field(
        description="Cross-fitted; before: without the map."
    )
    mismatch: str = Field(description="Why it does not hold for the present settings; empty: it does.")

    @classmethod
    def of(cls, saved: SavedVersion, workbench: Workbench) -> SavedCalibratorBody:
        """A calibrator as it is stored, beside the present settings."""
        made = Calibrator.model_validate_json(saved.body)
        return cls(
            version=saved.version,
            name=saved.name,
            active=saved.active,
            created_at=saved.created_at,
            method=made.method,
            model=made.model,
            runs=list(made.runs),
            datasets=list(made.datasets),
            questions=made.questions,
            accuracy=made.accuracy,
            holds_out=made.holds_out,
            metrics=made.metrics,
            mismatch=workbench.active.mismatch(made),
        )


class ActiveBody(BaseModel):
    """Which calibrator is active."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "autumn@0a1b2c3d4e"}]})

    version: str | None = Field(description="null: none, so that confidences are estimated.")


class ActivationBody(BaseModel):
    """One change of which calibrator is active."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"version": "autumn@0a1b2c3d4e", "activated_at": "2026-01-31T12:00:00Z", "undone": False}
            ]
        }
    )

    version: str | None = Field(description="null: none was active from then on.")
    activated_at: datetime
    undone: bool = Field(description="It was rolled back.")


@router.get("", summary="List the calibrators", responses=errors(503))
def list_calibrators(workbench: Bench) -> list[SavedCalibratorBody]:
    """The saved calibrators, the newest first."""
    return [SavedCalibratorBody.of(saved, workbench) for saved in workbench.store.calibrators.list()]


@router.post("/fit", summary="Fit a calibrator", status_code=202, responses=errors(404, 409, 503))
def fit(body: FitBody, workbench: Bench, jobs: AppJobs) -> FitJobBody:
    """Fit on half of the questions of runs and save it, in the background; it is not active yet.

    Where the other half proves the guarantee, its policy is saved too. `about` of the job that is done is
    the version.
    """
    store, embed = workbench.store, workbench.embed_questions
    target = None if body.alpha is None else Target(body.alpha, body.delta, workbench.active.policy)
    counts = labelled_runs(store, body.runs).counts

    def work(job: Job) -> Calibrator:
        def progress(done: int, total: int) -> None:
            job.report(JobProgress(done, total, "fits"))

        wanted = (body.method, target, body.name)
        made = calibrate(store, body.runs, *wanted, progress, job.cancel, body.sets, embed)
        job.about = made.version
        return made

    job = JobBody.of(jobs.start(KIND, f"Fitting {body.name.strip()}", work))
    return FitJobBody(**job.model_dump(), counts=counts)


@router.post("/activate", summary="Activate a calibrator", responses=errors(404, 503))
def activate_calibrator(body: ActivateBody, workbench: Bench) -> ActiveBody:
    """Let a calibrator give the confidence from the next question on; null: none."""
    workbench.active.activate_calibrator(body.version)
    return _active(workbench)


@router.post("/rollback", summary="Undo the last activation of a calibrator", responses=errors(409, 503))
def rollback_calibrator(workbench: Bench) -> ActiveBody:
    """Returns the calibrator that is active now."""
    workbench.active.rollback_calibrator()
    return _active(workbench)


@router.post("/guarantee", summary="Guarantee a risk", responses=errors(404, 503))
def prove(body: GuaranteeBody, workbench: Bench) -> ProvenBody:
    """The threshold at which the held-out half of a calibrator's runs proves the risk, or why there is none.

    It rests on the rules of the active policy.
    """
    saved = workbench.store.calibrators.load(body.version)
    made = Calibrator.model_validate_json(saved.body)
    if not made.runs:
        raise InvalidInput(
            made.why_unproven
            or f"{saved.title} was fitted on answers of no run, so there is no held-out half here. "
            "Fit one on a run.",
            ["version"],
        )
    target = Target(body.alpha, body.delta, workbench.active.policy)
    labelled = answers_of(workbench.store, made)
    found = guarantee(labelled, made, target)
    policy = with_guarantee(target.policy, found, made)
    if policy is not None:
        keep(workbench.store, made, policy)
        if body.activate:
            workbench.active.activate(saved.version, policy)
    return ProvenBody(
        holds=policy is not None,
        words=str(found),
        policy=policy.version if policy else None,
        counts=labelled.counts,
    )


@router.get("/history", summary="List the activations of calibrators", responses=errors(503))
def list_activations(workbench: Bench) -> list[ActivationBody]:
    """Which calibrator was activated when, the newest first."""
    return [
        ActivationBody(version=each.version, activated_at=each.activated_at, undone=each.undone)
        for each in workbench.store.calibrators.history()
    ]


@router.get(
    "/{version:any_name}/export",
    summary="Export a calibrator",
    response_class=Response,
    responses={200: {"content": {"application/json": {"example": EXPORTED}}}, **errors(404, 503)},
)
def export_calibrator(version: Version, workbench: Bench) -> Response:
    """All of a calibrator, as `codex calibrate -o` writes it."""
    return Response(workbench.store.calibrators.load(version).body, media_type="application/json")


@router.get("/{version:any_name}", summary="Read a calibrator", responses=errors(404, 503))
def read_calibrator(version: Version, workbench: Bench) -> SavedCalibratorBody:
    """A saved calibrator with its metrics."""
    return SavedCalibratorBody.of(workbench.store.calibrators.load(version), workbench)


@router.patch("/{version:any_name}", summary="Rename a calibrator", responses=errors(404, 503))
def rename_calibrator(version: Version, body: RenameBody, workbench: Bench) -> SavedCalibratorBody:
    """Call a calibrator something else; its version stays, so that guarantees still refer to it."""
    workbench.store.calibrators.rename(version, body.name)
    return SavedCalibratorBody.of(workbench.store.calibrators.load(version), workbench)


@router.delete(
    "/{version:any_name}", summary="Delete a calibrator", status_code=204, responses=errors(404, 409, 503)
)
def delete_calibrator(version: Version, workbench: Bench) -> None:
    """Delete a calibrator that is not active, does not ship with Codex, and that no guarantee rests on."""
    delete(workbench.store, version)


def _active(workbench: Workbench) -> ActiveBody:
    active = workbench.active.calibrator
    return ActiveBody(version=active.version if active else None)
