"""The page of an address that there is not, for browsers; other clients get the error as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from codex.pages.assets import ASSETS_URL, url
from codex.server.errors import no_route

STYLES = ("base", "parts")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not found · Codex</title>
<base href="{root}/">
<link rel="icon" href="{assets}/logo.svg">
{styles}
</head>
<body class="cx-bare gradio-container">
<script src="{theme}"></script>
<div id="cx-missing">
<header class="cx-top cx-row">
<a class="cx-brand cx-row" href="./"><img src="{assets}/logo.svg" alt="" width="22" height="22">
<span>Codex</span></a>
<nav class="cx-pages cx-row tight" aria-label="Pages">{links}</nav>
</header>
<main class="cx-empty">
<h1 class="cx-large">There is no page at this address</h1>
<p><code class="cx-mono">{path}</code></p>
<p class="cx-muted">{detail}</p>
<p><a class="cx-button primary" href="./">Ask a question</a></p>
</main>
</div>
</body>
</html>
"""


def install(app: FastAPI, pages: Sequence[tuple[str, str]]) -> None:
    """Answer browsers that open an address which is not there with a page. pages: path and name of each."""

    async def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        opened = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")
        if not opened or error.status_code not in {404, 405}:
            return await no_route(request, error)
        text = PAGE.format(
            root=escape(request.scope.get("root_path", "")),
            assets=ASSETS_URL,
            theme=url("js/theme.js"),
            styles="\n".join(f'<link rel="stylesheet" href="{url(f"css/{name}.css")}">' for name in STYLES),
            links="".join(f'<a href="{path or "./"}">{escape(name)}</a>' for path, name in pages),
            path=escape(request.url.path),
            detail=escape(error.detail) if error.status_code == 405 else "It may have been mistyped.",
        )
        return HTMLResponse(text, error.status_code, error.headers)

    app.add_exception_handler(HTTPException, missing)
