"""The page of an address that there is not, for browsers; other clients get the error as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from codex.pages.plain import BRAND, plain_page
from codex.server.errors import no_route

BODY = """<div id="cx-missing">
<header class="cx-top cx-row">
<a class="cx-brand cx-row" href="./">{brand}</a>
<nav class="cx-pages cx-row tight" aria-label="Pages">{links}</nav>
</header>
<main class="cx-empty">
<h1 class="cx-large">There is no page at this address</h1>
<p><code class="cx-mono">{path}</code></p>
<p class="cx-muted">{detail}</p>
<p><a class="cx-button primary" href="./">Ask a question</a></p>
</main>
</div>"""


def install(app: FastAPI, pages: Sequence[tuple[str, str]]) -> None:
    """Answer browsers that open an address which is not there with a page. pages: path and name of each."""

    async def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        opened = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")
        if not opened or error.status_code not in {404, 405}:
            return await no_route(request, error)
        body = BODY.format(
            brand=BRAND,
            links="".join(f'<a href="{path or "./"}">{escape(name)}</a>' for path, name in pages),
            path=escape(request.url.path),
            detail=escape(error.detail) if error.status_code == 405 else "It may have been mistyped.",
        )
        return plain_page(request, "Not found", body, error.status_code, error.headers)

    app.add_exception_handler(HTTPException, missing)
