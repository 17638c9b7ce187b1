"""Probes over HTTP: trained on runs, activated, rolled back and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from codex.ask.workbench import Workbench
from codex.numbers import NumbersAsSuch
from codex.server.guard import GuardedRoute
from codex.server.jobs import EXAMPLE, JobBody
from codex.server.names import NAMED, ActivateBody, RenameBody, Version
from codex.server.routes import Bench, errors
from codex.training.saved_probes import SavedProbes
from codex.training.trainings import Trainings

router = APIRouter(prefix="/probes", tags=["training"], route_class=GuardedRoute)


Share = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)]


class TrainProbesBody(NumbersAsSuch):
    """What probes are to be trained on."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"], "name": "autumn"}]},
    )

    runs: list[str] = Field(
        min_length=1, max_length=100, description="The ids of runs of the model that is loaded."
    )
    name: str = Field("probe", strict=True, description="What they are called.", json_schema_extra=NAMED)
    layers: list[Share] | None = Field(
        None,
        min_length=1,
        max_length=16,
        description="The layers that are tried, as shares of the depth; null: five of them, or the last one "
        "where the engine shows no other.",
    )


class TrainingBody(JobBody):
    """A training in the background."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE | {"kind": "train", "about": "", "title": "Training autumn", "unit": "answers"}
            ]
        }
    )


class ActiveProbesBody(BaseModel):
    """Which probes are active."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "autumn@0a1b2c3d4e"}]})

    version: str | None = Field(description="null: none, so that no hidden states are read.")


def trainings_of(request: Request) -> Trainings:
    """The trainings of the application."""
    trainings: Trainings = request.app.state.trainings
    return trainings


AppTrainings = Annotated[Trainings, Depends(trainings_of)]


@router.get("", summary="List the probes", responses=errors(503))
def list_probes(workbench: Bench) -> list[SavedProbes]:
    """The saved probes, the newest first."""
    return [SavedProbes.of(saved) for saved in workbench.store.probes.list()]


@router.post("/train", summary="Train probes", status_code=202, responses=errors(404, 409, 501, 503))
def train(body: TrainProbesBody, trainings: AppTrainings) -> TrainingBody:
    """Fit probes of the hidden states to half of the questions of runs, in the background.

    They are not active yet. What they read is kept with the answers of the runs, for a calibrator to combine
    with the other signals. `about` of the job that is done is the version.
    """
    return TrainingBody(**JobBody.of(trainings.probes(body.runs, body.name, body.layers)).model_dump())


@router.post("/activate", summary="Activate probes", responses=errors(404, 503))
def activate_probes(body: ActivateBody, workbench: Bench) -> ActiveProbesBody:
    """Read hidden states by these probes from the next question on; null: by none."""
    workbench.active.activate_probes(body.version)
    return _active(workbench)


@router.post("/rollback", summary="Undo the last activation of probes", responses=errors(409, 503))
def rollback_probes(workbench: Bench) -> ActiveProbesBody:
    """Returns the probes that are active now."""
    workbench.active.rollback_probes()
    return _active(workbench)


@router.get("/{version:any_name}", summary="Read probes", responses=errors(404, 503))
def read_probes(version: Version, workbench: Bench) -> SavedProbes:
    """Saved probes with what they add to the other signals."""
    return SavedProbes.of(workbench.store.probes.load(version))


@router.patch("/{version:any_name}", summary="Rename probes", responses=errors(404, 503))
def rename_probes(version: Version, body: RenameBody, workbench: Bench) -> SavedProbes:
    """Call probes something else; their version stays."""
    workbench.store.probes.rename(version, body.name)
    return SavedProbes.of(workbench.store.probes.load(version))


@router.delete(
    "/{version:any_name}", summary="Delete probes", status_code=204, responses=errors(404, 409, 503)
)
def delete_probes(version: Version, workbench: Bench) -> None:
    """Delete probes that are not active."""
    workbench.store.probes.delete(version)


def _active(workbench: Workbench) -> ActiveProbesBody:
    active = workbench.store.probes.active()
    return ActiveProbesBody(version=active.version if active else None)
