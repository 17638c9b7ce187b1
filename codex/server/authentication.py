"""Who may get in, and what is logged of what they do: behind the guard, and before any body is read."""

from __future__ import annotations

import hmac
import ipaddress
import math
import re
import secrets
from collections.abc import Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from anyio.to_thread import run_sync
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codex.access import LOCAL, Access, Principal
from codex.access.openid import OpenIdProvider
from codex.errors import CodexError, SettingsError, TooMany, Unauthenticated
from codex.origins import is_loopback
from codex.private import secret as read_secret
from codex.server.errors import error_response
from codex.server.request_limits import RequestLimits
from codex.server.visits import ANYBODY, Visit, begin, end
from codex.settings import Settings

SIGN_IN = "/sign-in"
COOKIE = "codex_session"
"""Holds the token of a sign-in."""
OPENID = f"{SIGN_IN}/oidc"
OPENID_BACK = f"{OPENID}/back"
"""Where a provider sends browsers back to."""
OPEN = {SIGN_IN, OPENID, OPENID_BACK, "/sign-out", "/healthz", "/favicon.ico"}
OPEN_BELOW = ("/codex-assets/",)
"""What everybody may read: the page on which to sign in, and whether Codex is up."""
BESIDE_ROUTES: Mapping[str, tuple[str, ...]] = {"/mcp": ("ask", "read")}
"""Scopes of paths that are no route of FastAPI's; pages check each of their calls."""
LOGGED_READS = re.compile(r"/(export|records|report\.html|records\.(csv|ndjson)|backup)(/|$)")
"""Reads that take data along."""
PAGES_OWN = re.compile(r"/(gradio_api|codex-runs)/")
"""Requests of pages, which log what they do under the names of their calls."""
UNKNOWN_PER_MINUTE = 60
"""Requests of an address without a key or sign-in that holds, beside those that are open."""


class Authentication:
    """Finds out who sends a request, refuses strangers, and keeps everybody within their limit.

    A key comes as `Authorization: Bearer KEY`; a browser brings the cookie of its sign-in.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access | None,
        local_key: str,
        pages: Collection[str],
        per_minute: int | None,
    ) -> None:
        """access: None lets everybody in. local_key: of the commands of whoever owns the home.

        pages: paths at which a browser is led to the sign-in. per_minute: requests of one user or key.
        """
        self._app, self._access, self._local_key, self._pages = app, access, local_key, pages
        self._per_minute = per_minute
        self._limits = RequestLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with what is wrong."""
        if scope["type"] not in {"http", "websocket"} or self._access is None:
            await self._app(scope, receive, send)
            return
        address = _address(scope)
        try:
            principal = await run_sync(self._principal, Headers(scope=scope), self._access, address)
            visit = Visit(principal or ANYBODY, address, self._access.audit)
            self._check(scope, visit)
        except CodexError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            elif isinstance(error, Unauthenticated) and self._is_page(scope):
                await RedirectResponse(f"{SIGN_IN}?next={quote(_target(scope))}", 303)(scope, receive, send)
            else:
                await error_response(error)(scope, receive, send)
            return
        token = begin(scope, visit)
        try:
            await self._app(scope, receive, _logging(scope, visit, send))
        finally:
            end(token)

    def _principal(self, headers: Headers, access: Access, address: str) -> Principal | None:
        """Raises Unauthenticated where a key was sent that does not hold, TooMany after many; StoreError."""
        sent = headers.get("authorization")
        if sent is not None:
            kind, _, key = sent.partition(" ")
            if kind.lower() == "bearer":
                if hmac.compare_digest(key.strip().encode(), self._local_key.encode()):
                    return LOCAL
                known = access.keys.verified(key.strip())
                if known is not None:
                    return known.principal
            self._count(f"address {address}", UNKNOWN_PER_MINUTE)
            raise Unauthenticated(
                "That key does not hold: it is unknown, revoked or expired. Send another one as "
                "Authorization: Bearer KEY; `codex keys create` makes one."
            )
        token = cookie(headers, COOKIE)
        user = access.sign_ins.user(token) if token else None
        return user.principal if user else None

    def _check(self, scope: Scope, visit: Visit) -> None:
        """Raises TooMany, Unauthenticated, Forbidden."""
        path: str = scope["path"]
        known = visit.principal is not ANYBODY
        if path.startswith(OPEN_BELOW) or (path in OPEN and not known):
            return
        if visit.principal is not LOCAL:
            who = visit.principal.id if known else f"address {visit.address}"
            self._count(who, self._per_minute if known else UNKNOWN_PER_MINUTE)
        if not known:
            raise Unauthenticated(
                "This needs a key or a sign-in: send a key as Authorization: Bearer KEY, or open a page in a "
                "browser. `codex keys create` and `codex users create` make them on the server."
            )
        for needed in BESIDE_ROUTES.get(path, ()):
            visit.check(needed)  # type: ignore[arg-type]

    def _count(self, who: str, most: int | None) -> None:
        """Raises TooMany. most: requests in a minute; None: no limit."""
        if most is None:
            return
        wait = self._limits.wait(who, most)
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            raise TooMany(f"More than {most:,} requests in a minute; try again in {seconds} s.", seconds)

    def _is_page(self, scope: Scope) -> bool:
        path: str = scope["path"].rstrip("/") or "/"
        return (
            scope["method"] in {"GET", "HEAD"}
            and (path in self._pages or path.startswith("/shared/"))
            and "text/html" in Headers(scope=scope).get("accept", "")
        )


def access_of(settings: Settings) -> Access | None:
    """Who may use a server with these settings; None: everybody.

    Raises SettingsError where nobody could get in.
    """
    server = settings.server
    if server.auth == "none" or (server.auth == "auto" and is_loopback(server.host)):
        return None
    access = Access(settings.home)
    if not access.lets_in and (server.oidc.issuer is None or server.oidc.role is None):
        access.close()
        raise SettingsError(
            f"Nobody could get in: server.host={server.host} is reached from other machines, and there is "
            "neither a user nor a key. Make one with `codex users create NAME --role admin`, for the pages, "
            "or `codex keys create NAME --scope ask`, for HTTP. server.auth=none lets everybody in instead.",
            ["server.auth"],
        )
    return access


def provider_of(settings: Settings) -> OpenIdProvider | None:
    """The OpenID Connect provider of these settings, if there is one. Raises SettingsError."""
    oidc = settings.server.oidc
    if oidc.issuer is None:
        return None
    secret = read_secret(oidc.client_secret_env) if oidc.client_secret_env else None
    if oidc.client_secret_env and not secret:
        raise SettingsError(
            f"server.oidc.client_secret_env names {oidc.client_secret_env}, which is not set: export the "
            "secret of the client there.",
            ["server.oidc.client_secret_env"],
        )
    return OpenIdProvider(oidc.issuer, oidc.client_id, secret, oidc.name_claim)


def new_local_key() -> str:
    """What the commands of whoever owns the home send, for as long as this process lives."""
    return secrets.token_urlsafe(32)


def cookie(headers: Headers, name: str) -> str | None:
    """The value of a cookie."""
    for line in headers.getlist("cookie"):
        try:
            found = SimpleCookie(line).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return None


def _logging(scope: Scope, visit: Visit, send: Send) -> Send:
    """Log what changes something or takes data along, before its sender is told of it."""
    path, method = scope["path"], scope.get("method", "")
    if method in {"GET", "HEAD", "OPTIONS"} and not LOGGED_READS.search(path):
        return send
    if PAGES_OWN.match(path) or path in OPEN:
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 404:
            route = getattr(scope.get("route"), "path", path)
            await run_sync(visit.log, f"{method} {route}", path, message["status"])
        await send(message)

    return sending


def _address(scope: Scope) -> str:
    """Where a request is from; of IPv6 the network, all of which one client usually has."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _target(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])
