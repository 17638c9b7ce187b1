"""The HTTP interface over a workbench."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from codex.ask.workbench import Workbench
from codex.origins import Hosts
from codex.server import documents
from codex.server.callers import Callers
from codex.server.description import describe, refuse_other_methods
from codex.server.errors import no_route
from codex.server.guard import Guard
from codex.server.json_body import JsonBodies
from codex.server.routes import router

__all__ = ["create_app"]

ABOUT = """
Answers from a language model that runs on your own machine, each with an estimate of how likely it is to be
correct and with a decision: answer, abstain, or defer to a person.
"""


def create_app(workbench: Workbench) -> FastAPI:
    """The HTTP interface, guarded; /docs describes it. app.state.pages: the paths that may be linked to.

    Load the workbench's model before or beside it: until then questions are answered with 503.
    """
    # FastAPI alone takes the script behind /docs from the network.
    app = FastAPIOffline(
        title="Codex",
        version=version("codex-workbench"),
        description=ABOUT,
        redoc_url=None,
    )
    app.state.workbench = workbench
    app.add_exception_handler(HTTPException, no_route)
    app.include_router(router)
    app.include_router(documents.router)
    describe(app)
    refuse_other_methods(app, router, documents.router)
    app.state.pages = {"/docs"}
    server = workbench.settings.server
    # What is added last comes first.
    app.add_middleware(Callers)
    app.add_middleware(JsonBodies)
    # Also without a trusted origin: Gradio, mounted here, then sends no headers of its own.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=server.cors_origins,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
    )
    app.add_middleware(
        Guard,
        hosts=Hosts(server.host, server.allowed_hosts),
        trusted=server.cors_origins,
        pages=app.state.pages,
    )
    return app
