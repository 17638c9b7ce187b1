"""What stands before every route: whose requests are let in, and one shape for all errors that go out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codex import origins
from codex.errors import CodexError, ForeignOrigin, InvalidInput, UnknownHost
from codex.origins import Hosts
from codex.server.errors import error_response

REFERRER = "Referrer-Policy"
POLICY = "Content-Security-Policy"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # No other page may show one of these in a frame, embed what is served, or keep hold of a tab it opened.
    "X-Frame-Options": "DENY",
    # What is no page of ours runs and loads nothing, whatever it holds; pages have policies of their own.
    POLICY: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Addresses of pages name sessions and runs.
    REFERRER: "same-origin",
}
OWN = {POLICY, REFERRER}
"""What a page may say differently of itself."""
SHARED = "/shared/"
"""Below it are the pages that other pages may link to under any token; a page there may tell even less."""
WS_SCHEMES = {"ws": "http", "wss": "https"}
POLICY_VIOLATION = 1008
"""The code that closes a websocket, RFC 6455."""


class Guard:
    """Lets in what the server's own pages and clients outside of browsers send, and nobody else's pages.

    A web page elsewhere can send requests here in the user's browser: directly, which Origin and
    Sec-Fetch-Site tell, or through a name of its own that it rebinds to this machine, which Host tells.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, trusted: Iterable[str], pages: Collection[str]) -> None:
        """trusted: origins whose pages may do everything. pages: paths that other pages may link to."""
        self.app = app
        self._hosts = hosts
        self._trusted = frozenset(trusted)
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with what is wrong."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = _with_security_headers(send)
        try:
            self._check(scope)
        except CodexError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            else:
                await error_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """Raises InvalidInput, UnknownHost, ForeignOrigin."""
        headers = Headers(scope=scope)
        scheme: str = scope["scheme"]
        own = self._own_origin(headers.getlist("host"), WS_SCHEMES.get(scheme, scheme))
        sent = {_origin(value) for value in headers.getlist("origin")}
        if sent and sent <= self._trusted:
            return
        sites = set(headers.getlist("sec-fetch-site"))
        ours = sites <= {"same-origin", "none"} or self._is_link(scope, headers)
        # A preflight is asked for other origins alone.
        if ours and sent <= {own} and not _is_preflight(scope, headers):
            return
        pages = " and ".join(value[:100] for value in headers.getlist("origin")) or "another site"
        raise ForeignOrigin(
            f"A web page of {pages} may not use this server, {own}. If you trust that page, add its origin "
            "to server.cors_origins."
        )

    def _own_origin(self, hosts: list[str], scheme: str) -> str:
        """The origin that a request was sent to. Raises InvalidInput, UnknownHost."""
        if len(hosts) != 1:
            raise _bad_host(f"The request has {len(hosts)} Host headers instead of one.")
        try:
            name, _ = origins.authority(hosts[0])
        except ValueError as error:
            raise _bad_host(f"The header Host cannot be used: {str(error)[:200]}.") from error
        if name not in self._hosts:
            raise UnknownHost(
                f"This server is not reachable as {name[:100]!r}. If the name is yours, add it to "
                "server.allowed_hosts."
            )
        return origins.origin(f"{scheme}://{hosts[0]}")

    def _is_link(self, scope: Scope, headers: Headers) -> bool:
        """Whether the browser follows a link to a page; the page that holds the link sees nothing of it."""
        return (
            scope["type"] == "http"
            and scope["method"] in {"GET", "HEAD"}
            and headers.getlist("sec-fetch-mode") == ["navigate"]
            and headers.getlist("sec-fetch-dest") == ["document"]
            and (scope["path"].startswith(SHARED) or (scope["path"].rstrip("/") or "/") in self._pages)
        )


class GuardedRoute(APIRoute):
    """A route that answers every error in the one shape.

    Starlette's own handler of unforeseen errors raises them again, and the server then drops the
    connection under the client's next request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, guarded."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                return error_response(error)

        return guarded


class _BadHost(InvalidInput):
    status = 400


def _bad_host(message: str) -> InvalidInput:
    return _BadHost(message, ["Host"])


def _origin(text: str) -> str | None:
    try:
        return origins.origin(text)
    except ValueError:
        return None


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope.get("method") == "OPTIONS" and "access-control-request-method" in headers


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                if name not in OWN or name not in headers:
                    headers[name] = value
        await send(message)

    return sending
