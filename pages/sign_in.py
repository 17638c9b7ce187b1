"""The page on which a user signs in, without Gradio and without scripts; and the end of a sign-in."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from codex.access import Access
from codex.access.openid import OpenIdProvider
from codex.access.sign_ins import LONGEST_SECONDS
from codex.access.users import User
from codex.errors import BodyTooLarge, TooMany
from codex.pages.plain import BRAND, plain_page
from codex.server.authentication import COOKIE, OPENID, SIGN_IN, cookie
from codex.server.callers import secure
from codex.server.guard import GuardedRoute
from codex.server.visits import visit_of

router = APIRouter(tags=["access"], route_class=GuardedRoute, include_in_schema=False)

DEVICE = "codex_device"
"""A cookie that stays: by it somebody who guesses elsewhere is told from the user."""
DEVICE_SECONDS = 400 * 24 * 3600
MAX_FORM_BYTES = 4096
FAILED = "Name or password is incorrect."
BODY = """<div id="cx-sign-in">
<header class="cx-top cx-row">
<span class="cx-brand cx-row">{brand}</span>
</header>
<main class="cx-sign-in">
<h1 class="cx-large">Sign in</h1>
<form method="post" action="sign-in?next={next}">
{message}
{provider}
<label class="cx-field"><span>Name</span>
<input class="cx-input" name="name" value="{name}" autocomplete="username" required
maxlength="64"{first}></label>
<label class="cx-field"><span>Password</span>
<input class="cx-input" name="password" type="password" autocomplete="current-password" required
maxlength="256"{second}></label>
<button class="cx-button primary" type="submit">Sign in</button>
</form>
<p class="cx-muted cx-small">No name yet? An administrator makes one with <code
class="cx-mono">codex users create</code>.</p>
</main>
</div>"""
Next = Annotated[str, Query(max_length=2000)]


@router.get("/sign-in")
def page(request: Request, next: Next = "/") -> Response:
    """The form. next: where it leads to."""
    return _page(request, next)


@router.post("/sign-in")
async def sign_in(request: Request, next: Next = "/") -> Response:
    """Sign in, and open the page that was wanted."""
    form = parse_qs((await _body(request)).decode("utf-8", "replace"), max_num_fields=10)
    name, password = form.get("name", [""])[0].strip(), form.get("password", [""])[0]
    access: Access = request.app.state.access
    visit, headers = visit_of(request.scope), Headers(scope=request.scope)
    try:
        device = cookie(headers, DEVICE) or ""
        user = await run_sync(access.sign_in, name, password, visit.address, device)
    except TooMany as error:
        await run_sync(access.audit.add, "nobody", visit.address, "sign in", name, error.status)
        shown = _page(request, next, name, str(error), error.status)
        shown.headers["Retry-After"] = str(error.retry_after)
        return shown
    if user is None:
        await run_sync(access.audit.add, "nobody", visit.address, "sign in", name, 401)
        return _page(request, next, name, FAILED, 401)
    return await signed_in(request, user, next)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the sign-in of this browser."""
    access: Access = request.app.state.access
    token = cookie(Headers(scope=request.scope), COOKIE)
    if token:
        visit = visit_of(request.scope)
        await run_sync(access.sign_ins.end, token)
        await run_sync(visit.log, "sign out", "", 200)
    response = RedirectResponse(SIGN_IN, 303)
    set_cookie(request, response, COOKIE, "", 0)
    return response


async def signed_in(request: Request, user: User, next: str) -> Response:
    """Sign a user in, and open the page that was wanted."""
    access: Access = request.app.state.access
    address = visit_of(request.scope).address
    await run_sync(access.audit.add, user.principal.id, address, "sign in", user.name, 200)
    response = RedirectResponse(own_address(next), 303)
    token, device = await run_sync(access.sign_ins.start, user), await run_sync(access.sign_ins.device, user)
    set_cookie(request, response, COOKIE, token, int(LONGEST_SECONDS))
    set_cookie(request, response, DEVICE, device, DEVICE_SECONDS)
    return response


def failed(request: Request, next: str, message: str, status: int) -> Response:
    """The form again, with what happened."""
    return _page(request, next, "", message, status)


def _page(request: Request, next: str, name: str = "", message: str = "", status: int = 200) -> Response:
    body = BODY.format(
        brand=BRAND,
        next=escape(quote(own_address(next), safe="")),
        name=escape(name[:64]),
        provider=_provider(request, next),
        message=f'<p class="cx-error" role="alert">{escape(message)}</p>' if message else "",
        first="" if name else " autofocus",
        second=" autofocus" if name else "",
    )
    return plain_page(request, "Sign in", body, status, {"Cache-Control": "no-store"})


def _provider(request: Request, next: str) -> str:
    """The way to the provider by which one may sign in, if there is one."""
    provider: OpenIdProvider | None = request.app.state.openid
    if provider is None:
        return ""
    address = f"{OPENID.removeprefix('/')}?next={quote(own_address(next), safe='')}"
    host = urlsplit(provider.issuer).hostname or provider.issuer
    return (
        f'<a class="cx-button primary" href="{escape(address)}">Sign in with {escape(host)}</a>\n'
        '<p class="cx-muted cx-small">Or with a password of this workbench:</p>'
    )


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise BodyTooLarge(f"The form is larger than {MAX_FORM_BYTES:,} bytes.")
    return bytes(body)


def own_address(address: str) -> str:
    """An address on this server alone: what names another one, or is none, is the first page."""
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if own else "/"


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.headers.append(
        "Set-Cookie",
        f"{name}={value}; Max-Age={seconds}; HttpOnly; SameSite=Lax; Path=/{secure(request.scope)}",
    )
