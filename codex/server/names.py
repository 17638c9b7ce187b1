"""Names and versions in requests, alike for all that have them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.convertors import Convertor, register_url_convertor

from codex.items import graders
from codex.store.names import MAX_NAME, NAME

NAMED: JsonDict = {"pattern": NAME, "maxLength": MAX_NAME}
"""In the description only: the message of our own check says more."""


def name_graders(schema: dict[str, Any]) -> None:
    """Write every grader into the description of a field; see `items.graders`."""
    schema["anyOf"] = [{"type": "string", "enum": list(graders())}, {"type": "null"}]


class _AnyName(Convertor[str]):
    """A name with slashes in it; Starlette's own `path` does not match those with a line break."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any_name", _AnyName())


class RenameBody(BaseModel):
    """What it is called from now on."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"name": "for the demo"}]}
    )

    name: str = Field(description="The id or version stays.", json_schema_extra=NAMED)


Version = Annotated[str, Path(description="As it is listed: NAME@HASH.")]


class ActivateBody(BaseModel):
    """What is to be active."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"version": "strict@0a1b2c3d4e"}]}
    )

    version: str | None = Field(description="A version that is listed; null: none.")
