"""Pages without Gradio: one frame, and a policy under which nothing runs but Codex's own scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from fastapi import Request
from starlette.responses import HTMLResponse

from codex.pages.assets import ASSETS_URL, url

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
STYLES = ("base", "parts")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}
<title>{title} · Codex</title>
<base href="{root}/">
<link rel="icon" href="{assets}/logo.svg">
{styles}
</head>
<body class="cx-bare gradio-container">
<script src="{theme}"></script>
{body}
</body>
</html>
"""
BRAND = f'<img src="{ASSETS_URL}/logo.svg" alt="" width="22" height="22">\n<span>Codex</span>'


def plain_page(
    request: Request,
    title: str,
    body: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    head: str = "",
    styles: Sequence[str] = STYLES,
) -> HTMLResponse:
    """A page of its own. body and head are HTML, in which what others wrote is escaped already."""
    text = _PAGE.format(
        title=escape(title),
        head=head,
        body=body,
        root=escape(request.scope.get("root_path", "")),
        assets=ASSETS_URL,
        theme=url("js/theme.js"),
        styles="\n".join(f'<link rel="stylesheet" href="{url(f"css/{name}.css")}">' for name in styles),
    )
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY, **(headers or {})})
