"""What stands around every route: limits on what comes in, and one shape for all errors that go out."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from codex.server.errors import error_response

MAX_BODY_BYTES = 2**20
"""A question of 1 MiB is longer than any context that fits on one machine."""


class LimitedRequest(Request):
    """A request whose body is given up as soon as it is too large, and whose JSON holds whole characters."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in chunks. Raises HTTPException 413."""
        size = 0
        async for chunk in super().stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise HTTPException(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes. Send less text.")
            yield chunk

    async def json(self) -> Any:
        """The parsed body. Raises HTTPException 422 on what no answer could repeat; JSONDecodeError."""
        try:
            value = await super().json()
            json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError:
            raise
        except UnicodeEncodeError as error:
            raise HTTPException(422, "The body holds half a character (a lone surrogate).") from error
        except (ValueError, RecursionError) as error:
            raise HTTPException(422, "The body is not JSON in UTF-8.") from error
        return value


class GuardedRoute(APIRoute):
    """A route of limited bodies that answers every error; other routes of the app are not touched.

    Starlette's own handler of unforeseen errors raises them again, and the server then drops the
    connection under the client's next request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, guarded."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(LimitedRequest(request.scope, request.receive))
            except Exception as error:
                return error_response(error)

        return guarded
