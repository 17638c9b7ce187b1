"""The page behind a link to a trace: read-only, without Gradio, and it leads to nothing else of Codex."""

from __future__ import annotations

import json
import re

from fastapi import APIRouter, Request, Response

from codex.errors import NotFound
from codex.pages import JSON
from codex.pages.assets import url
from codex.pages.plain import BRAND, plain_page
from codex.pages.trace.view import shared_view
from codex.server.guard import REFERRER, SHARED, GuardedRoute
from codex.server.routes import Bench

router = APIRouter(tags=["shares"], route_class=GuardedRoute, include_in_schema=False)

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
STYLES = ("base", "parts", "heatmap", "inspector", "ask", "trace")
HEADERS = {
    REFERRER: "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    # Once it is revoked, it is not shown again from a cache.
    "Cache-Control": "no-store",
}
ROBOTS = '<meta name="robots" content="noindex, nofollow">\n<meta name="referrer" content="no-referrer">'
BODY = """<div id="cx-trace">
<header class="cx-top cx-row">
<span class="cx-brand cx-row">{brand}</span>
<span class="cx-muted cx-small">{kind}</span>
</header>
<main>{content}</main>
</div>"""
SHOWN = """<div data-view></div>
<noscript><p class="cx-empty">This page needs JavaScript to show an answer token by token.</p></noscript>
<script type="application/json" id="codex-shared">{told}</script>
<script type="module" src="{script}"></script>"""
GONE = """<div class="cx-empty">
<h1 class="cx-large">This link does not work</h1>
<p class="cx-muted">The answer was deleted, the link was revoked, or the address is incomplete.
Ask whoever sent it for another one.</p>
</div>"""


@router.api_route(SHARED + "{token:path}", methods=["GET", "HEAD"])
def shared(token: str, request: Request, workbench: Bench) -> Response:
    """The trace as the store kept it; the same page for every token that opens nothing."""
    try:
        if not TOKEN.fullmatch(token):
            raise NotFound("No token looks like this.")
        # Not the workbench's: it knows more of recent answers than privacy lets be kept.
        trace_id = workbench.store.shares.trace_of(token)
        told = shared_view(workbench.store.load(trace_id), workbench.store.question(trace_id))
    except NotFound:
        return _page(request, "Not found", "", GONE, 404)
    content = SHOWN.format(told=_embedded(told), script=url("js/trace/page.js"))
    return _page(request, "A shared answer", "A shared answer, to read only", content, 200)


def _page(request: Request, title: str, kind: str, content: str, status: int) -> Response:
    body = BODY.format(brand=BRAND, kind=kind, content=content)
    return plain_page(request, title, body, status, HEADERS, head=ROBOTS, styles=STYLES)


def _embedded(told: JSON) -> str:
    """JSON that cannot end the element it stands in, whatever a model wrote."""
    return json.dumps(told).replace("<", "\\u003c")
