"""What /openapi.json says beyond what FastAPI reads off the routes, and methods that a path does not have."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from codex.server import bodies
from codex.signals import REGISTRY


def describe(app: FastAPI) -> None:
    """Complete the description of the application's routes; all of them must be there already."""
    read_off = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(read_off())
        return read_off()

    app.openapi = openapi  # type: ignore[method-assign]


def refuse_other_methods(app: FastAPI, *routers: APIRouter) -> None:
    """Answer 405 with the methods that a path of the routers has, where a later mount would take the request.

    Starlette alone names the methods of the first route of a path only.
    """
    methods: dict[str, set[str]] = defaultdict(set)
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            methods[route.path] |= route.methods or set()
    for path, allowed in methods.items():
        app.router.routes.append(Route(path, _OtherMethods(allowed), include_in_schema=False))


class _OtherMethods:
    """An endpoint for every method that no other route of its path takes. Raises HTTPException."""

    def __init__(self, allowed: set[str]) -> None:
        self._allow = ", ".join(sorted(allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        raise HTTPException(
            405,
            f"{request.url.path} does not take {request.method}. It takes {self._allow}.",
            {"Allow": self._allow},
        )


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas["Rule"]["properties"]["signal"]["enum"] = sorted(REGISTRY)
    for name in bodies.PARTIAL:
        for field in schemas[name]["properties"].values():
            field.pop("default", None)
    stream = document["paths"]["/infer/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]
    stream.clear()
    stream["itemSchema"] = {"oneOf": [_event(name, body.__name__) for name, body in bodies.EVENTS.items()]}


def _event(name: str, body: str) -> dict[str, Any]:
    """One server-sent event as OpenAPI 3.2 describes the items of a stream."""
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{body}"},
    }
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {"event": {"const": name}, "data": data},
    }
