"""The HTTP page: every route, described from /openapi.json, and tried from here."""

from __future__ import annotations

from codex.pages.components import view

FILES = "static-offline-docs"
"""Where the server has the scripts of Swagger UI: nothing is taken from the network."""


def build() -> None:
    """Put the page into the Blocks that are open."""
    view(
        "docs",
        {
            "script": f"{FILES}/swagger-ui-bundle.js",
            "style": f"{FILES}/swagger-ui.css",
            "description": "openapi.json",
        },
    )
