"""Trainings of the model itself over HTTP: started, resumed, listed, loaded and deleted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from codex.server.guard import GuardedRoute
from codex.server.jobs import EXAMPLE, JobBody
from codex.server.routes import errors
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.fine_tunings import FineTunings
from codex.training.saved_adapters import SavedAdapter

router = APIRouter(prefix="/adapters", tags=["training"], route_class=GuardedRoute)

JOB: dict[str, Any] = EXAMPLE | {
    "kind": "train",
    "about": "answers",
    "title": "Training answers",
    "unit": "updates",
    "text": "Loss 1.204, held-out loss 1.310",
}


class TrainAnswererBody(AnswererOptions):
    """What the model is to be fine-tuned on, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"], "name": "autumn", "refuse": True}]
        }
    )


class TrainRewardBody(RewardOptions):
    """What the model is to be rewarded for, on which questions, and how."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"additions": 500, "name": "sums"}]})


class AdapterBody(BaseModel):
    """Which adapter."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"name": "autumn"}]}
    )

    name: str = Field(description="As it is listed.")


class AdapterJobBody(JobBody):
    """Work on an adapter in the background; `about` is its name."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB]})


def fine_tunings_of(request: Request) -> FineTunings:
    """Those of the application."""
    fine_tunings: FineTunings = request.app.state.fine_tunings
    return fine_tunings


AppFineTunings = Annotated[FineTunings, Depends(fine_tunings_of)]
Name = Annotated[str, Path(description="As it is listed.")]


@router.get("", summary="List the adapters", responses=errors(503))
def list_adapters(fine_tunings: AppFineTunings) -> list[SavedAdapter]:
    """Trainings of the model itself, the newest first, with what was measured before and after."""
    return fine_tunings.list()


@router.post(
    "/answerer", summary="Fine-tune the model", status_code=202, responses=errors(404, 409, 501, 503)
)
def train_answerer(body: TrainAnswererBody, fine_tunings: AppFineTunings) -> AdapterJobBody:
    """Train an adapter of the loaded model on questions of runs and their answers, in the background.

    What evaluation tests is never trained on. The model that answers stays as it is. Cancelled, it keeps a
    checkpoint, and the same request resumes it. `text` of the job says the loss.
    """
    return AdapterJobBody(**JobBody.of(fine_tunings.answerer(body)).model_dump())


@router.post(
    "/reward",
    summary="Teach the model to state its confidence",
    status_code=202,
    responses=errors(404, 409, 501, 503),
)
def train_reward(body: TrainRewardBody, fine_tunings: AppFineTunings) -> AdapterJobBody:
    """Train an adapter of the loaded model by rewards (GRPO), in the background; needs TRL.

    It learns to end an answer with a line such as "Confidence: 80%". `text` of the job says the mean reward,
    and how many answers state a readable confidence. Cancelled and resumed as a fine-tuning.
    """
    return AdapterJobBody(**JobBody.of(fine_tunings.reward(body)).model_dump())


@router.post("/resume", summary="Resume a training", status_code=202, responses=errors(404, 409, 501, 503))
def resume(body: AdapterBody, fine_tunings: AppFineTunings) -> AdapterJobBody:
    """Resume a training that was interrupted, from its newest checkpoint, as it was started here."""
    return AdapterJobBody(**JobBody.of(fine_tunings.resume(body.name)).model_dump())


@router.post("/use", summary="Load a trained model", status_code=202, responses=errors(404, 409, 503))
def use(body: AdapterBody, fine_tunings: AppFineTunings) -> AdapterJobBody:
    """Write a model with the adapter in its weights, which GET /models lists, and load it, in the background.

    It is another model: calibrators, probes and verifiers of its base do not hold for it.
    """
    return AdapterJobBody(**JobBody.of(fine_tunings.use(body.name)).model_dump())


@router.get("/{name}", summary="Read an adapter", responses=errors(404, 503))
def read_adapter(name: Name, fine_tunings: AppFineTunings) -> SavedAdapter:
    """One training, with what was measured before and after."""
    return fine_tunings.read(name)


@router.delete("/{name}", summary="Delete an adapter", status_code=204, responses=errors(404, 409, 503))
def delete_adapter(name: Name, fine_tunings: AppFineTunings) -> None:
    """Delete an adapter with its checkpoints, and the model that was made of it, unless that is loaded."""
    fine_tunings.delete(name)
