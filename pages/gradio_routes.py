"""The few of Gradio's routes that the pages use; what they are sent is checked before Gradio sees it."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from gradio.routes import App
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from codex.errors import CodexError, InvalidInput, NotFound
from codex.pages.gradio_files import FOLDERS, GradioFiles
from codex.server.errors import error_response
from codex.server.json_body import replayed
from codex.server.visits import visit_of

log = logging.getLogger(__name__)

FILES = ("/theme.css", "/favicon.ico")
CALL = "/gradio_api/component_server/"
JOIN = "/gradio_api/queue/join"
EVENTS = "/gradio_api/queue/data"
NO_SESSION = "There is no such session: nothing was started in it, or all of it has ended."
MOST_SESSIONS = 100_000
HEAD = b"</head>"
"""Where a page's head ends: behind Gradio's own styles."""

POLICY = (
    b"default-src 'none'; script-src 'self' 'unsafe-eval' %b; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    b"worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

SessionHash = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Call(BaseModel):
    """A page calls one of its functions: what Gradio takes at CALL."""

    model_config = ConfigDict(strict=True)

    component_id: int
    fn_name: str = Field(max_length=100)
    session_hash: SessionHash
    data: dict[str, Any]


class Join(BaseModel):
    """A page starts one of its streams: what Gradio takes at JOIN."""

    model_config = ConfigDict(strict=True)

    fn_index: int
    trigger_id: int
    session_hash: SessionHash
    data: list[Any] = Field(max_length=0)
    """The pages bind no inputs: all of it comes as event_data."""
    event_data: dict[str, Any]


class GradioRoutes:
    """Gradio's application behind a check of what it is sent; its failures are told as all others are."""

    def __init__(self, gradio: App, heads: Mapping[str, str]) -> None:
        """heads: what stands in the head of each page, by its path.

        Gradio would put it there only when its own scripts run, and nothing could be loaded before.
        """
        self.gradio = gradio
        self._heads = {path: head.encode() for path, head in heads.items()}
        self._blocks = gradio.get_blocks()
        self._owners: OrderedDict[str, str] = OrderedDict()
        """Whose each session is."""
        for kind in (HTTPException, RequestValidationError, CodexError):
            gradio.add_exception_handler(kind, _refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with what is wrong."""
        try:
            receive = await self._checked(scope, receive)
        except CodexError as error:
            await (await _refused(Request(scope), error))(scope, receive, send)
            return
        head = self._heads.get(scope["path"])
        if head is not None:
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"accept-encoding"]}
            send = _with_head(send, head)
        await _forwarded(self.gradio, scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The channel on which Gradio reads the request. Raises InvalidInput, NotFound."""
        path = scope["path"]
        if path == EVENTS:
            self._check_session(QueryParams(scope["query_string"]).get("session_hash"), scope)
        if path not in {CALL, JOIN}:
            return receive
        # Codex's own application has read all of it, and made sure that it is JSON within the limits.
        body = (await receive())["body"]
        sent: Call | Join
        try:
            sent = Call.model_validate_json(body) if path == CALL else Join.model_validate_json(body)
        except ValidationError as error:
            raise _invalid(error) from error
        if isinstance(sent, Call):
            self._check_function(sent)
        else:
            self._check_stream(sent)
            self._own(sent.session_hash, scope)
        # What else was in it does not reach Gradio.
        return replayed(sent.model_dump_json().encode(), receive)

    def _own(self, session_hash: str, scope: Scope) -> None:
        """A session is of whoever starts the first stream in it. Raises NotFound for anybody else's."""
        who = visit_of(scope).principal.id
        if self._owners.setdefault(session_hash, who) != who:
            raise NotFound(NO_SESSION)
        if len(self._owners) > MOST_SESSIONS:
            self._owners.popitem(last=False)

    def _check_session(self, session_hash: str | None, scope: Scope) -> None:
        pending = session_hash in self._blocks._queue.pending_messages_per_session
        if not pending or self._owners.get(str(session_hash)) != visit_of(scope).principal.id:
            raise NotFound(NO_SESSION)

    def _check_function(self, call: Call) -> None:
        component = self._blocks.blocks.get(call.component_id)
        if not getattr(getattr(component, call.fn_name, None), "_is_server_fn", False):
            raise NotFound(f"Component {call.component_id} has no function {call.fn_name!r}.")

    def _check_stream(self, join: Join) -> None:
        stream = self._blocks.fns.get(join.fn_index)
        if stream is None or join.trigger_id not in {component for component, _ in stream.targets}:
            raise NotFound(f"Component {join.trigger_id} has no stream {join.fn_index}.")


def restrict(app: FastAPI, mounted: Mount, heads: Mapping[str, str]) -> None:
    """Put the routes of Gradio that are used in the place of its mount: all others are not there.

    heads: what stands in the head of each page, by its path, "/" among them.
    """
    assert isinstance(mounted.app, App)
    gradio, pages = GradioRoutes(mounted.app, heads), list(heads)
    app.router.routes.remove(mounted)
    # Gradio leads an address that ends with a slash to the page.
    slashed = [f"{page}/" for page in pages if page != "/"]
    read = [Route(path, gradio, methods=["GET"]) for path in (*pages, *slashed, *FILES, EVENTS)]
    files = GradioFiles()
    read += [Route(f"/{name}/{{path:path}}", files, methods=["GET"]) for name in FOLDERS]
    sent = [Route(path, gradio, methods=["POST"]) for path in (CALL, JOIN)]
    # First, since a route of documents takes every path below its page's.
    app.router.routes[:0] = [*read, *sent]


def _with_head(send: Send, head: bytes) -> Send:
    """Put more into the head of the page that is sent, and say what may run in it."""
    start: Message = {}
    held = b""

    async def sending(message: Message) -> None:
        nonlocal start, held
        if message["type"] == "http.response.start":
            start = message
            return
        held += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = held.replace(HEAD, head + HEAD, 1)
        sized = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        sized += [(b"content-length", str(len(body)).encode()), (b"content-security-policy", policy(body))]
        await send({**start, "headers": sized})
        await send({"type": "http.response.body", "body": body})

    return sending


def policy(page: bytes) -> bytes:
    """The policy of a page of Gradio's: of the scripts that stand in it those that the server sent, by hash.

    Gradio makes functions of the text of its components, which takes 'unsafe-eval'.
    """
    hashes = b" ".join(
        b"'sha256-%b'" % base64.b64encode(hashlib.sha256(script).digest()) for script in _INLINE.findall(page)
    )
    return POLICY % hashes


async def _forwarded(gradio: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Gradio's response. Where it fails, one line in the log and an error in the usual shape."""
    started = ended = False

    async def sending(message: Message) -> None:
        nonlocal started, ended
        # Starlette answers a failure with a page of its own, and raises it again.
        if message["type"] == "http.response.start":
            started = message["status"] != 500
        if started:
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

    failure: Exception | None = None
    try:
        await gradio(scope, receive, sending)
    except Exception as error:
        failure = error
    if not started:
        failure = failure or RuntimeError(f"Gradio failed at {scope['path']}")
        await error_response(failure)(scope, receive, send)
    elif failure is not None:
        log.warning("%s broke off: %s", scope["path"], " ".join(repr(failure).split()))
        if not ended:
            await send({"type": "http.response.body", "body": b""})


async def _refused(request: Request, error: Exception) -> Response:
    """The answer to a request that cannot be used, and one line in the log where a page sent it."""
    response, path = error_response(error), request.scope["path"]
    if path in {CALL, JOIN, EVENTS}:
        log.warning("%s answered %s: %s", path, response.status_code, " ".join(str(error).split()))
    return response


def _invalid(error: ValidationError) -> InvalidInput:
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return InvalidInput(f"{field or 'The body'}: {first['msg']}.", [field])
