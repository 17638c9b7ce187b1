"""Signing in by an OpenID Connect provider: to it, and back."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from codex.access import Access
from codex.access.openid import PENDING_SECONDS, OpenIdProvider, SignInFailed
from codex.pages.sign_in import failed, own_address, set_cookie, signed_in
from codex.server.authentication import OPENID, OPENID_BACK, cookie
from codex.server.guard import GuardedRoute
from codex.server.visits import visit_of
from codex.settings import OidcSettings

router = APIRouter(tags=["access"], route_class=GuardedRoute, include_in_schema=False)

COOKIE = "codex_openid"
"""Of the browser that is on its way to the provider."""
Text = Annotated[str, Query(max_length=4000)]


@router.get(OPENID)
async def begin(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Send the browser to the provider."""
    provider: OpenIdProvider = request.app.state.openid
    try:
        address, browser = await provider.begin(_back(request), own_address(next))
    except SignInFailed as error:
        return failed(request, next, str(error), 503)
    response = RedirectResponse(address, 303)
    set_cookie(request, response, COOKIE, browser, int(PENDING_SECONDS))
    return response


@router.get(OPENID_BACK)
async def back(request: Request, state: Text = "", code: Text = "", error: Text = "") -> Response:
    """The browser comes back with a code, which the provider takes for who it is."""
    provider: OpenIdProvider = request.app.state.openid
    access: Access = request.app.state.access
    oidc: OidcSettings = request.app.state.workbench.settings.server.oidc
    address = visit_of(request.scope).address
    try:
        if error or not code:
            raise SignInFailed(f"{provider.issuer} refused the sign-in: {error[:100] or 'no code'}.")
        browser = cookie(Headers(scope=request.scope), COOKIE) or ""
        vouched = await provider.complete(_back(request), browser, state, code)
    except SignInFailed as refused:
        await run_sync(access.audit.add, "nobody", address, "sign in", provider.issuer, refused.status)
        return failed(request, "/", str(refused), refused.status)
    user = await run_sync(access.users.vouched, vouched.subject, vouched.name, oidc.role)
    if user is None:
        await run_sync(access.audit.add, "nobody", address, "sign in", vouched.name, 403)
        words = (
            f"{vouched.name!r} may not use this workbench. An administrator lets them in: "
            "codex users create NAME --oidc."
        )
        return failed(request, "/", words, 403)
    response = await signed_in(request, user, vouched.next)
    set_cookie(request, response, COOKIE, "", 0)
    return response


def _back(request: Request) -> str:
    """The address that the provider sends browsers back to; it has to be registered there."""
    return str(request.url.replace(path=f"{request.scope.get('root_path', '')}{OPENID_BACK}", query=""))
