"""Trained verifiers over HTTP: trained on runs, applied to them, activated, rolled back and deleted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from codex.ask.workbench import Workbench
from codex.grounding.trained import Method
from codex.numbers import NumbersAsSuch
from codex.server.guard import GuardedRoute
from codex.server.jobs import JobBody
from codex.server.names import NAMED, ActivateBody, RenameBody, Version
from codex.server.routes import Bench, errors
from codex.server.training import AppTrainings, Share, TrainingBody
from codex.training.saved_verifiers import SavedVerifier
from codex.training.verifier_options import FitOptions

router = APIRouter(prefix="/verifiers", tags=["training"], route_class=GuardedRoute)
DEFAULTS = FitOptions()


class TrainVerifierBody(NumbersAsSuch):
    """What a verifier is to be trained on, and how."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"], "name": "autumn"}]},
    )

    runs: list[str] = Field(
        min_length=1, max_length=100, description="The ids of runs of the model that is loaded."
    )
    name: str = Field("verifier", strict=True, description="What it is called.", json_schema_extra=NAMED)
    method: Method = Field(
        "readout",
        description="readout: of the hidden states of the model that is loaded. lora: an adapter, by the "
        "fields whose description begins with lora; a readout ignores them.",
    )
    epochs: int = Field(
        DEFAULTS.epochs,
        ge=1,
        le=100,
        description="lora: passes over the answers at most; cross-validation chooses.",
    )
    layers: Share = Field(
        1 / 3, description="lora: the share of the layers that is adapted, from the last one down."
    )
    rank: int = Field(DEFAULTS.rank, ge=1, le=256, description="lora: rank of the adapter.")
    learning_rate: Annotated[float, Field(ge=1e-7, le=1.0, allow_inf_nan=False)] = Field(
        DEFAULTS.learning_rate, description="lora: its largest value."
    )
    kl_weight: Annotated[float, Field(ge=0.0, le=1000.0, allow_inf_nan=False)] = Field(
        DEFAULTS.kl_weight, description="lora: weight of the divergence from the model as it is."
    )
    seed: int = Field(DEFAULTS.seed, ge=0, le=2**31, description="lora: equal seeds give equal verifiers.")

    @property
    def options(self) -> FitOptions:
        """As the training takes them."""
        return FitOptions(
            epochs=self.epochs,
            rank=self.rank,
            alpha=2 * self.rank,
            learning_rate=self.learning_rate,
            kl_weight=self.kl_weight,
            seed=self.seed,
        )


class ApplyVerifierBody(BaseModel):
    """Which verifier is to verify the answers of runs."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={
            "examples": [{"version": "autumn@0a1b2c3d4e", "runs": ["5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c"]}]
        },
    )

    version: str = Field(description="Of the verifier.")
    runs: list[str] = Field(min_length=1, max_length=100, description="The ids of the runs.")


class ActiveVerifierBody(BaseModel):
    """Which trained verifier is active."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "autumn@0a1b2c3d4e"}]})

    version: str | None = Field(description="null: none, so that the model verifies as it is.")


@router.get("", summary="List the trained verifiers", responses=errors(503))
def list_verifiers(workbench: Bench) -> list[SavedVerifier]:
    """The saved verifiers, the newest first."""
    return [SavedVerifier.of(saved) for saved in workbench.store.verifiers.list()]


@router.post("/train", summary="Train a verifier", status_code=202, responses=errors(404, 409, 501, 503))
def train(body: TrainVerifierBody, trainings: AppTrainings) -> TrainingBody:
    """Train a verifier, which tells whether an answer is correct, on half of the questions of runs.

    In the background; it is not active yet. A readout is trained with the model that is loaded; for an
    adapter the model is loaded once more, and `text` of the job says the loss of the training, and the loss,
    AUROC and ECE of held-out answers after each epoch. `about` of the job that is done is the version.
    """
    if body.method == "readout":
        job = trainings.readout(body.runs, body.name)
    else:
        job = trainings.verifier(body.runs, body.name, body.options, body.layers)
    return TrainingBody(**JobBody.of(job).model_dump())


@router.post("/apply", summary="Verify runs", status_code=202, responses=errors(404, 409, 501, 503))
def apply(body: ApplyVerifierBody, trainings: AppTrainings) -> TrainingBody:
    """Verify the answers of runs again, in the background, so that a calibrator can be fitted on that.

    A question that the verifier was trained on is verified by the part of it that did not see it.
    """
    return TrainingBody(**JobBody.of(trainings.verify(body.version, body.runs)).model_dump())


@router.post("/activate", summary="Activate a verifier", responses=errors(404, 503))
def activate_verifier(body: ActivateBody, workbench: Bench) -> ActiveVerifierBody:
    """Verify with it from the next question on; null: with the model as it is."""
    workbench.active.verifier.activate(body.version)
    return _active(workbench)


@router.post("/rollback", summary="Undo the last activation of a verifier", responses=errors(409, 503))
def rollback_verifier(workbench: Bench) -> ActiveVerifierBody:
    """Returns the verifier that is active now."""
    workbench.active.verifier.rollback()
    return _active(workbench)


@router.get("/{version:any_name}", summary="Read a verifier", responses=errors(404, 503))
def read_verifier(version: Version, workbench: Bench) -> SavedVerifier:
    """A saved verifier with its metrics before and after the training."""
    return SavedVerifier.of(workbench.store.verifiers.load(version))


@router.patch("/{version:any_name}", summary="Rename a verifier", responses=errors(404, 503))
def rename_verifier(version: Version, body: RenameBody, workbench: Bench) -> SavedVerifier:
    """Call a verifier something else; its version stays."""
    workbench.store.verifiers.rename(version, body.name)
    return SavedVerifier.of(workbench.store.verifiers.load(version))


@router.delete(
    "/{version:any_name}", summary="Delete a verifier", status_code=204, responses=errors(404, 409, 503)
)
def delete_verifier(version: Version, workbench: Bench) -> None:
    """Delete a verifier that is not active, with its weights."""
    workbench.active.verifier.delete(version)


def _active(workbench: Workbench) -> ActiveVerifierBody:
    active = workbench.store.verifiers.active()
    return ActiveVerifierBody(version=active.version if active else None)
