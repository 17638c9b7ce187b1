"""Which scope each route needs. A route of no known subject is an error when the application is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from codex.access.roles import Scope
from codex.server.visits import visit_of

READS = {"GET", "HEAD"}
SUBJECTS: Mapping[str, tuple[Scope, Scope]] = {
    "ask": ("ask", "ask"),
    "openai": ("ask", "ask"),
    "score": ("ask", "ask"),
    "traces": ("read", "ask"),
    "sessions": ("read", "evaluate"),
    "shares": ("read", "evaluate"),
    "evidence": ("read", "evaluate"),
    "labels": ("read", "label"),
    "people's answers": ("read", "label"),
    "datasets": ("read", "evaluate"),
    "evaluations": ("read", "evaluate"),
    "calibrators": ("read", "evaluate"),
    "policies": ("read", "evaluate"),
    "training": ("read", "train"),
    "models": ("read", "admin"),
    "monitoring": ("read", "evaluate"),
    "sql": ("evaluate", "evaluate"),
    "jobs": ("read", "evaluate"),
    "backup": ("admin", "admin"),
    "access": ("admin", "admin"),
}
"""The tag of a route, and what it takes to read and to change."""
OPEN = {
    *("/healthz", "/me", "/sign-in", "/sign-in/oidc", "/sign-in/oidc/back", "/sign-out"),
    *("/docs", "/docs/oauth2-redirect"),
}
"""Routes for whoever gets this far; what is open to everybody is in `codex.server.authentication`."""


def needed(method: str, path: str, tags: Iterable[object]) -> Scope | None:
    """The scope that a route needs; None: none. path: as the route has it. Raises LookupError."""
    if path in OPEN:
        return None
    for tag in tags:
        reading, changing = SUBJECTS[str(tag)]
        return reading if method in READS else changing
    raise LookupError(f"{method} {path} has no subject: nobody has said who may use it.")


async def authorized(request: Request) -> None:
    """What stands before every route. Raises Forbidden."""
    route = request.scope["route"]
    scope = needed(request.method, route.path, route.tags)
    if scope is not None:
        visit_of(request.scope).check(scope)


def every_route(app: FastAPI) -> Iterator[BaseRoute]:
    """The routes of an application, also those of its routers, which newer versions of FastAPI keep apart."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop()
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            waiting += included.routes


def check_routes(app: FastAPI) -> None:
    """Raises LookupError where a route has no known subject."""
    for route in every_route(app):
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                needed(method, route.path, route.tags)
