"""JSON bodies, read and checked before any parser that would take more time or memory over them."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codex.errors import BodyTooLarge, CodexError, InvalidInput, UnsupportedBody
from codex.server.errors import error_response

UPLOADS = ("/documents/", "/datasets/", "/evaluations/import/", "/labels/records/")
"""PUT requests below these may have a body of any type; the routes there have limits of their own."""

FORM = "/sign-in"
"""What a browser posts there is a form, which its route reads within a limit of its own."""

MAX_BODY_BYTES = 2**20
"""A question of 1 MiB is longer than any context that fits on one machine."""
MAX_VALUES = 100_000
"""Lists, objects and separators: more of them in one body is nothing that a page or a client sends."""
MAX_DEPTH = 64
"""Lists and objects inside each other; parsers and validators are recursive."""

# An unclosed string counts as one, so that no position is tried twice: linear on whatever is sent.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonBodies:
    """Lets no body in but JSON within the limits, and uploads.

    It has to say that it is JSON: other types may be sent from other web pages without a preflight.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer it with what is wrong."""
        if scope["type"] == "http" and not _is_upload(scope):
            try:
                body = await read_body(Headers(scope=scope), receive)
            except ClientDisconnect:
                return
            except CodexError as error:
                await error_response(error)(scope, receive, send)
                return
            receive = replayed(body, receive)
        await self.app(scope, receive, send)


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The body, empty where there is none; otherwise JSON within the limits.

    Raises UnsupportedBody, BodyTooLarge, InvalidInput; ClientDisconnect when the sender goes away.
    """
    length = headers.get("content-length", "0")
    if length == "0" and "transfer-encoding" not in headers:
        return b""
    _check_type(headers)
    if length.isdecimal() and (len(length) > 15 or int(length) > MAX_BODY_BYTES):
        _too_large()
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            _too_large()
    if body:
        check_json(bytes(body))
    return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A channel on which the body comes first, and then what else the client does."""
    waiting = [body]

    async def replaying() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replaying


def check_json(body: bytes) -> None:
    """Raises InvalidInput unless it is JSON in UTF-8 of whole characters, neither too deep nor too much."""
    _check_structure(body)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: wrong at character {error.pos}.") from error
    except ValueError as error:
        raise InvalidInput("The body is not JSON in UTF-8.") from error
    if _SURROGATE.search(body):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InvalidInput("The body holds half a character (a lone surrogate).") from error


def _is_upload(scope: Scope) -> bool:
    """Other methods too, of which none reads a body."""
    path: str = scope["path"]
    return path == FORM or any(path.startswith(folder) and len(path) > len(folder) for folder in UPLOADS)


def _check_structure(body: bytes) -> None:
    bare = _STRING.sub(b"", body)
    if sum(bare.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise BodyTooLarge(f"The body holds more than {MAX_VALUES:,} values. Send fewer.")
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InvalidInput(f"The body is nested deeper than {MAX_DEPTH} lists and objects.")


def _check_type(headers: Headers) -> None:
    kind = headers.get("content-type")
    if kind is None:
        raise InvalidInput("The body has no type: send JSON with Content-Type: application/json.")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedBody(f"A body of type {kind[:60]!r} is not accepted: send application/json.")


def _too_large() -> NoReturn:
    raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES:,} bytes. Send less text.")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
