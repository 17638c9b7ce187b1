"""The HTTP interface over a workbench."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from codex.ask.workbench import Workbench
from codex.evaluation.evaluations import Evaluations
from codex.jobs import Jobs
from codex.labelling.queues import Labelling
from codex.monitoring.monitor import Monitor
from codex.origins import Hosts
from codex.server import (
    adapters,
    audit,
    backups,
    calibrators,
    datasets,
    documents,
    drafts,
    evaluations,
    imports,
    jobs,
    label_files,
    label_queues,
    labels,
    models,
    monitoring,
    openai,
    people,
    policies,
    scoring,
    shares,
    sql,
    traces,
    training,
    verifiers,
)
from codex.server.authentication import Authentication, access_of, new_local_key, provider_of
from codex.server.callers import Callers
from codex.server.description import describe, refuse_other_methods
from codex.server.errors import no_route
from codex.server.guard import Guard
from codex.server.json_body import JsonBodies
from codex.server.mcp_tools import McpTools
from codex.server.routes import router
from codex.server.scopes import authorized, check_routes
from codex.training.fine_tunings import FineTunings
from codex.training.trainings import Trainings

__all__ = ["create_app"]

ROUTERS = (
    traces.router,  # before the one whose traces have any id
    router,
    *openai.ROUTERS,
    scoring.router,
    models.router,
    documents.router,
    labels.router,
    shares.router,
    label_files.router,
    label_queues.router,
    people.router,
    datasets.router,
    drafts.router,
    evaluations.router,
    imports.router,
    calibrators.router,
    training.router,
    verifiers.router,
    adapters.router,
    policies.router,
    monitoring.router,
    sql.router,
    backups.router,
    jobs.router,
    audit.router,
)
ABOUT = """
Answers from a language model that runs on your own machine, each with an estimate of how likely it is to be
correct and with a decision: answer, abstain, or defer to a person.
"""


OTHER_THREADS = 40
"""Threads beside those of the questions, each of which holds one as long as it is under way."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    questions = app.state.workbench.settings.ask.max_waiting
    current_default_thread_limiter().total_tokens = questions + OTHER_THREADS
    app.state.monitor.start()
    # What a process that was killed had deleted.
    app.state.workbench.store.erasure.start()
    async with app.state.mcp.running():
        yield
    await run_sync(app.state.monitor.close)
    await run_sync(app.state.jobs.close)
    if app.state.access is not None:
        await run_sync(app.state.access.close)


def create_app(workbench: Workbench) -> FastAPI:
    """The HTTP interface, guarded; /docs describes it. app.state.pages: the paths that may be linked to.

    app.state.jobs: the work in the background, which ends with the application; so does app.state.monitor.
    app.state.access: who may use it; None: everybody. app.state.local_key: of this home's commands.
    Raises SettingsError where nobody could get in.

    Load the workbench's model before or beside it: until then questions are answered with 503.
    """
    # FastAPI alone takes the script behind /docs from the network.
    app = FastAPIOffline(
        title="Codex",
        version=version("codex-workbench"),
        description=ABOUT,
        redoc_url=None,
        # The validator would be another host.
        swagger_ui_parameters={"validatorUrl": None},
        lifespan=_lifespan,
        dependencies=[Depends(authorized)],
    )
    app.state.access = access_of(workbench.settings)
    app.state.openid = provider_of(workbench.settings) if app.state.access else None
    app.state.local_key = new_local_key()
    app.state.workbench = workbench
    app.state.jobs = Jobs()
    app.state.labelling = Labelling(workbench)
    app.state.monitor = Monitor(workbench)
    app.state.evaluations = Evaluations(workbench, app.state.jobs)
    app.state.trainings = Trainings(workbench, app.state.jobs)
    app.state.fine_tunings = FineTunings(workbench, app.state.jobs, app.state.trainings)
    app.add_exception_handler(HTTPException, no_route)
    for each in ROUTERS:
        app.include_router(each)
    app.state.mcp = McpTools(workbench)
    app.router.routes.append(app.state.mcp.route)
    describe(app)
    refuse_other_methods(app, *ROUTERS)
    check_routes(app)
    app.state.pages = {"/docs"}
    server = workbench.settings.server
    # What is added last comes first.
    app.add_middleware(Callers)
    app.add_middleware(JsonBodies)
    app.add_middleware(
        Authentication,
        access=app.state.access,
        local_key=app.state.local_key,
        pages=app.state.pages,
        per_minute=server.requests_per_minute,
    )
    # Also without a trusted origin: Gradio, mounted here, then sends no headers of its own.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=server.cors_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
    )
    app.add_middleware(
        Guard,
        hosts=Hosts(server.host, server.allowed_hosts),
        trusted=server.cors_origins,
        pages=app.state.pages,
    )
    return app
