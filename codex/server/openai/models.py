"""The models by their names."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from codex.ask.workbench import Workbench
from codex.errors import NotFound
from codex.server.openai.errors import openai_errors, openai_router
from codex.server.routes import Bench

router = openai_router()

NAME = "codex"
"""A name under which the model may be asked for, whatever it is."""


class Model(BaseModel):
    """The model that answers."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = NAME


class ModelList(BaseModel):
    """All models."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [
                        {
                            "id": "llama_cpp:smollm2-135m-instruct:Q4_1",
                            "object": "model",
                            "created": 0,
                            "owned_by": NAME,
                        }
                    ],
                }
            ]
        }
    )

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", summary="List the models", responses=openai_errors())
def list_models(workbench: Bench) -> ModelList:
    """The model that answers, under the name that a calibrator is bound to."""
    return ModelList(data=[Model(id=workbench.model.engine.fingerprint)])


def checked_model(name: str, workbench: Workbench) -> str:
    """The name of the model that is meant. Raises NotFound."""
    model = workbench.model.engine.fingerprint
    if name not in (NAME, model):
        raise NotFound(f"There is no model {name[:100]!r}; there is {model}, also called {NAME!r}.")
    return model
