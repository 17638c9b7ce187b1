"""What all pages share: the bar on top, the theme, and the way onto the FastAPI application."""

from __future__ import annotations

from dataclasses import asdict

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from codex.workbench import Workbench
from pages import ask
from pages.components import ASSETS, ASSETS_URL, view
from pages.views import JSON

STYLES = ("base", "ask", "sessions", "heatmap", "verdict", "inspector")
SYSTEM_FONTS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONOSPACE_FONTS = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


class _Assets(StaticFiles):
    """Files that the browser asks about each time, so that a new version is never mixed with an old."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount(app: FastAPI, workbench: Workbench) -> FastAPI:
    """Put the pages on an application, at "/"; its own routes must be there already."""
    app.mount(f"/{ASSETS_URL}", _Assets(directory=ASSETS), name="codex-assets")
    gr.mount_gradio_app(
        app,
        _blocks(workbench),
        path="/",
        server_name=workbench.settings.server.host,
        server_port=workbench.settings.server.port,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        pwa=False,
        ssr_mode=False,
        favicon_path=str(ASSETS / "logo.svg"),
        theme=_theme(),
        head=_head(),
    )
    return app


def _blocks(workbench: Workbench) -> gr.Blocks:
    def status(_: JSON) -> JSON:
        return asdict(workbench.status)

    blocks = gr.Blocks(title="Codex", analytics_enabled=False, fill_width=True)
    with blocks:
        view("shell", {"status": asdict(workbench.status)}, (status,))
        page = ask.build(workbench)

        def closed(request: gr.Request) -> None:
            page.runs.closed(request.session_hash or "")

        blocks.unload(closed)
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


def _head() -> str:
    links = [f'<link rel="stylesheet" href="{ASSETS_URL}/css/{name}.css">' for name in STYLES]
    modules = sorted((ASSETS / "js").glob("*.js"))
    links += [f'<link rel="modulepreload" href="{ASSETS_URL}/js/{module.name}">' for module in modules]
    return "\n".join(links)
