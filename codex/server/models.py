"""The models over HTTP: what is loaded, what else there is, another one in its place, and fetching."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.models import listing
from codex.engines import EngineName
from codex.server.bodies import NOT_BLANK, Body, LargerBody
from codex.server.guard import GuardedRoute
from codex.server.jobs import AppJobs, JobBody
from codex.server.routes import Bench, errors

router = APIRouter(prefix="/models", tags=["models"], route_class=GuardedRoute)

LISTED: JsonDict = {
    "name": "qwen2.5-1.5b-instruct-q4_k_m",
    "state": "fetchable",
    "about": "Qwen2.5 1.5B Instruct, GGUF Q4_K_M, Apache-2.0",
    "size": 1120000000,
    "memory": 1349440512,
    "licence": "Apache-2.0",
    "parameters": 1.5,
    "sha256": None,
    "calibrators": [],
}
ACTIVE: JsonDict = {
    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
    "name": "smollm2-135m-instruct",
    "engine": "llama_cpp",
    "base_url": None,
    "state": "ready",
    "process_memory": 912000000,
    "memory": 202500000,
    "calibrated": True,
    "calibration": "Fitted on 1,400 answers to newcomers.",
    "calibrators": ["smollm2-llama_cpp@0a1b2c3d4e"],
}


class ListedModelBody(Body):
    """A model that is on this machine or can be fetched."""

    name: str = Field(description="What POST /models/active and engine.model_path take.")
    state: Literal["loaded", "here", "fetchable"]
    about: str
    size: int = Field(description="Bytes on disk; rounded where it is not here.")
    memory: int = Field(
        description="Bytes it takes when loaded, estimated: the weights, a tenth of them to compute in, and "
        "a full cache of engine.context_size tokens."
    )
    licence: str | None = Field(description="null: not known of a model that is not in the catalogue.")
    parameters: float | None = Field(description="Billions.")
    sha256: str | None = Field(description="Of the file, where it is known.")
    calibrators: list[str] = Field(description="Versions that were fitted on its answers.")


class ActiveModelBody(Body):
    """The model in use."""

    model_config = ConfigDict(json_schema_extra={"examples": [ACTIVE]})

    model: str = Field(description="The engine's fingerprint.")
    name: str
    engine: str
    base_url: str | None = Field(description="Of a server; null: the model is held in this process.")
    state: str = Field(description="loading, ready, error, unloaded or stopping, as GET /healthz says it.")
    process_memory: int | None = Field(
        description="Bytes that this process holds, measured; null where the system does not say."
    )
    memory: int | None = Field(description="Bytes of the model alone, estimated; null: a server holds it.")
    calibrated: bool = Field(description="Whether the active calibrator holds for this model.")
    calibration: str = Field(description="What it was fitted on, or why it does not hold.")
    calibrators: list[str] = Field(
        description="Versions that hold for this model, for POST /calibrators/activate."
    )
    larger: LargerBody | None = Field(
        None, description="The model beside it that is asked before a person is; null: there is none."
    )
    larger_calibrator: str | None = Field(
        None, description="The version that calibrates that one's confidence; null: it is an estimate."
    )


class ModelsBody(Body):
    """What is loaded, and what else there is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": ACTIVE, "models": [LISTED]}]})

    active: ActiveModelBody
    models: list[ListedModelBody]


class ChangeModelBody(BaseModel):
    """Which model is to be loaded."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={"examples": [{"model": "smollm2-135m-instruct"}]},
    )

    model: str = Field(
        description="A name that GET /models lists as here, a local path, or a model of the server.",
        json_schema_extra=NOT_BLANK,
    )
    engine: EngineName | None = Field(None, description="Left out: by the model's files.")
    base_url: str | None = Field(
        None, description="Of a server with OpenAI's HTTP interface, e.g. http://127.0.0.1:11434/v1."
    )
    api_key_env: str | None = Field(
        None, description="The environment variable that holds its key; begins with CODEX_KEY."
    )


class FetchModelBody(BaseModel):
    """Which model is to be fetched."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={"examples": [{"model": "qwen2.5-1.5b-instruct-q4_k_m"}]},
    )

    model: str = Field(
        description="A name that GET /models lists, or owner/repo or owner/repo/file.gguf of the hub.",
        json_schema_extra=NOT_BLANK,
    )


@router.get("", summary="List the models", responses=errors(503))
def list_models(workbench: Bench) -> ModelsBody:
    """The model in use, those on this machine, and the catalogue of open models that can be fetched."""
    return ModelsBody(
        active=ActiveModelBody.model_validate(listing.loaded_model(workbench)),
        models=[ListedModelBody.model_validate(each) for each in listing.models_of(workbench)],
    )


@router.get("/active", summary="Read the model in use", responses=errors(503))
def read_active_model(workbench: Bench) -> ActiveModelBody:
    """Its memory, and whether a calibrator holds for it."""
    return ActiveModelBody.model_validate(listing.loaded_model(workbench))


@router.post("/active", summary="Load another model", responses=errors(404, 409, 503))
def change_model(body: ChangeModelBody, workbench: Bench) -> ActiveModelBody:
    """Questions under way end first, and new ones are told to come back; then it takes the other's place.

    Where it cannot be loaded, the one before is loaded again. An evaluation that runs refuses the change.
    After a restart the settings name the model.
    """
    changed = listing.change_model(workbench, body.model, body.engine, body.base_url, body.api_key_env)
    return ActiveModelBody.model_validate(changed)


@router.delete("/active", summary="Unload the model", responses=errors(409, 503))
def unload_model(workbench: Bench) -> ActiveModelBody:
    """Give its memory back when the questions under way have ended; the next question loads it again."""
    workbench.model.unload()
    return ActiveModelBody.model_validate(listing.loaded_model(workbench))


@router.post("/fetch", summary="Fetch a model", status_code=202, responses=errors(409, 503))
def fetch_model(body: FetchModelBody, workbench: Bench, jobs: AppJobs) -> JobBody:
    """Download a model as a job: GET /jobs/{job_id} says how far it is, and /cancel stops it.

    Of a model of the hub the next fetch then loads only the rest.
    """
    return JobBody.of(listing.start_fetch(workbench, jobs, body.model))
