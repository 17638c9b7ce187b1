"""Errors in OpenAI's shape: of a route, and in the middle of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from codex.server import bodies
from codex.server.errors import error_body
from codex.server.guard import GuardedRoute
from codex.server.routes import errors

TYPES = {429: "rate_limit_error", 403: "permission_error"}
"""OpenAI's words for errors, by status, that are neither the request's nor the server's."""


class OpenAIError(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIErrorBody(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIError


class OpenAIRoute(GuardedRoute):
    """A route whose errors have OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await handle(request)
            return _in_openais_shape(response) if response.status_code >= 400 else response

        return handled


def openai_router() -> APIRouter:
    """A router of a part of the interface."""
    return APIRouter(prefix="/v1", route_class=OpenAIRoute, tags=["openai"])


def openai_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its documentation. Some come from before it, in Codex's own shape."""
    return {
        status: {"description": told["description"], "model": OpenAIErrorBody | bodies.ErrorBody}
        for status, told in errors(*statuses).items()
    }


def streamed(error: Exception) -> OpenAIError:
    """An error after the headers of a stream."""
    return _openai_error(error_body(error).error.model_dump(), 500)


def _in_openais_shape(response: Response) -> Response:
    told = json.loads(bytes(response.body))["error"]
    body = OpenAIErrorBody(error=_openai_error(told, response.status_code))
    headers = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
    text = json.dumps(body.model_dump(), ensure_ascii=True)
    return Response(text, response.status_code, headers, media_type="application/json")


def _openai_error(told: dict[str, Any], status: int) -> OpenAIError:
    fields = told.get("fields") or [None]
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return OpenAIError(message=told["message"], type=kind, param=fields[0], code=told["type"])
