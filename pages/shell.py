"""What all pages share: the bar on top, the theme, and the way onto the FastAPI application."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.routes
from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.datastructures import State
from starlette.routing import Mount

from codex.ask.workbench import Workbench
from codex.errors import Conflict
from codex.evaluation.example import NAME, load_example
from codex.jobs import Jobs
from codex.labelling.queues import Labelling
from codex.monitoring.monitor import Monitor
from codex.pages import JSON, missing, openid, sign_in
from codex.pages.ask import page as ask
from codex.pages.ask.runs import Runs
from codex.pages.assets import ASSETS, ASSETS_URL, Assets, url
from codex.pages.calibrate import page as calibrate
from codex.pages.components import TAKES, view
from codex.pages.demo import page as demo
from codex.pages.docs import page as docs
from codex.pages.documents import page as documents
from codex.pages.evaluate import downloads
from codex.pages.evaluate import page as evaluate
from codex.pages.gradio_routes import restrict
from codex.pages.history import page as history
from codex.pages.label import page as label
from codex.pages.model_menu import ModelMenu
from codex.pages.monitor import page as monitoring
from codex.pages.sql import page as sql
from codex.pages.trace import page as trace
from codex.pages.train import page as train
from codex.pages.tune import page as tune
from codex.private import PARTIAL, make_folder, tighten
from codex.server.authentication import OPENID_BACK
from codex.server.callers import current_client
from codex.server.scopes import check_routes
from codex.server.visits import current_visit

STYLES = (
    "base",
    "models",
    "parts",
    "heatmap",
    "inspector",
    "sliders",
    "ask",
    "documents",
    "evaluate",
    "calibrate",
    "tune",
    "label",
    "monitor",
    "sql",
    "history",
    "docs",
    "demo",
)
SYSTEM_FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONOSPACE_FONTS = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def mount(app: FastAPI, workbench: Workbench) -> FastAPI:
    """Put the pages on an application, at "/"; its own routes must be there already.

    Temporary files end with the application.
    """
    temporary = _temporary_folder(workbench.settings.home)
    runs, shown = Runs(), demo.DemoPage(workbench)
    blocks = _blocks(workbench, app.state, runs, shown)
    paths = [f"/{path}" for path, *_ in blocks.pages]
    _hear_of_closed_tabs(app, runs)
    app.include_router(downloads.router)
    app.include_router(trace.router)
    if app.state.access is not None:
        app.include_router(sign_in.router)
    if app.state.openid is not None:
        app.include_router(openid.router)
        app.state.pages.add(OPENID_BACK)
    check_routes(app)
    app.mount(f"/{ASSETS_URL}", Assets(), name="codex-assets")
    with warnings.catch_warnings():
        # Gradio warns that it turns server-side rendering off for several pages; it was never on.
        warnings.filterwarnings("ignore", "SSR mode is not supported")
        gr.mount_gradio_app(
            app,
            blocks,
            path="/",
            server_name=workbench.settings.server.host,
            server_port=workbench.settings.server.port,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            ssr_mode=False,
            favicon_path=str(ASSETS / "logo.svg"),
            theme=_theme(),
        )
    mounted = app.router.routes[-1]
    assert isinstance(mounted, Mount)
    missing.install(app, [(path, "Ask" if not path else name) for path, name, *_ in blocks.pages])
    restrict(app, mounted, {f"/{path}": _head(path or "ask") for path, *_ in blocks.pages})
    tighten(temporary, deep=True)
    app.state.pages.update(paths)
    serving = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        _remove(workbench.settings.home / PARTIAL)
        store, model = workbench.store, workbench.model.engine.fingerprint
        with suppress(Conflict):  # The application was started again.
            app.state.jobs.start("example", NAME, lambda job: load_example(store, model, job.cancel))
        async with serving(app) as state:
            yield state
            await run_sync(runs.close)
            await run_sync(shown.close)
        _remove(temporary)

    app.router.lifespan_context = lifespan
    return app


def _temporary_folder(home: Path) -> Path:
    """A folder of Gradio's under the home; otherwise it shares one with all users of the machine.

    It reads the variable while it runs, and made a constant of it when it was imported.
    """
    folder = home / "cache" / "gradio"
    make_folder(folder)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    vars(gradio.routes)["DEFAULT_TEMP_DIR"] = str(folder)
    return folder


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _hear_of_closed_tabs(app: FastAPI, runs: Runs) -> None:
    """A tab says itself that it goes: the next one takes up what it had asked.

    Gradio could watch each tab over a connection that stays open, but a browser has six to a host: the sixth
    tab would never load.
    """

    @app.post("/codex-runs/{run}/left", tags=["ask"], include_in_schema=False, status_code=204)
    def left(run: str) -> None:
        runs.leave(run, current_client())


def _blocks(workbench: Workbench, state: State, runs: Runs, shown: demo.DemoPage) -> gr.Blocks:
    jobs: Jobs = state.jobs
    labelling: Labelling = state.labelling
    monitor: Monitor = state.monitor
    models = ModelMenu(workbench, jobs)

    def bar(page: str) -> None:
        def status(_: JSON) -> JSON:
            visit = current_visit()
            # Who only came to ask is not told of what else there is.
            lacks = visit.lacks(TAKES.get(page, ())) if page != "ask" else ""
            return asdict(workbench.model.status) | {"user": visit.user, "lacks": lacks}

        shown = asdict(workbench.model.status) | {"user": None, "lacks": ""}
        calls = {**models.calls, "read": (status, *models.calls["read"])}
        view("shell", {"page": page, "status": shown}, calls)

    blocks = gr.Blocks(title="Codex", analytics_enabled=False, fill_width=True)
    with blocks:
        bar("ask")
        asking = ask.build(workbench, runs)
    with blocks.route("Documents", "/documents"):
        bar("documents")
        documents.build(workbench, jobs)
    with blocks.route("Evaluate", "/evaluate"):
        bar("evaluate")
        evaluate.build(workbench, jobs)
    with blocks.route("Calibrate", "/calibrate"):
        bar("calibrate")
        calibrate.build(workbench, jobs)
    with blocks.route("Train", "/train"):
        bar("train")
        train.build(workbench, state.trainings, jobs, state.fine_tunings)
    with blocks.route("Tune", "/tune"):
        bar("tune")
        tune.build(workbench)
    with blocks.route("Label", "/label"):
        bar("label")
        label.build(workbench, labelling, jobs)
    # The HTTP interface lists sessions at /sessions.
    with blocks.route("Sessions", "/history"):
        bar("history")
        history.build(workbench, asking)
    with blocks.route("Monitor", "/monitor"):
        bar("monitor")
        monitoring.build(monitor)
    with blocks.route("SQL", "/sql"):
        bar("sql")
        sql.build(workbench)
    with blocks.route("Demo", "/demo"):
        bar("demo")
        demo.build(shown)
    # In the place of the plain page that the HTTP interface has by itself.
    with blocks.route("HTTP", "/docs"):
        bar("docs")
        docs.build()
    return blocks


def _theme() -> gr.themes.Base:
    """System fonts, so that nothing is fetched; the colours are those of base.css."""
    return gr.themes.Base(
        primary_hue="indigo", neutral_hue="slate", font=SYSTEM_FONTS, font_mono=MONOSPACE_FONTS
    ).set(
        body_background_fill="#f6f7f9",
        body_background_fill_dark="#0f1318",
        body_text_color="#1a222d",
        body_text_color_dark="#e5e9ef",
    )


def _head(page: str) -> str:
    """The styles of all pages, and the scripts of this one, so that they are there when Gradio wants them."""
    links = [f'<link rel="stylesheet" href="{url(f"css/{name}.css")}">' for name in STYLES]
    for folder in ("js/shared", "js/shell", f"js/{page}"):
        for script in sorted((ASSETS / folder).glob("*.js")):
            address = url(script.relative_to(ASSETS).as_posix())
            links.append(f'<link rel="modulepreload" href="{address}">')
    return "\n".join(links)
