"""Which client a request is from: a user, a key, or known by a cookie of its first page or answer.

A client without one shares the places with the others of its address.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codex.access import LOCAL
from codex.ask.places import Client
from codex.server.connections import PEER
from codex.server.visits import ANYBODY, visit_of

COOKIE = "codex"
_SCOPE = "codex.caller"

_current: ContextVar[Client | None] = ContextVar("caller", default=None)


@dataclass(slots=True)
class _Caller:
    client: Client
    cookie: str | None
    """To be set; None where the request brought it."""
    asked: bool = False
    """Whether a question came with the request: its answer brings the cookie."""


class Callers:
    """Tells each request of an application which client it is from. Pure ASGI: nothing is buffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a page, or the answer to a question, brings the cookie where there was none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = scope[_SCOPE] = self._caller(scope)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and caller.cookie is not None:
                headers = MutableHeaders(scope=message)
                if caller.asked or headers.get("content-type", "").startswith("text/html"):
                    headers.append(
                        "Set-Cookie",
                        f"{COOKIE}={caller.cookie}; HttpOnly; SameSite=Lax; Path=/{secure(scope)}",
                    )
            await send(message)

        token = _current.set(caller.client)
        try:
            await self._app(scope, receive, sent)
        finally:
            _current.reset(token)

    def _caller(self, scope: Scope) -> _Caller:
        principal = visit_of(scope).principal
        if principal is not LOCAL and principal is not ANYBODY:
            # Of one who is known the questions are theirs on every browser, and so is the share.
            return _Caller(Client(self._signature(principal.id), principal.id), None)
        brought = self._brought(Headers(scope=scope).getlist("cookie"))
        if brought is not None:
            return _Caller(Client(brought, f"cookie {brought}"), None)
        secret = secrets.token_urlsafe(24)
        host = scope.get(PEER) or (scope.get("client") or ("",))[0]
        return _Caller(Client(secret, f"address {host}"), f"{secret}.{self._signature(secret)}")

    def _brought(self, cookies: list[str]) -> str | None:
        """The secret of a cookie that this process gave out."""
        for cookie in cookies:
            try:
                value = SimpleCookie(cookie).get(COOKIE)
            except CookieError:
                continue
            secret, _, signature = (value.value if value else "").rpartition(".")
            if secret and hmac.compare_digest(signature.encode(), self._signature(secret).encode()):
                return secret
        return None

    def _signature(self, secret: str) -> str:
        return hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()


def secure(scope: Scope) -> str:
    """What a cookie says beside its value where the browser came by TLS."""
    return "; Secure" if scope.get("scheme") == "https" else ""


def asker(request: Request) -> Client:
    """The client whose question a request brings; the answer tells it its cookie."""
    caller: _Caller = request.scope[_SCOPE]
    caller.asked = True
    return caller.client


def reader(request: Request) -> Client:
    """The client that wants to read."""
    caller: _Caller = request.scope[_SCOPE]
    return caller.client


def client_of(request: Any) -> Client | None:
    """The client of a request that Gradio hands to a page's function, or None where there is no request."""
    scope = getattr(getattr(request, "request", None), "scope", None)
    caller = scope.get(_SCOPE) if isinstance(scope, dict) else None
    return caller.client if isinstance(caller, _Caller) else None


def current_client() -> Client | None:
    """The client of the request that is served here; None outside of requests."""
    return _current.get()
